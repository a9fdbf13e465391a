"""Sliding images (Lees and Edwards 1972): motion relative to the imposed flow, neighbours.

In a box sheared at a rate g, flow in x and gradient in y, the image one box up is displaced by
the slide s(t) = g L_y t and moves at g L_y. What a particle and all its images have in common is
its motion relative to the flow: the peculiar velocity u = v - g y e_x - mean, and the path with
dr = u dt. Velocity autocorrelation and mean squared displacement of a sheared box are those of u
and of this path, so that the relation of Green and Kubo between them holds as at rest.
"""

from __future__ import annotations

import numpy as np

from pipeline.trajectory import Trajectory


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
    r, time = trajectory.position, trajectory.time[1:, None]
    step, _ = trajectory.space.displacement(r[1:], r[:-1], time)
    height = r[:-1, :, 1] + 0.5 * step[..., 1]
    flow = rate * height * np.diff(trajectory.time)[:, None]
    both = trajectory.present[1:] & trajectory.present[:-1]
    step[..., 0] -= flow + _mean(step[..., 0] - flow, both)
    first = r[:1]
    return np.concatenate([first, first + np.cumsum(step, axis=0)])


def _mean(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(T, 1) mean of (T, N) values over those present."""
    count = np.maximum(present.sum(axis=1, keepdims=True), 1)
    return np.where(present, values, 0.0).sum(axis=1, keepdims=True) / count
