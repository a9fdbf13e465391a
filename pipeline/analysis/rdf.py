"""Radial distribution function, exact at the open edges of a field of view.

    g(r) = sum_i n_i(r) / sum_i rho |shell(r) around i, inside the window|

The centres i are free particles; n_i counts all particles seen, driven ones too. The expected
number is taken around each centre where it stands, so g = 1 for an ideal gas whichever particles
are the centres: near an edge, in the middle, or picked by hand. (With every particle a centre, its
mean over a homogeneous sample is the rectangle formula w h / ((w - |dx|)(h - |dy|)).) rho is
(n - 1) / |window|: the centre cannot be its own neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.analysis import shear
from pipeline.analysis.runs import Run, minimum_image, sides, wrapped
from pipeline.analysis.uncertainty import gather
from pipeline.trajectory import Box

HEIGHTS = 24  # Gauss-Legendre nodes over the height of a spherical shell


def window(parts: Sequence[Run]) -> Box:
    """The region in which particles are seen: the box, on open axes no larger than what was seen.

    Detection leaves a margin at the edge of an image, and a box that includes it would make g(r)
    too large everywhere. The bounds of n points are widened by 1 / (n - 1) of their extent, which
    makes them unbiased.

    Raises:
        ValueError: if fewer than two particles were ever seen.
    """
    box = parts[0].box
    seen = np.concatenate([part.position[part.seen] for part in parts])
    if len(seen) < 2:
        raise ValueError(f"g(r) needs at least 2 particles and {len(seen)} were seen.")
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = (high - low) / (len(seen) - 1)
    origin = np.asarray(box.origin, float)
    lower = np.maximum(low - margin, origin)
    upper = np.minimum(high + margin, origin + box.lengths)
    closed = np.asarray(box.periodic)
    lower = np.where(closed, origin, lower)
    upper = np.where(closed, origin + box.lengths, upper)
    return Box(upper - lower, box.periodic, lower)


def shell_volumes(edges: np.ndarray, dimension: int) -> np.ndarray:
    """(K,) areas of rings or volumes of shells between (K + 1,) radii."""
    unit = np.pi if dimension == 2 else 4 * np.pi / 3
    return unit * np.diff(edges**dimension)


def mean_radius(edges: np.ndarray, dimension: int) -> np.ndarray:
    """(K,) mean distance of the points of each ring or shell between (K + 1,) radii."""
    moment = np.diff(edges ** (dimension + 1)) / np.diff(edges**dimension)
    return dimension / (dimension + 1) * moment


def visible(local: np.ndarray, r: np.ndarray, frame: Box) -> np.ndarray:
    """Fraction of the circle or sphere of radius r around each point that lies in the window.

    Args:
        local: (C, D) points, from the lower corner of the window [length].
        r: (K,) radii [length].
        frame: the window; periodic axes have no edge.

    Returns:
        (C, K) fractions between 0 and 1.
    """
    side = np.stack([local, frame.lengths - local], axis=2)
    side = np.where(np.asarray(frame.periodic)[None, :, None], np.inf, side)
    if np.isinf(side).all():
        return np.ones((len(local), len(r)))
    radius = np.broadcast_to(r, (len(local), len(r)))
    if local.shape[1] == 2:
        return _arc(side, radius)
    # Archimedes: equal heights of a sphere have equal areas, so the mean runs over the height.
    nodes, weights = np.polynomial.legendre.leggauss(HEIGHTS)
    lower = -np.minimum(side[:, 2, 0, None] / radius, 1.0)
    upper = np.minimum(side[:, 2, 1, None] / radius, 1.0)
    total = np.zeros(radius.shape)
    for node, weight in zip(nodes, weights, strict=True):
        height = (upper + lower) / 2 + (upper - lower) / 2 * node
        total += weight * _arc(side[:, :2], radius * np.sqrt(1 - height**2))
    return total * (upper - lower) / 4


def _arc(side: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(C, K) part of circles inside a rectangle, from (C, 2, 2) distances to its sides.

    Each side cuts off an arc of 2 acos(d / r); at a corner inside the circle two of them overlap.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.arccos(np.clip(side[..., None] / r[:, None, None, :], 0.0, 1.0))
    corner = np.maximum(half[:, 0, :, None] + half[:, 1, None, :] - np.pi / 2, 0.0)
    return 1 - (2 * half.sum(axis=(1, 2)) - corner.sum(axis=(1, 2))) / (2 * np.pi)


class Counts(NamedTuple):
    """Neighbours counted and expected in K shells, per patch of centres."""

    found: np.ndarray  # (U, K)
    expected: np.ndarray  # (U, K), of an ideal gas of the same density


def rdf(
    parts: Sequence[Run], frame: Box, edges: np.ndarray, label: np.ndarray, snapshots: int
) -> Counts:
    """Neighbours counted and expected, averaged over snapshots spread over all runs.

    Args:
        parts: runs on their clocks.
        frame: the window, see `window.window`; particles outside it are left out.
        edges: (K + 1,) evenly spaced edges of the shells from 0 [length].
        label: (N,) patch of each particle.
        snapshots: how many snapshots to average over at most.

    Returns:
        sums per patch; `uncertainty.interval` makes the curve of them.

    Raises:
        ValueError: if the largest radius exceeds half a periodic length.
    """
    shortest = np.min(np.where(frame.periodic, frame.lengths, np.inf))
    if edges[-1] > shortest / 2 * (1 + 1e-9):
        raise ValueError(
            f"g(r) is asked for up to r = {edges[-1]:g}, more than half the shortest periodic "
            f"length {shortest:g}: lower r_max."
        )
    units, shells = int(label.max()) + 1, len(edges) - 1
    found, expected = np.zeros((units, shells)), np.zeros((units, shells))
    for part, row in _spread(parts, snapshots):
        one = _snapshot(part, row, frame, edges)
        found += gather(one.found, label[one.centre], units)
        expected += gather(one.expected, label[one.centre], units)
    return Counts(found, expected)


class _Shells(NamedTuple):
    centre: np.ndarray  # (C,) particles
    found: np.ndarray  # (C, K)
    expected: np.ndarray  # (C, K)


def _spread(parts: Sequence[Run], snapshots: int) -> list[tuple[Run, int]]:
    usable = [
        (part, row)
        for part in parts
        for row in range(len(part.time))
        if part.free[row].any() and part.seen[row].sum() > 1
    ]
    if len(usable) <= snapshots:
        return usable
    return [usable[k] for k in np.linspace(0, len(usable) - 1, snapshots).astype(int)]


def _snapshot(part: Run, row: int, frame: Box, edges: np.ndarray) -> _Shells:
    lengths, slide = np.asarray(frame.lengths, float), float(part.slide[row])
    local = (
        shear.inside(part.position[row], frame, slide)
        if slide
        else wrapped(part.position[row], frame)
    )
    inside = part.seen[row] & (local >= 0).all(axis=1) & (local <= lengths).all(axis=1)
    who = np.flatnonzero(inside)
    place, centre = local[who], part.free[row, who]
    pair, distance = _neighbours(place, frame, slide, edges[-1])
    counted = centre[pair].any(axis=1)
    pair, distance = pair[counted], distance[counted]
    shells = len(edges) - 1
    shell = np.searchsorted(edges, distance, side="right") - 1
    kept = shell < shells
    flat = (pair[kept] * shells + shell[kept, None]).ravel()
    found = np.bincount(flat, minlength=len(who) * shells).reshape(len(who), shells)[centre]
    middle = mean_radius(edges, len(lengths))
    density = (len(who) - 1) / np.prod(lengths)
    expected = density * shell_volumes(edges, len(lengths)) * visible(place[centre], middle, frame)
    return _Shells(who[centre], found, expected)


def _neighbours(
    place: np.ndarray, frame: Box, slide: float, cutoff: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (P, 2) closer than the cutoff, each once, and their distances (P,)."""
    if slide:
        return shear.neighbours(place, frame, slide, cutoff)
    tree = cKDTree(place, boxsize=sides(frame))
    pair = tree.query_pairs(cutoff, output_type="ndarray")
    gap = minimum_image(place[pair[:, 0]] - place[pair[:, 1]], frame)
    return pair, np.linalg.norm(gap, axis=1)
