"""The window in which particles are seen, and how much of a circle or sphere lies inside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.runs import Run
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
