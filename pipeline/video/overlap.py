"""How much less neighbours are seen to move against each other than they do.

The light of neighbours reaches into the ground that is taken off around a spot and into the mask in
which its centre is found, and draws it along. How much depends on the places of all, so it is told
by an experiment: spots are drawn at the places found, moved a little, and found again.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pipeline.video.detect import locate
from pipeline.video.parameters import Detection
from pipeline.video.spots import nearest

MOVE = 0.2  # px, standard deviation along each axis
NEAR = 1.3  # median distances to the nearest: pairs that are asked
REACH = 5.0  # standard deviations of a spot, where it ends
WIDTH = 0.75  # standard deviation of a spot over its scale
FOUND = 1.5  # px
ENOUGH = 100  # pairs
PLACES = 3000  # spots, at most, that are drawn


def drawn(points: np.ndarray, width: float, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint16 Gaussian spots of a standard deviation [px] at points (K, 2) (y, x)."""
    image, reach = np.zeros(shape), int(REACH * width) + 1
    for point in points:
        low = np.maximum(np.rint(point).astype(int) - reach, 0)
        high = np.minimum(np.rint(point).astype(int) + reach + 1, shape)
        y, x = (np.arange(a, b) - centre for a, b, centre in zip(low, high, point, strict=True))
        profile = [np.exp(-0.5 * (s / width) ** 2) for s in (y, x)]
        image[low[0] : high[0], low[1] : high[1]] += np.outer(*profile)
    return np.rint(60000 / image.max() * image).astype(np.uint16)


def gain(
    points: np.ndarray, scale: float, detection: Detection, shape: tuple[int, int]
) -> float | None:
    """Relative motion of near neighbours as it is found, over what it is; None of too few pairs.

    Args:
        points: (K, 2) positions (y, x) of the particles of a frame [px].
        scale: of their spots [px], see `pipeline.video.spots`. shape: of the frame.
    """
    points = points[:PLACES]
    moved = points + np.random.default_rng(0).normal(0, MOVE, points.shape)
    usual = detection._replace(minmass=0.0, invert=False)
    before, after = (
        _seen(drawn(some, WIDTH * scale, shape), some, usual) for some in (points, moved)
    )
    if len(points) < 2:
        return None
    reach = NEAR * float(np.median(nearest(points)))
    i, j = cKDTree(points).query_pairs(reach, output_type="ndarray").T
    step, found = moved - points, after - before
    true, seen = step[i] - step[j], found[i] - found[j]
    known = np.isfinite(seen).all(axis=1)
    if known.sum() < ENOUGH:
        return None
    return float((seen[known] * true[known]).sum() / (true[known] ** 2).sum())


def _seen(image: np.ndarray, points: np.ndarray, detection: Detection) -> np.ndarray:
    """(K, 2) where the spots at points are found; NaN where none is near."""
    table = locate(image, detection)[["y", "x"]].to_numpy(float)
    if not len(table):
        return np.full(points.shape, np.nan)
    distance, which = cKDTree(table).query(points)
    return np.where((distance < FOUND)[:, None], table[which], np.nan)
