"""What a program drew into pictures or instead of them: lines of writing, labels of segments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import ndimage
from skimage.filters import rank

GROUND = 0.1  # share of the pixels that have the grey level of the ground of a label image
FLAT = 0.5  # share of the others that are like their four neighbours, and
PATCHED = 0.95  # like two of them
FRAMES = 5  # in which writing is looked for, at least, and
MOST = 0.8  # of them that show it
SIGNS = 3  # in a line, at least
STROKE = 15  # pixels, more than twice the width of strokes
LARGEST = 80  # pixels, a sign
SMALLEST = 5
HIGH = 0.2  # of the range of grey levels, that a sign stands out by
CORE = 0.6  # of the contrast of a sign: pixels that belong to it, of which
MANY = 0.4  # differ from its level by at most
EVEN = 0.1  # of it, and
SHARP = 0.2  # what is left of it three pixels beside
ALIGNED = 1  # pixels, by which tops and bottoms of the signs of a line differ
APART = 2.0  # heights of a sign: farther apart they are no line

Box = tuple[int, int, int, int]  # top, bottom, left, right [px], ends inclusive


def labels(images: list[np.ndarray], name: str) -> list[str]:
    """A word on pictures (H, W) that are labels or masks of a segmentation."""
    if not all(_labelled(image) for image in images):
        return []
    return [
        f"{name} shows patches of one grey level each on an even ground: is it a label image or a "
        "mask, as programs for segmentation write them? Grey levels are numbers of patches there "
        "and no light: patches of low numbers are passed over, and large ones found as several. "
        "Give the film that it was made from, or tracks of that program."
    ]


def _labelled(image: np.ndarray) -> bool:
    level, count = np.unique(image, return_counts=True)
    if image.dtype.kind not in "iu" or len(level) < 2 or count.max() < GROUND * image.size:
        return False
    inner = image[1:-1, 1:-1]
    alike = sum(
        (inner == other).astype(int)
        for other in (image[:-2, 1:-1], image[2:, 1:-1], image[1:-1, :-2], image[1:-1, 2:])
    )
    patches = alike[inner != level[count.argmax()]]
    return bool(len(patches) and (patches == 4).mean() > FLAT and (patches >= 2).mean() > PATCHED)


def writing(images: list[np.ndarray], name: str) -> list[str]:
    """A word on a line of signs that stands in one place of some frames (H, W), whatever they are:
    a time that runs, too."""
    if len(images) < FRAMES:
        return []
    found = [_lines(image) for image in images]
    for box in sorted({box for boxes in found for box in boxes}):
        same = [[other for other in boxes if _in_place(box, other)] for boxes in found]
        if sum(map(bool, same)) < MOST * len(images):
            continue
        left = min(other[2] for boxes in same for other in boxes)
        right = max(other[3] for boxes in same for other in boxes)
        return [
            f"a line of signs is written into {name} (between x = {left} and {right}, y = {box[0]} "
            f"and {box[1]}): a time, a name or a scale? It may be taken for particles, which jump "
            "where it changes, and those under it are lost or displaced: keep the part without it "
            "(video.crop)."
        ]
    return []


def _in_place(box: Box, other: Box) -> bool:
    level = max(abs(box[0] - other[0]), abs(box[1] - other[1])) <= ALIGNED
    return level and other[2] <= box[3] and other[3] >= box[2]


def _lines(image: np.ndarray) -> list[Box]:
    """Boxes around lines of signs: flat, sharp, as high as one another and side by side."""
    values = _levels(image)
    over, least = values - _ground(values), HIGH * float(np.ptp(values))
    lines = []
    for relief in (over, -over):
        label, _ = ndimage.label(relief > least, np.ones((3, 3)))
        boxes = [
            _outline(relief[wide], label[wide] == k, (wide[0].start, wide[1].start))
            for k, box in enumerate(ndimage.find_objects(label), start=1)
            if _sized(box)
            for wide in [tuple(slice(max(some.start - 4, 0), some.stop + 4) for some in box)]
        ]
        lines += _aligned([box for box in boxes if box is not None])
    return lines


def _levels(image: np.ndarray) -> np.ndarray:
    """(H, W) grey levels of 8 bits; other images from their darkest to their brightest pixel."""
    if image.dtype == np.uint8:
        return image.astype(np.int16)
    values = np.nan_to_num(image.astype(np.float32)).astype(np.float64)
    span = float(np.ptp(values)) or 1.0
    return np.rint(255 * ((values - values.min()) / span)).astype(np.int16)


def _ground(levels: np.ndarray) -> np.ndarray:
    """(H, W) medians around every pixel, the image mirrored at its edges.

    By histograms that move along, for 8 bits: of windows as large as these, tens of times faster
    than by sorting.
    """
    edge = STROKE // 2
    wide = np.pad(levels.astype(np.uint8), edge, mode="symmetric")
    return rank.median(wide, np.ones((STROKE, STROKE), np.uint8))[edge:-edge, edge:-edge]


def _sized(box: tuple[slice, slice]) -> bool:
    height, width = (some.stop - some.start for some in box)
    return SMALLEST <= height <= LARGEST and width <= LARGEST


def _outline(relief: np.ndarray, part: np.ndarray, corner: tuple[int, int]) -> Box | None:
    """The box of a sign, None where it is not flat or ends softly, as spots do.

    Args:
        relief: (H, W) brightness over the ground, around the sign. part: (H, W) where it is.
        corner: (y, x) of these in the picture [px].
    """
    level = float(np.percentile(relief[part], 90))
    core = part & (relief > CORE * level)
    far = ndimage.binary_dilation(part, iterations=2)
    around = ndimage.binary_dilation(far) & ~far
    flat = np.mean(np.abs(relief[core] - level) < EVEN * level) > MANY
    if not flat or not around.any() or np.median(np.abs(relief[around])) > SHARP * level:
        return None
    y, x = np.nonzero(core)
    if np.ptp(y) + 1 < SMALLEST:
        return None
    low, left = corner
    return low + int(y.min()), low + int(y.max()), left + int(x.min()), left + int(x.max())


def _aligned(boxes: list[Box]) -> list[Box]:
    """Boxes around those signs that stand side by side on one line."""
    lines = set[Box]()
    for top, bottom, _, _ in boxes:
        row = sorted(
            (b for b in boxes if abs(b[0] - top) <= ALIGNED and abs(b[1] - bottom) <= ALIGNED),
            key=lambda b: b[2],
        )
        reach = APART * (bottom - top + 1)
        breaks = [k for k, (a, b) in enumerate(pairwise(row), start=1) if b[2] - a[3] > reach]
        for first, last in pairwise([0, *breaks, len(row)]):
            if last - first >= SIGNS:
                lines.add((top, bottom, row[first][2], row[last - 1][3]))
    return sorted(lines)
