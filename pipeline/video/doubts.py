"""What the pictures and the description of a film show that whoever recorded it should know of."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from pipeline.video.films import FilmReader
from pipeline.video.readers import Reader
from pipeline.video.scenes import SEEN, Look, Verdict
from pipeline.video.settings import Reading

FLICKER = 0.7  # ratio of the contrast of faint frames to that of bright ones
UNLIKE = 0.5  # correlation of two colours, below which they show different things
STRONG = 0.3  # of the strongest colour's contrast, that a weaker one must have to count
CLIPPED = 0.01  # share of the pixels at the end of the scale
COARSE = 16  # grey levels
BORDER = 2  # pixels
GROUND = 0.1  # share of the picture that may have the grey level of its edges
SMOOTH = 2.0  # pixels, over which the noise of colours is averaged


def flicker(found: Verdict, seen: Look, settings: Reading, name: str) -> list[str]:
    """A word on frames of unlike contrast, for one minmass is asked of all spots."""
    contrast = seen.spread[found.state == SEEN]
    if settings.flicker or len(contrast) < 2:
        return []
    faint, bright = np.percentile(contrast, (5, 95))
    if faint > FLICKER * bright:
        return []
    return [
        f"the contrast of the frames of {name} changes by a factor {bright / faint:.2g}: particles "
        "are lost in the faint ones if the light flickers or fades; video.flicker: true evens it."
    ]


def stated(opened: Reader, settings: Reading, name: str) -> list[str]:
    """Words on what the file states: a scale that config lacks, frames that it does not hold."""
    said = []
    mpp, fps = getattr(opened, "mpp", None), opened.fps
    if missing := getattr(opened, "missing", 0):
        said.append(
            f"{name} announces {opened.length + missing} frames and holds the first "
            f"{opened.length}: the recording was stopped, or the file is not all of it."
        )
    if isinstance(opened, FilmReader):
        if opened.turned:
            said.append(
                f"{name} is to be shown turned by {opened.turned} degrees: it is read as stored, "
                "and x, y and video.crop are those of the pictures of the tuning page."
            )
        if fps and settings.fps and abs(settings.fps / fps - 1) > 0.05:
            said.append(
                f"{name} is played at {fps:.4g} frames per second and video.fps = "
                f"{settings.fps:g} was taken: right if it was recorded at another rate."
            )
        return said
    for key, given, found, unit in (
        ("mpp", settings.mpp, mpp, "um per px"),
        ("fps", settings.fps, fps, "frames per second"),
    ):
        if found and not given:
            said.append(
                f"{name} states {found:.4g} {unit}, and config gives no video.{key}: set it if "
                "that is right; it is not used."
            )
    return said


def colours(frame: np.ndarray, channel: int | None, name: str) -> list[str]:
    """A word on a picture whose colours show different things.

    Args:
        frame: (H, W) or (H, W, 3), raw.
    """
    if frame.ndim < 3 or frame.shape[2] < 3 or channel is not None:
        return []
    planes = [
        ndimage.gaussian_filter(np.nan_to_num(plane.astype(np.float32)), SMOOTH)
        for plane in np.moveaxis(frame[..., :3], 2, 0)
    ]
    contrast = [float(plane.std()) for plane in planes]
    strong = [k for k in range(3) if contrast[k] > STRONG * max(contrast) > 0]
    for a, b in itertools.combinations(strong, 2):
        alike = float(np.corrcoef(planes[a].ravel(), planes[b].ravel())[0, 1])
        if alike < UNLIKE:
            names = ("red", "green", "blue")
            return [
                f"{names[a]} and {names[b]} of {name} show different things (correlation "
                f"{alike:.2f}) and were added up: take one of them, video.channel: {a} or {b}."
            ]
    return []


def border(images: list[np.ndarray], name: str) -> list[str]:
    """A word on edges of the picture that hold one grey level in all of some frames (H, W)."""
    low, high = np.minimum.reduce(images), np.maximum.reduce(images)
    even = [low.min(axis) == high.max(axis) for axis in (1, 0)]  # rows, columns
    if any(some.all() for some in even):
        return []
    top, left = (int(np.argmin(some)) for some in even)
    bottom, right = (int(np.argmin(some[::-1])) for some in even)
    if max(top, left, bottom, right) < BORDER:
        return []
    height, width = low.shape
    inner = low[top : height - bottom, left : width - right]
    if np.isin(inner, low[[0, 0, -1, -1], [0, -1, 0, -1]]).mean() > GROUND:
        return []  # a ground without noise, such as black
    return [
        f"the edges of {name} are of one grey level ({left} px at the left, {top} above, {right} "
        f"at the right, {bottom} below) and would count as sample without particles: video.crop: "
        f"[{left}, {top}, {width - right}, {height - bottom}] of this picture leaves them out."
    ]


def levels(images: list[np.ndarray], dark: bool) -> list[str]:
    """A word on spots that are cut off at the end of the scale, or are made of few grey levels."""
    images = [image for image in images if image.dtype.kind in "iu"]
    if not images:
        return []
    count = max(len(np.unique(image)) for image in images)
    if count < COARSE:
        return [f"the pictures have {count} grey levels only: positions are as coarse."]
    end = min(i.min() for i in images) if dark else max(i.max() for i in images)
    share = float(np.mean([np.mean(image == end) for image in images]))
    if share < CLIPPED:
        return []
    return [
        f"{100 * share:.2g} % of the pixels are at the {'lowest' if dark else 'highest'} level "
        f"that occurs, {end}: spots seem to be cut off there, and positions are less exact; "
        "record with less light or a shorter exposure."
    ]
