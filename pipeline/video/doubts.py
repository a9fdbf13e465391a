"""What the pictures and the description of a film show that whoever recorded it should know of."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from pipeline.video import order
from pipeline.video.films import FilmReader
from pipeline.video.readers import Reader
from pipeline.video.scenes import SEEN, Look, Verdict, thinned
from pipeline.video.settings import Reading

FLICKER = 0.7  # ratio of the contrast of faint frames to that of bright ones
UNLIKE = 0.5  # correlation of two colours, below which they show different things
STRONG = 0.3  # of the strongest colour's contrast, that a weaker one must have to count
CLIPPED = 0.01  # share of the pixels at the end of the scale
ALTERNATING = 0.5  # of the difference to the frame before, that to an earlier one
GREY = 0.05  # of the brightest, by which the colours of a pixel of a grey picture differ
STRONGLY = 0.5  # of it, in strong colours
PAINTED = 1e-3  # share of the pixels
WATCHED = 400  # frames in which turns are looked for
PLANES = 12  # frames, at most, after which a contrast comes again
TURNING = 0.05  # of the contrast, standard deviation within a round, and
STEADY = 2.0  # times that from round to round
SAME = 0.7  # correlation of what changes in two halves of a picture
STREAKED = 8.0  # times as much change along one axis as along the other
GROUND_SCALE = 8.0  # pixels, over which the ground changes
COARSE = 16  # grey levels
BORDER = 2  # pixels
GROUND = 0.1  # share of the picture that may have the grey level of its edges
WRITTEN_IN = 7  # frames, at least, in which a mark is the same
NOISY = 3.0  # grey levels, by which a pixel usually changes: else others are the same, too
UNCHANGED = 0.1  # of that
MARK = 15  # pixels, more than twice the width of strokes
STROKE = 6  # pixels
ALONE = 2.0  # times the pixels of marks, that may be the same besides
EVENLY = 0.1  # of the contrast of a mark, by which its pixels differ, and
SHARPLY = 0.15  # of it, what is left of it three pixels beside
SMOOTH = 2.0  # pixels, over which the noise of colours is averaged


def flicker(found: Verdict, seen: Look, settings: Reading, name: str) -> list[str]:
    """A word on frames of unlike contrast, for one minmass is asked of all spots."""
    contrast = seen.spread[found.state == SEEN]
    if settings.flicker or len(contrast) < 2:
        return []
    faint, bright = np.percentile(contrast, (5, 95))
    if not faint < FLICKER * bright:
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
    if marks := _painted(frame, name):
        return marks
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


def _painted(frame: np.ndarray, name: str) -> list[str]:
    """A word on a grey picture (H, W, 3) in which a few pixels are of strong colours."""
    picture = np.nan_to_num(frame[..., :3].astype(np.float32))
    chroma, full = np.ptp(picture, axis=2), float(picture.max())
    strong = chroma > STRONGLY * full
    share = float(strong.mean())
    if not full or np.median(chroma) > GREY * full or not PAINTED < share < GROUND:
        return []
    # What is bright and grey tells a picture from one of a single colour on black.
    if np.mean(picture.max(axis=2)[chroma <= GREY * full] > STRONGLY * full) < PAINTED:
        return []
    return [
        f"{100 * share:.2g} % of the pixels of {name} are of strong colours, and the others are "
        "grey: has another program drawn marks, tracks or writing into it? They count as light of "
        "particles: take the film as it was recorded."
    ]


def turns(found: Verdict, seen: Look, settings: Reading, name: str) -> list[str]:
    """A word on frames that take turns: they are like those a few before, and less like the one
    before, or their contrast comes again and again."""
    lag = seen.trace.lag[: order.LAGS + WATCHED]
    turn = np.median(lag[order.LAGS :], axis=0) if len(lag) > order.LAGS else np.full(1, np.nan)
    every, what = int(np.argmin(turn)) + 1, "what the frames show"
    if not turn[every - 1] < ALTERNATING * turn[0]:  # nor where nothing is known
        whole = (found.state == SEEN).all() and not settings.flicker
        every, what = _period(seen.spread) if whole else 1, "the contrast of the frames"
    if every < 2:
        return []
    return [
        f"{what} of {name} comes again after every {every} frames, and changes in between: do "
        f"{every} channels, focal planes, exposures or films take turns in it? Then save one of "
        "them alone; if the light flickers, video.flicker: true, and if the stage shakes, "
        "video.registration: true."
    ]


def _period(contrast: np.ndarray) -> int:
    """After how many frames the contrast (N,) comes again, 1 where it does not.

    Against the mean of the period about each frame: slow changes are no turns.
    """
    for every in range(2, min(PLANES, len(contrast) // 4) + 1):
        weight = np.ones(every) if every % 2 else np.array([0.5, *np.ones(every - 1), 0.5])
        usual = np.convolve(contrast, weight / every, mode="valid")
        start = (len(weight) - 1) // 2
        off = contrast[start : start + len(usual)] / np.maximum(usual, 1e-12) - 1
        rounds = off[: len(off) // every * every].reshape(-1, every)
        mean = rounds.mean(axis=0)
        if mean.std() > TURNING and mean.std() > STEADY * (rounds - mean).std():
            return every
    return 1


def halves(images: list[np.ndarray], name: str) -> list[str]:
    """A word on pictures whose two halves show the same, as mirrors and image splitters make them.

    What changes from frame to frame is compared, for a lattice is everywhere alike.

    Args:
        images: three frames (H, W) or more.
    """
    if len(images) < 3:
        return []
    smooth = [band(image) for image in images]
    steps = (smooth[1] - smooth[0], smooth[-1] - smooth[1])
    for axis, where in ((1, ("left", "right")), (0, ("upper", "lower"))):
        for mirrored in (False, True):
            found = [_halves_alike(step, axis, mirrored) for step in steps]
            if min(alike for alike, _ in found) > SAME and found[0][1] == found[1][1]:
                return [
                    f"the {where[0]} and the {where[1]} half of {name} show the same"
                    f"{', mirrored' if mirrored else ''} (their changes correlate by "
                    f"{found[0][0]:.2f}): every particle counts twice; keep one half (video.crop)."
                ]
    return []


def change(frames: list[np.ndarray]) -> np.ndarray:
    """(2, H, W) what changes between three frames (H, W), of spots alone and thinned."""
    first, middle, last = (thinned(band(frame)) for frame in frames)
    return np.stack([middle - first, last - middle])


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two films change in the same way, by `change` of each."""
    pairs = zip(one, other, strict=True)
    return min(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in pairs) > SAME


def band(image: np.ndarray) -> np.ndarray:
    """An image of spots alone, of standard deviation 1."""
    real = np.nan_to_num(image.astype(np.float32), posinf=0.0, neginf=0.0)
    spots = ndimage.gaussian_filter(real, 1.0) - ndimage.gaussian_filter(real, GROUND_SCALE)
    return np.asarray(spots / max(float(spots.std()), 1e-12))


def _halves_alike(step: np.ndarray, axis: int, mirrored: bool) -> tuple[float, tuple[int, ...]]:
    """Greatest correlation of two halves over all shifts, and at which it is."""
    size = step.shape[axis] // 2
    one, two = np.take(step, range(size), axis), np.take(step, range(-size, 0), axis)
    two = np.flip(two, axis) if mirrored else two
    product = np.conj(np.fft.rfft2(one - one.mean())) * np.fft.rfft2(two - two.mean())
    alike = np.fft.irfft2(product, one.shape) / max(one.size * one.std() * two.std(), 1e-12)
    place = np.unravel_index(int(alike.argmax()), alike.shape)
    return float(alike[place]), tuple(int(k) for k in place)


def streaks(images: list[np.ndarray], name: str) -> list[str]:
    """A word on pictures (H, W) that hardly change along one axis: it may be the time."""
    smooth = [ndimage.gaussian_filter(np.nan_to_num(i.astype(np.float32)), SMOOTH) for i in images]
    down, across = (
        float(sum((np.diff(image, axis=axis) ** 2).sum() for image in smooth)) for axis in (0, 1)
    )
    if max(down, across) < STREAKED * min(down, across) or not min(down, across):
        return []
    return [
        f"the pictures of {name} are streaks along {'x' if across < down else 'y'}: is this axis "
        "the time? Then save the film with the time first; if it shows lines or rods, all is well."
    ]


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


def written(images: list[np.ndarray], name: str) -> list[str]:
    """A word on marks that are the same in all of some frames (H, W), as no camera makes them: a
    scale bar, or what stays of a time."""
    pictures = np.stack([np.nan_to_num(image.astype(np.float32)) for image in images])
    across = np.ptp(pictures, axis=0)
    noise = float(np.median(across))
    if len(images) < WRITTEN_IN or noise < NOISY:
        return []
    mean = pictures.mean(axis=0)
    ground = ndimage.median_filter(mean, MARK)
    still = across <= max(UNCHANGED * noise, 1.0)
    same = still & (np.abs(mean - ground) > noise)
    label, _ = ndimage.label(same, np.ones((3, 3)))
    boxes = enumerate(ndimage.find_objects(label), start=1)
    marks = [k for k, box in boxes if _drawn(label == k, box, mean, ground)]
    if not marks:
        return []
    y, x = np.nonzero(np.isin(label, marks))
    if still.sum() > ALONE * len(y):  # much else does not change: compressed, or hardly moving
        return []
    return [
        f"{len(y)} pixels of {name} are the same in all frames and stand out, between x = "
        f"{x.min()} and {x.max()}, y = {y.min()} and {y.max()}: is a scale bar, a time or a name "
        "written there? Particles under it are lost or displaced, and it may be taken for some: "
        "keep the part without it (video.crop)."
    ]


def _drawn(
    part: np.ndarray, box: tuple[slice, slice], mean: np.ndarray, ground: np.ndarray
) -> bool:
    """Whether a part (H, W) of a picture is of one grey level and ends sharply, as no spot does."""
    wide = tuple(slice(max(some.start - 3, 0), some.stop + 3) for some in box)
    part, mean, ground = part[wide], mean[wide], ground[wide]
    if part.sum() < STROKE:
        return False
    height = mean[part] - ground[part].mean()
    far = ndimage.binary_dilation(part, iterations=2)
    around = ndimage.binary_dilation(far) & ~far
    contrast = float(np.median(height))
    beside = float(np.median(mean[around] - ground[around])) if around.any() else 0.0
    return bool(height.std() < EVENLY * abs(contrast) and beside / contrast < SHARPLY)


def dimmer(found: list[tuple[int, float]]) -> list[str]:
    """A word on a second kind of spots, too dim to be taken.

    Args:
        found: number and dimness of them in some frames, see `pipeline.video.spots.fainter`.
    """
    if not all(count for count, _ in found):
        return []
    count, times = (float(np.median(values)) for values in zip(*found, strict=True))
    return [
        f"some {count:.0f} spots a frame are {times:.2g} times dimmer than the others, with none "
        "in between, and are passed over: if they are particles of another kind, give "
        "detect.minmass."
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
