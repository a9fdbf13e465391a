"""Whether films of a folder show the same scene at the same time: cameras side by side, parts that
overlap, copies that were compressed, cropped or mirrored.

What changes from frame to frame is of the particles alone, and of other particles nothing of it is
alike. Lattices, and a needle that moves in all films of one protocol, are alike at many shifts; the
same scene is at one.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from pipeline.video import doubts
from pipeline.video.order import Trace
from pipeline.video.parts import Film

STEP = 4  # frames, between which changes of the digest are taken
ASKED = 48  # of these changes
FEWEST = 8  # of them, that two films must have in common
CANDIDATE = 0.3  # their correlation, from which it is looked at closely
PICTURES = 13  # of each film, between which the changes of its particles are taken
SIDE = 256  # pixels that a picture is reduced to, at most
CROWDED = 0.15  # of what is possible, by which the right shift goes beyond others, levelled, and
SPARSE = 0.35  # as they are, where a few particles are alike in some place by chance
NEAR = 8  # pixels around the shift that are no other one
MOST = 20  # films that are compared


class View(NamedTuple):
    """How one film shows the scene of another one."""

    correlation: float
    shift: tuple[int, int]  # (y, x) [px]
    mirrored: bool


def said(films: list[Film], known: set[tuple[int, int]]) -> list[str]:
    """Words on films that show the scene of another one.

    Args:
        known: pairs, by their places among the films, of which that is said already.
    """
    words, scenes = [], [Scene(film) for film in films[:MOST]]
    for k, m in combinations(range(len(scenes)), 2):
        if (k, m) in known:
            continue
        scene, again = scenes[k], scenes[m]
        one, other = scene.film, again.film
        lags = dict.fromkeys((0, _lag(one.trace, other.trace)))
        found = ((lag, _view(scene, again, lag)) for lag in lags if lag is not None)
        lag, view = max(found, key=lambda pair: pair[1].correlation)
        if view.correlation > 0:
            words.append(_sentence(one, other, lag, view))
    more = [f"{len(words) - 1} more pairs of films show one scene so."] if len(words) > 1 else []
    return [*words[:1], *more]


def _sentence(one: Film, other: Film, lag: int, view: View) -> str:
    name, again = one.runs[0].source.name, other.runs[0].source.name
    when = f"{abs(lag)} frames {'later' if lag > 0 else 'before'}" if lag else "at the same times"
    how = "mirrored and " if view.mirrored else ""
    return (
        f"{again} shows what {name} shows {when} ({how}shifted by {view.shift[0]} px down and "
        f"{view.shift[1]} px to the right, correlation of what changes {view.correlation:.2f}): "
        f"these are no independent runs, every particle that both show counts twice, and intervals "
        f"are too narrow; keep one of the two."
    )


def _lag(one: Trace, other: Trace) -> int | None:
    """Frames by which the second film is behind the first one, where their digests may be alike."""
    changes = [_digest_changes(trace) for trace in (one, other)]
    if any(len(change) < FEWEST for change in changes):
        return None
    first, second = changes
    asked = np.unique(np.linspace(0, len(second) - 1, ASKED).astype(int))
    product = np.abs(first @ second[asked].T)
    best, found = CANDIDATE, None
    for lag in range(-len(second) + 1, len(first)):
        rows = asked + lag
        both = np.flatnonzero((rows >= 0) & (rows < len(first)))
        if len(both) >= FEWEST and (mean := float(product[rows[both], both].mean())) > best:
            best, found = mean, int(one.number[rows[both[0]]] - other.number[asked[both[0]]])
    return found


def _digest_changes(trace: Trace) -> np.ndarray:
    """(M, B) changes of the digest over STEP frames, each block as lively as the others, each row
    of mean 0 and length 1."""
    digest = trace.digest.astype(np.float32)
    change = digest[STEP:] - digest[:-STEP]
    if not len(change):
        return change
    change /= np.maximum(change.std(axis=0), 1e-6)
    change -= change.mean(axis=1, keepdims=True)
    return np.asarray(change / np.maximum(np.linalg.norm(change, axis=1, keepdims=True), 1e-9))


class Changes(NamedTuple):
    """What changes between pictures (P, h, w): as it is, and everywhere of the same strength.

    Where one large thing moves, or a few particles in noise, only one of the two tells.
    """

    plain: np.ndarray
    levelled: np.ndarray

    @classmethod
    def of(cls, plain: np.ndarray) -> Changes:
        """Of changes (P, h, w) as they are."""
        strength = np.sqrt(ndimage.gaussian_filter(plain**2, (0, NEAR, NEAR)))
        return cls(plain, np.asarray(plain / np.maximum(strength, 1e-6)))

    def turned(self, down: int, right: int) -> Changes:
        """Mirrored along the axes whose step is -1."""
        return Changes(*(change[:, ::down, ::right] for change in self))


class Scene:
    """A film with what was taken from its pictures, which every other film is compared with."""

    def __init__(self, film: Film) -> None:
        self.film = film
        self.reduced: dict[int, np.ndarray] = {}
        self.known: dict[tuple[int, ...], Changes] = {}

    def holds(self, number: int) -> bool:
        """Whether it has a frame of this number."""
        return any(0 <= number - run.first < len(run) for run in self.film.runs)

    def changes(self, numbers: list[int]) -> Changes:
        """Between the frames of these numbers."""
        key = tuple(numbers)
        if key not in self.known:
            pictures = np.stack([self._picture(number) for number in numbers])
            self.known[key] = Changes.of(np.diff(pictures, axis=0))
        return self.known[key]

    def _picture(self, number: int) -> np.ndarray:
        """One frame, reduced to at most SIDE pixels a side, of spots alone."""
        if number not in self.reduced:
            runs = (run for run in self.film.runs if 0 <= number - run.first < len(run))
            run = next(runs)
            spots = doubts.band(run[number - run.first])
            k = _bin(spots.shape)
            height, width = (size // k for size in spots.shape)
            blocks = spots[: k * height, : k * width].reshape(height, k, width, k)
            self.reduced[number] = blocks.mean(axis=(1, 3))
        return self.reduced[number]


def _bin(shape: tuple[int, ...]) -> int:
    return max(1, -(-max(shape) // SIDE))


def _view(one: Scene, other: Scene, lag: int) -> View:
    """How the second film shows what the first one shows ``lag`` frames before."""
    numbers = np.intersect1d(one.film.trace.number, other.film.trace.number + lag).tolist()
    common = [t for t in numbers if one.holds(t) and other.holds(t - lag)]
    if len(common) < FEWEST:
        return View(0.0, (0, 0), False)
    chosen = [common[k] for k in np.linspace(0, len(common) - 1, PICTURES).astype(int)]
    first, second = one.changes(chosen), other.changes([t - lag for t in chosen])
    views = []
    for down, right in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        top, shift = alike(first, second.turned(down, right))
        views.append(View(top, shift, (down, right) != (1, 1)))
    best = max(views, key=lambda view: view.correlation)
    scale = _bin(one.film.runs[0].shape[:2])
    return best._replace(shift=(scale * best.shift[0], scale * best.shift[1]))


def alike(one: Changes, other: Changes) -> tuple[float, tuple[int, int]]:
    """Greatest correlation of changes over all shifts, and where it is; 0 where it does not stand
    out."""
    pairs = (one.levelled, other.levelled, CROWDED), (one.plain, other.plain, SPARSE)
    return max(_standing_out(*pair) for pair in pairs)


def _standing_out(
    one: np.ndarray, other: np.ndarray, bound: float
) -> tuple[float, tuple[int, int]]:
    """The greatest correlation and its shift, where it goes beyond that of other shifts by
    ``bound`` of what is possible."""
    one, other = (change - change.mean(axis=(1, 2), keepdims=True) for change in (one, other))
    shape = one.shape[1:]
    spectrum = (np.conj(np.fft.rfft2(one)) * np.fft.rfft2(other)).sum(axis=0)
    scale = max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-12)
    found = np.abs(np.fft.irfft2(spectrum, shape)) / scale
    place = np.unravel_index(int(found.argmax()), shape)
    top = float(found[place])
    apart = [
        np.abs((np.arange(n) - p + n // 2) % n - n // 2) for n, p in zip(shape, place, strict=True)
    ]
    elsewhere = np.hypot(apart[0][:, None], apart[1]) > NEAR
    second = float(found[elsewhere].max(initial=0.0))
    if top - second < bound * (1 - second):
        return 0.0, (0, 0)
    y, x = (int((p + n // 2) % n - n // 2) for p, n in zip(place, shape, strict=True))
    return top, (y, x)
