"""Size, polarity and rough positions of spots by the Laplacian of a Gaussian, with no settings."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.stats import skew

SCALES = np.geomspace(0.7, 20.0, 28)  # [px]; a Gaussian spot of width s answers most at scale s
DIM = 0.3  # of the height of bright spots, below which one does not count
LOST = 0.1  # of it, below which nobody asks
KIND = 0.2  # of the number of bright spots, which make a kind of their own
APART = 0.6  # of the height of the dimmest spots that count, below which all of a dimmer kind are
FEW = 3  # spots in a frame: of a size that has no more, another may be the typical one, that has
MANY = 8  # times as many
GAP = 2.0  # times as high as any other: spots that stand out
PAIR = 2  # of them at least in every frame
BLOCK = 32  # px a side, parts of a frame whose response is compared
ACTIVE = 4.0  # times the variance by noise, from which a part holds something
ENOUGH = 8  # of such parts
LIVELY = 2.0  # times the median variance of them, above which one counts no more
WINDOW = 1024  # px; a larger image is judged by its middle


class ScaleCurve(NamedTuple):
    """Response of an image to blobs of each size.

    Fields:
        scale: (S,) [px]. strength: (S,) standard deviation of s^2 LoG_s [grey levels], with the
            share of white pixel noise taken out, which would outweigh a few spots far apart.
        skewness: (S,) of the same, positive where bright spots stand on darker ground.
        best: index of the typical spot. interior: whether the curve really peaks there.
        peaks: indices of all sizes at which it does, the strongest first.
    """

    scale: np.ndarray
    strength: np.ndarray
    skewness: np.ndarray
    best: int
    interior: bool
    peaks: tuple[int, ...] = ()


def response(image: np.ndarray, scale: float) -> np.ndarray:
    """-s^2 LoG_s, (H, W) float32: positive on bright blobs of width about `scale` px."""
    return -(scale**2) * ndimage.gaussian_laplace(image.astype(np.float32), scale)


@cache
def noise_gain(scale: float) -> float:
    """Standard deviation of the response to white pixel noise of standard deviation 1."""
    delta = np.zeros((2 * int(6 * scale) + 3,) * 2, np.float32)
    delta[delta.shape[0] // 2, delta.shape[1] // 2] = 1.0
    return float(np.linalg.norm(response(delta, scale)))


def scale_curves(images: list[np.ndarray]) -> tuple[ScaleCurve, ScaleCurve]:
    """Typical spot size and polarity of a few frames, and the same with no part of a frame much
    livelier than others: there a glow or a flaw of the light does not decide.

    The scale is that at which the strength has its greatest local maximum: pixel noise answers at
    small scales only, and falls from there.
    """
    middles = [_middle(image) for image in images]
    size = min(middles[0].shape)
    scales = SCALES[size > 8 * SCALES]
    noise = [pixel_noise(middle) for middle in middles]
    strength, asymmetry = np.zeros((2, 2, len(scales)))
    for k, scale in enumerate(scales):
        margin, gain = int(np.ceil(3 * scale)), noise_gain(scale)
        values = [response(m, scale)[margin:-margin, margin:-margin] for m in middles]
        floor = [(gain * n) ** 2 for n in noise]
        told = np.array([_moments(v, f) for v, f in zip(values, floor, strict=True)])
        variance = np.mean(told[:, :, 0] - np.array(floor)[:, None], axis=0)
        strength[:, k] = np.sqrt(np.maximum(variance, 0.0))
        asymmetry[:, k] = told[:, :, 1].mean(axis=0)
    return _curve(scales, strength[0], asymmetry[0]), _curve(scales, strength[1], asymmetry[1])


def _moments(values: np.ndarray, floor: float) -> list[tuple[float, float]]:
    """Variance and skewness of a response (h, w), and both with lively blocks weighed down.

    Args:
        floor: variance by pixel noise alone; blocks of noise are none by which others are judged.
    """
    plain = float(values.var()), float(skew(values.ravel()))
    rows, columns = (size // BLOCK for size in values.shape)
    blocks = (values - values.mean())[: BLOCK * rows, : BLOCK * columns].astype(float)
    blocks = blocks.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK**2)
    second, third = (blocks**2).mean(axis=1), (blocks**3).mean(axis=1)
    active = second[second > ACTIVE * floor]
    if len(active) < ENOUGH:
        return [plain, plain]
    share = np.sqrt(np.minimum(LIVELY * np.median(active) / np.maximum(second, 1e-30), 1.0))
    variance = float((share**2 * second).mean())
    return [plain, (variance, float((share**3 * third).mean()) / max(variance, 1e-30) ** 1.5)]


def _curve(scales: np.ndarray, strength: np.ndarray, asymmetry: np.ndarray) -> ScaleCurve:
    inner = np.arange(1, len(scales) - 1)
    peaks = inner[
        (strength[inner] >= strength[inner - 1]) & (strength[inner] > strength[inner + 1])
    ]
    peaks = peaks[strength[peaks] >= 0.5 * strength[peaks].max()] if len(peaks) else peaks
    best = int(peaks[strength[peaks].argmax()]) if len(peaks) else int(strength.argmax())
    ranked = tuple(peaks[np.argsort(-strength[peaks])].tolist())
    return ScaleCurve(scales, strength, asymmetry, best, len(peaks) > 0, ranked)


def _middle(image: np.ndarray) -> np.ndarray:
    y, x = ((size - WINDOW) // 2 if size > WINDOW else 0 for size in image.shape)
    return image[y : y + WINDOW, x : x + WINDOW]


def pixel_noise(image: np.ndarray) -> float:
    """Standard deviation of white pixel noise [grey levels], from 2 x 2 checkerboard differences.

    Measured block by block; the quiet quarter counts, as the others hold edges of spots.
    """
    f = image.astype(np.float32)
    check = np.abs(f[1:, 1:] - f[1:, :-1] - f[:-1, 1:] + f[:-1, :-1]) / 2
    rows, columns = (size // 32 for size in check.shape)
    if not rows or not columns:
        return float(1.4826 * np.median(check))
    blocks = check[: 32 * rows, : 32 * columns].reshape(rows, 32, columns, 32).swapaxes(1, 2)
    return float(1.4826 * np.percentile(np.median(blocks, axis=(2, 3)), 25))


def blobs(image: np.ndarray, scale: float, dark: bool) -> tuple[np.ndarray, np.ndarray]:
    """Local maxima of the response, (K, 2) positions (y, x) [px] and (K,) heights.

    A maximum counts above DIM of the 90th percentile of those that stand out of the pixel noise:
    a fraction of what bright spots reach, so that neither a few glaring spots nor the many noise
    peaks decide, and the dimmer of two species stays.
    """
    place, height = _maxima(image, scale, dark, 4.0)
    kept = height > DIM * np.percentile(height, 90) if len(height) else np.zeros(0, bool)
    return place[kept], height[kept]


def _maxima(
    image: np.ndarray, scale: float, dark: bool, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (K, 2) and heights (K,) of all maxima that are ``least`` times the noise high."""
    answer = -response(image, scale) if dark else response(image, scale)
    bound = max(least * pixel_noise(image) * noise_gain(scale), 0.1 * float(answer.std()))
    reach = 2 * max(1, round(scale)) + 1
    top = (answer == ndimage.maximum_filter(answer, reach)) & (answer > bound)
    margin = int(np.ceil(2 * scale))
    top[:margin] = top[-margin:] = top[:, :margin] = top[:, -margin:] = False
    return np.argwhere(top).astype(float), answer[top]


def fainter(image: np.ndarray, scale: float, dark: bool) -> tuple[int, float]:
    """How many spots `blobs` passes over as too dim though they stand out far, and how many times
    dimmer they are; none where there are others in between: then they are the dimmest of one kind.
    """
    _, height = _maxima(image, scale, dark, 8.0)
    if not len(height):
        return 0, 1.0
    typical_height = np.percentile(height, 90)
    kept = height[height > DIM * typical_height]
    dim = height[(height > LOST * typical_height) & (height <= DIM * typical_height)]
    if len(dim) < KIND * len(kept) or np.percentile(dim, 95) > APART * np.percentile(kept, 5):
        return 0, 1.0
    return len(dim), float(np.median(kept) / np.median(dim))


def outstanding(heights: list[np.ndarray]) -> float | None:
    """Height between a few spots that stand out in each of some frames and all others; None where
    heights go on without such a gap, or half of the spots or more are above it.

    Args:
        heights: (K,) of the spots of each frame.
    """
    ranked = np.sort(np.concatenate(heights))[::-1]
    ratio = ranked[:-1] / ranked[1:]
    for k in np.argsort(-ratio).tolist():
        if ratio[k] < GAP:
            return None
        between = float(np.sqrt(ranked[k] * ranked[k + 1]))
        if 2 * (k + 1) < len(ranked) and min((h > between).sum() for h in heights) >= PAIR:
            return between
    return None


def typical(images: list[np.ndarray], curve: ScaleCurve) -> int:
    """Index of the scale of the typical spot: not of a single bubble or clump among many spots."""
    best, counts = curve.best, dict[int, float]()
    for k in curve.peaks:
        dark = bool(curve.skewness[k] < 0)
        found = [len(blobs(image, float(curve.scale[k]), dark)[0]) for image in images]
        counts[k] = float(np.mean(found))
    if counts.get(best, np.inf) > FEW:
        return best
    return next((k for k in curve.peaks if counts[k] > MANY * max(counts[best], 1)), best)


def overshone(images: list[np.ndarray], curve: ScaleCurve, level: ScaleCurve) -> bool:
    """Whether one glow, vignette or flaw tells size and polarity in place of many spots: by `level`
    they are of the other polarity, or of another size of which there are many for each."""

    def seen(told: ScaleCurve, k: int) -> float:
        scale, dark = float(told.scale[k]), bool(told.skewness[k] < 0)
        return float(np.mean([len(blobs(image, scale, dark)[0]) for image in images]))

    if not level.interior or (level.best == curve.best and _same_sign(curve, level)):
        return False
    here = seen(curve, curve.best)
    there = seen(level, level.best)
    if here <= FEW:
        return there > MANY * max(here, 1.0)
    return not _same_sign(curve, level) and there > FEW


def _same_sign(curve: ScaleCurve, level: ScaleCurve) -> bool:
    one, other = curve.skewness[curve.best], level.skewness[level.best]
    return bool(one * other > 0 and level.skewness[curve.best] * one > 0)


def sparse(images: list[np.ndarray], scales: np.ndarray) -> tuple[float, bool] | None:
    """Scale [px] and polarity (dark or not) of a few spots that stand out, which are too few for
    the strength of the response to tell their size: where they answer most. None where none do.

    Args:
        images: (H, W) frames. scales: to be tried [px].
    """
    found = []
    for scale in scales.tolist():
        for dark in (False, True):
            heights = [_maxima(_middle(image), scale, dark, 4.0)[1] for image in images]
            if (between := outstanding(heights)) is not None:
                high = np.concatenate(heights)
                found.append((float(np.median(high[high > between])), scale, dark))
    return max(found)[1:] if found else None


def nearest(points: np.ndarray) -> np.ndarray:
    """(K,) distance of each point to its nearest neighbour [px]; empty below two points."""
    return cKDTree(points).query(points, 2)[0][:, 1] if len(points) > 1 else np.zeros(0)


def mutual(first: np.ndarray, second: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of points that are each other's nearest, no farther than `reach` apart."""
    if not len(first) or not len(second):
        return np.zeros(0, int), np.zeros(0, int)
    distance, j = cKDTree(second).query(first)
    back = cKDTree(first).query(second)[1]
    i = np.arange(len(first))
    good = (back[j] == i) & (distance <= reach)
    return i[good], j[good]
