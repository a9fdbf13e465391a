"""Sliding images (Lees and Edwards 1972): motion relative to the imposed flow, neighbours.

In a box sheared at a rate g, flow in x and gradient in y, the image one box up is displaced by
the slide s(t) = g L_y t and moves at g L_y. What a particle and all its images have in common is
its motion relative to the flow: the peculiar velocity u = v - g y e_x - mean, and the path with
dr = u dt. Velocity autocorrelation and mean squared displacement of a sheared box are those of u
and of this path, so that the relation of Green and Kubo between them holds as at rest.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pipeline.trajectory import Box, Trajectory


def slides(trajectory: Trajectory) -> np.ndarray:
    """(T,) displacement in x of the image above, within one box length; zero without shear."""
    rate = float(trajectory.attributes.get("shear_rate", 0.0))
    lengths = trajectory.box.lengths
    return np.fmod(rate * lengths[1] * trajectory.time, lengths[0]) if rate else 0 * trajectory.time


def peculiar(trajectory: Trajectory) -> np.ndarray:
    """(T, N, D) velocities relative to the imposed flow, the mean of u_x over the present zero."""
    velocity = trajectory.velocity.copy()
    rate = float(trajectory.attributes["shear_rate"])
    left = velocity[..., 0] - rate * trajectory.position[..., 1]
    velocity[..., 0] = left - _mean(left, trajectory.present)
    return velocity


def path(trajectory: Trajectory) -> np.ndarray:
    """(T, N, D) positions as they would be without the imposed flow, the first as they are.

    Positions may be wrapped or not; nobody may move by half a box in one interval.
    """
    rate = float(trajectory.attributes["shear_rate"])
    step = nearest(
        np.diff(trajectory.position, axis=0), trajectory.box, slides(trajectory)[1:, None]
    )
    height = trajectory.position[:-1, :, 1] + 0.5 * step[..., 1]
    flow = rate * height * np.diff(trajectory.time)[:, None]
    both = trajectory.present[1:] & trajectory.present[:-1]
    step[..., 0] -= flow + _mean(step[..., 0] - flow, both)
    first = trajectory.position[:1]
    return np.concatenate([first, first + np.cumsum(step, axis=0)])


def nearest(difference: np.ndarray, box: Box, slide: np.ndarray | float) -> np.ndarray:
    """(..., D) differences of positions, to the nearest image; all axes periodic.

    Args:
        difference: r_i - r_j [length].
        box: geometry.
        slide: of the image above, broadcast against (...,) [length].
    """
    difference = difference.copy()
    difference[..., 0] -= np.round(difference[..., 1] / box.lengths[1]) * slide
    return difference - box.lengths * np.round(difference / box.lengths)


def inside(position: np.ndarray, box: Box, slide: float) -> np.ndarray:
    """(..., D) positions from the lower corner of the box, in [0, length) on every axis."""
    local = position - box.origin
    local[..., 0] -= np.floor(local[..., 1] / box.lengths[1]) * slide
    local = local % box.lengths
    # A remainder can round up to the length itself, which scipy's tree refuses.
    return np.where(local >= box.lengths, 0.0, local)


def neighbours(
    place: np.ndarray, box: Box, slide: float, cutoff: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs closer than the cutoff, each once: (P, 2) indices and (P,) distances.

    Args:
        place: (N, D) from `inside`.
        box: geometry, periodic on every axis.
        slide: displacement in x of the image above [length].
        cutoff: at most half of every side.
    """
    lengths = np.asarray(box.lengths, float)
    open_top = np.where(np.arange(len(lengths)) == 1, 0.0, lengths)
    tree = cKDTree(place, boxsize=open_top)
    level = tree.query_pairs(cutoff, output_type="ndarray")
    gap = place[level[:, 0]] - place[level[:, 1]]
    gap -= open_top * np.round(gap / lengths)
    above = place.copy()
    above[:, 1] += lengths[1]
    above[:, 0] = (above[:, 0] + slide) % lengths[0]
    above[above[:, 0] >= lengths[0], 0] = 0.0
    over = tree.sparse_distance_matrix(
        cKDTree(above, boxsize=open_top), cutoff, output_type="ndarray"
    )
    pair = np.concatenate([level, np.stack([over["i"], over["j"]], axis=1)])
    return pair, np.concatenate([np.linalg.norm(gap, axis=1), over["v"]])


def _mean(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(T, 1) mean of (T, N) values over those present."""
    count = np.maximum(present.sum(axis=1, keepdims=True), 1)
    return np.where(present, values, 0.0).sum(axis=1, keepdims=True) / count
