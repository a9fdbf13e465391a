"""Things that are no round spots and are found as several: rods and edges, rings.

Detection takes every maximum of the picture for a particle. A rod has several along its ridge, and
a hollow ring, as a particle out of focus shows it, several on its rim.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.video.parameters import Detection

RIDGE = 0.9  # of the fainter of two spots: all between them is as bright
ALONG = 2.0  # separations, within which such a neighbour is looked for
STEPS = 9  # places between two spots
ON_RIDGES = 0.3  # share of the spots that is worth a word
ANGLES = 16  # directions in which a rim is looked for
ROUND = 0.2  # relative standard deviation of the radius of a rim
CLOSED = 0.5  # of the usual height of a rim, that it has in every direction
HOLLOW = 0.3  # of the height of a spot, that a rim has over its middle
ON_RIM = 0.3  # of the radius: a spot as near to a rim is on it
ON_RINGS = 0.05  # share of the spots that is worth a word
FEW = 3  # rings a frame


def warnings(
    images: list[np.ndarray], points: list[np.ndarray], detection: Detection, scale: float
) -> list[str]:
    """Words on spots that are parts of one thing.

    Args:
        images: (H, W) frames. points: (K, 2) positions (y, x) of the spots found in each [px].
        scale: of the spots [px], see `pipeline.video.spots`.
    """
    total = sum(map(len, points))
    if not total:
        return []
    warnings, count, on_rims, joined = [], 0, 0, 0
    for image, found in zip(images, points, strict=True):
        rings, rim = on_rings(image, found, detection, scale)
        count, on_rims = count + rings, on_rims + int(rim.sum())
        joined += int((on_ridges(image, found, detection) & ~rim).sum())
    if count >= FEW * len(images) and on_rims > ON_RINGS * total:
        warnings.append(
            f"some {count / len(images):.0f} hollow rings a frame are each seen as several spots "
            f"on their rims ({100 * on_rims / total:.0f} % of all that is found): particles out of "
            "focus, or bubbles? Focus on them, give detect.diameter as wide as a ring, or take "
            "tracks of a program that finds circles."
        )
    if joined > ON_RIDGES * total:
        warnings.append(
            f"{100 * joined / total:.0f} % of the spots found lie on ridges, which are as bright "
            "between them and the next: are rods, fibres, large discs or the edges of a container "
            "seen as several particles each? Their motion is then that of no particle: crop the "
            "edges off (video.crop), give a larger detect.diameter and detect.separation, or take "
            "tracks of a program that knows such shapes."
        )
    return warnings


def on_ridges(image: np.ndarray, points: np.ndarray, detection: Detection) -> np.ndarray:
    """(K,) whether a ridge joins a spot to another near it: it is as bright between them.

    Args:
        image: (H, W). points: (K, 2) positions (y, x) of the spots found in it [px].
    """
    ridge = np.zeros(len(points), bool)
    if len(points) < 2:
        return ridge
    smooth, ground = _relief(image, detection)
    pairs = cKDTree(points).query_pairs(ALONG * detection.separation, output_type="ndarray")
    part = np.linspace(0, 1, STEPS)[:, None, None]
    line = points[pairs[:, 0]] * (1 - part) + points[pairs[:, 1]] * part
    height = _at(smooth, line) - _at(ground, line).min(axis=0)
    joined = height.min(axis=0) > RIDGE * np.minimum(height[0], height[-1])
    ridge[pairs[joined]] = True
    return ridge


def on_rings(
    image: np.ndarray, points: np.ndarray, detection: Detection, scale: float
) -> tuple[int, np.ndarray]:
    """Number of hollow rings that are seen as two spots or more, and (K,) which spots those are.

    Args:
        image: (H, W). points: (K, 2) positions (y, x) of the spots found in it [px].
        scale: of the spots [px].
    """
    rim, count = np.zeros(len(points), bool), 0
    if len(points) < 2:
        return count, rim
    smooth, ground = _relief(image, detection)
    usual = float(np.median(_at(smooth, points) - _at(ground, points)))
    centre, radius = _hollows(smooth, usual, scale, detection.diameter)
    tree = cKDTree(points)
    for place, r in zip(centre, radius, strict=True):
        near = np.array(tree.query_ball_point(place, (1 + ON_RIM) * r), int)
        here = near[np.linalg.norm(points[near] - place, axis=1) > (1 - ON_RIM) * r]
        if len(here) > 1 and not rim[here].all():
            count += 1
            rim[here] = True
    return count, rim


def _relief(image: np.ndarray, detection: Detection) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) a smoothed image whose spots are bright, and the ground around each pixel."""
    values = np.nan_to_num(image.astype(np.float32))
    values = -values if detection.invert else values
    smooth = ndimage.gaussian_filter(values, max(1.0, detection.diameter / 8))
    return smooth, ndimage.minimum_filter(smooth, 2 * detection.diameter + 1)


def _at(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    return ndimage.map_coordinates(image, np.moveaxis(places, -1, 0), order=1, mode="nearest")


def _hollows(
    smooth: np.ndarray, usual: float, scale: float, diameter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Middles (K, 2) [px] and radii (K,) [px] of dark places that a rim of one radius surrounds."""
    reach = np.arange(0.0, 2.0 * diameter, 1.0)
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    ray = np.stack([np.sin(angle), np.cos(angle)], axis=1)[:, None] * reach[:, None]
    found, radii = [np.zeros((0, 2))], [np.zeros(0)]
    for wide in (0.7 * scale, scale, 1.5 * scale, 2 * scale):
        hollow = ndimage.gaussian_laplace(smooth, wide)
        top = hollow == ndimage.maximum_filter(hollow, 2 * max(1, round(wide)) + 1)
        top &= hollow > 0
        middle = np.argwhere(top).astype(float)
        profile = _at(smooth, middle[:, None, None] + ray)  # (K, ANGLES, R)
        rim, at = profile.max(axis=2), profile.argmax(axis=2).astype(float)
        height = rim - profile[..., :2].mean(axis=(1, 2))[:, None]
        far = np.minimum(1.8 * at, len(reach) - 1).astype(int)
        falls = rim - np.take_along_axis(profile, far[..., None], axis=2)[..., 0]
        level = np.median(height, axis=1)
        good = (
            (at.std(axis=1) < ROUND * at.mean(axis=1))
            & (at.mean(axis=1) >= 3)
            & (height.min(axis=1) > CLOSED * level)
            & (level > HOLLOW * usual)
            & (np.median(falls, axis=1) > 0.5 * level)
        )
        found.append(middle[good])
        radii.append(at.mean(axis=1)[good])
    return np.concatenate(found), np.concatenate(radii)
