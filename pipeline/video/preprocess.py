"""Corrections made to frames before detection; every one is off unless asked for.

Order: pixel aspect, crop, background, flicker, drift. Later steps see square pixels, and all
coordinates downstream are pixels of the corrected, cropped image (pixel centres at integers).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from pipeline.errors import InputError


class Correction(NamedTuple):
    """What is done to each frame.

    Fields:
        pixel_aspect: height of a pixel over its width; y is stretched by it. The image is resampled
            (y_square = pixel_aspect * y_raw exactly) rather than the coordinates scaled, so that
            spots are round, as the detector's circular mask assumes.
        crop: (x0, y0, x1, y1) in square pixels, half open, or None.
        background: radius [px] of the Gaussian whose smoothed image each frame is divided by, 0
            for none. Division rather than subtraction: uneven light multiplies spots and ground.
        gain: (T,) factor that takes out flicker, or None.
        shift: (T, 2) displacement (y, x) [px] of the field of view, or None.
    """

    pixel_aspect: float = 1.0
    crop: tuple[int, int, int, int] | None = None
    background: float = 0.0
    gain: np.ndarray | None = None
    shift: np.ndarray | None = None


def correct(frame: np.ndarray, number: int, correction: Correction) -> np.ndarray:
    """Frame `number` (H, W), corrected, in its own integer type."""
    image = square(frame, correction.pixel_aspect)
    image = cropped(image, correction.crop)
    changed = image
    if correction.background > 0:
        changed = flattened(changed, correction.background)
    if correction.gain is not None:
        changed = changed * correction.gain[number]
    if correction.shift is not None:
        # What the camera did not see is even: smeared edges would look like particles.
        changed = ndimage.shift(
            changed.astype(np.float32),
            -correction.shift[number],
            order=3,
            mode="constant",
            cval=float(np.median(changed)),
        )
    return _like(changed, image.dtype)


def repaired(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """A frame of floating point without what is no number, and without glaring or dead pixels.

    Pixels that are no number get the mean of those around them (Gaussian of 2 px), or of the whole
    frame where there is nothing around; others are kept between `low` and `high`.
    """
    good = np.isfinite(image)
    if not good.all():
        values = np.where(good, image, 0.0).astype(np.float32)
        weight = ndimage.gaussian_filter(good.astype(np.float32), 2.0)
        around = ndimage.gaussian_filter(values, 2.0) / np.maximum(weight, 1e-6)
        mean = float(values[good].mean()) if good.any() else low
        image = np.where(good, image, np.where(weight > 1e-3, around, mean)).astype(image.dtype)
    return np.clip(image, low, high)


def _like(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if image.dtype == dtype or not np.issubdtype(dtype, np.integer):
        return image.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(image), limits.min, limits.max).astype(dtype)


def square(frame: np.ndarray, aspect: float) -> np.ndarray:
    """Resamples rows so that pixels become square: row y of `frame` lands on row aspect * y."""
    if aspect == 1.0:
        return frame
    if not 0.1 <= aspect <= 10.0:
        raise InputError(f"pixel aspect (height / width) must lie in 0.1 to 10, got {aspect}")
    rows = int(np.floor((frame.shape[0] - 1) * aspect)) + 1
    y = np.minimum(np.arange(rows) / aspect, frame.shape[0] - 1)
    low = np.minimum(y.astype(int), frame.shape[0] - 2)
    weight = (y - low).astype(np.float32)[:, None]
    image = frame[low] * (1 - weight) + frame[low + 1] * weight
    return _like(image, frame.dtype)


def cropped(image: np.ndarray, crop: tuple[int, int, int, int] | None) -> np.ndarray:
    """The part x0 <= x < x1, y0 <= y < y1.

    Raises:
        InputError: if the crop leaves the image or is empty.
    """
    if crop is None:
        return image
    x0, y0, x1, y1 = crop
    height, width = image.shape
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise InputError(
            f"crop (x0, y0, x1, y1) must lie inside the {width} x {height} pixel image, got {crop}"
        )
    return image[y0:y1, x0:x1]


def flattened(image: np.ndarray, radius: float) -> np.ndarray:
    """Frame over its smoothed self (Gaussian of `radius` px), at unchanged mean brightness."""
    smooth = ndimage.gaussian_filter(image.astype(np.float32), radius)
    return image * (smooth.mean() / np.maximum(smooth, 1e-6 * smooth.max() + 1e-12))


def flicker_gain(medians: np.ndarray) -> np.ndarray:
    """(T,) factors that bring each frame's median brightness to that of the typical frame."""
    return np.median(medians) / np.maximum(medians, 1e-12)


def accumulated_shift(frames, upsampling: int = 20) -> np.ndarray:
    """(T, 2) displacement (y, x) [px] of each frame from the first, by cross-correlation.

    The spectra are not whitened: particles fill only the low frequencies, the rest is noise.
    Consecutive frames are registered and the steps added: particles move far over the whole video
    but little from one frame to the next. It measures what most of the image does; in a sheared or
    flowing sample that is the flow, so it is for stage drift only.
    """
    shifts, previous = [np.zeros(2)], None
    for frame in frames:
        frame = frame - frame.mean()
        if previous is not None:
            step, _, _ = phase_cross_correlation(
                frame, previous, upsample_factor=upsampling, normalization=None
            )
            shifts.append(shifts[-1] + step)
        previous = frame
    return np.array(shifts)
