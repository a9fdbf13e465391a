"""Whether the frames of a film follow each other as they were taken.

Pictures tell: what moves differs the more, the more time has passed. Frames that changed places are
nearer to others than to their neighbours, a mean of two is half way between them, and a picture
whose lower part belongs to the next one shows a part that stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

LAGS = 4  # frames before, with which each is compared
BANDS = 8  # of rows
BLOCKS = 12  # a side, whose means are the digest of a frame
HALF = 0.5  # of what two steps differ from one: from there on a step is one or two
FAR = 4.0  # times as much: the two are of something else
COPIED = 0.2  # correlation of the pixel noise of two frames, above which they may be one
SURE = 4.0  # times its usual deviation that this difference must have
ENOUGH = 12  # frames, of which the usual can be told
MENDED = 12  # sudden steps that are looked at again, at most
MEAN = 0.2  # of the usual distance from the mean of its neighbours: below, a frame is that mean,
NEARLY = 0.5  # unless many are below this: compression makes some of the frames nearly means
BENT = 0.25  # of a step, that distance in films in which it tells anything
STILL = 0.1  # of the usual change of a band: below, it stands still, and
SLOW = 0.5  # of it, which it else seldom falls below
LIVELY = 0.3  # of the change of all, that of a band in which something moves
SELDOM = 0.1  # share of the frames: more are no accident
PROBES = 24  # frames whose likes are looked for
LIKE = 0.8  # of a step: nearer frames show the same
ROW = 3  # frames before and after, which are alike, too
APART = 8  # frames, at least, between a picture and its like


class Trace(NamedTuple):
    """What each of M pictures has in common with those before; NaN where there are none.

    Fields:
        number: (M,) of the frames, those that show nothing left out.
        lag: (M, LAGS) mean difference to the picture 1, 2, ... before.
        bent: (M,) mean difference to the mean of the one before and the one after, over that of
            those two.
        band: (M, BANDS) mean difference to the one before, by bands of rows.
        digest: (M, BLOCKS^2) float16, means over blocks.
    """

    number: np.ndarray
    lag: np.ndarray
    bent: np.ndarray
    band: np.ndarray
    digest: np.ndarray


class Tracer:
    """Makes a trace of pictures as they come."""

    def __init__(self) -> None:
        self._before: list[np.ndarray] = []
        self._rows: list[tuple[int, list[float], np.ndarray, np.ndarray]] = []
        self._bent: list[float] = []

    def see(self, number: int, picture: np.ndarray) -> float:
        """The next picture (H, W), at mean 0 and standard deviation 1; returns its difference to
        the one before, NaN for the first."""
        steps = [np.abs(picture - other) for other in self._before]
        lag = [float(step.mean()) for step in steps] + [np.nan] * (LAGS - len(steps))
        band = _parts(steps[0].mean(axis=1), BANDS) if steps else np.full(BANDS, np.nan)
        digest = _parts(_parts(picture, BLOCKS).T, BLOCKS).astype(np.float16)
        self._rows.append((number, lag, band, digest.ravel()))
        self._bent.append(np.nan)
        if len(self._before) > 1:
            middle, mean = self._before[0], 0.5 * (picture + self._before[1])
            # A mean has less noise than others, and so less contrast before it is scaled.
            gain = float(np.vdot(mean, middle)) / max(float(np.vdot(middle, middle)), 1e-12)
            off = float(np.abs(gain * middle - mean).mean())
            self._bent[-2] = off / lag[1] if lag[1] else np.nan
        self._before = [picture, *self._before][:LAGS]
        return lag[0]

    def trace(self) -> Trace:
        """Of all pictures that were seen."""
        count = len(self._rows)
        number, lag, band, digest = (
            np.array([row[k] for row in self._rows]).reshape(count, width)
            for k, width in enumerate((1, LAGS, BANDS, BLOCKS**2))
        )
        return Trace(number.ravel().astype(int), lag, np.array(self._bent), band, digest)


def _parts(rows: np.ndarray, count: int) -> np.ndarray:
    """Means over `count` groups of rows that follow each other; single ones where they are few."""
    edges = np.linspace(0, len(rows), count + 1).astype(int)
    return np.array([rows[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])


def exchanged(lag: np.ndarray) -> list[int]:
    """The first of each two neighbouring frames that changed places.

    Of a, b, c, d in this order c is nearer to a than b is, and b nearer to d than c is, each by
    what one step differs from two.

    Args:
        lag: (M, 2 or more) mean difference to the frame 1, 2, ... before, NaN where there is none.
    """
    one, two = lag[:, 0], lag[:, 1]
    if len(one) < ENOUGH or not np.isfinite(two).sum() >= ENOUGH:
        return []
    usual = float(np.nanmedian(two - one))
    # Of the second of the two: |ab| - |ac| and |cd| - |bd|.
    before, after = one[1:-2] - two[2:-1], one[3:] - two[3:]
    spread = 1.4826 * float(np.nanmedian(np.abs(after + usual)))
    if not usual > SURE * spread:
        return []
    # The same picture again is nobody's neighbour, and a picture of something else is far from all.
    other = np.minimum(two[2:-1], two[3:]) > HALF * float(np.nanmedian(one))
    other &= np.maximum(before, after) < FAR * usual
    found = np.flatnonzero((before > HALF * usual) & (after > HALF * usual) & other) + 1
    return found.tolist() if len(found) <= SELDOM * len(one) else []


def backwards(lag: np.ndarray, distance: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """First and last frame of each stretch of three or more that was turned round.

    Args:
        lag: as above, NaN where a frame is not to be asked.
        distance: of two frames by number, as in `lag`.
    """
    one = lag[:, 0]
    if np.isfinite(one).sum() < ENOUGH:
        return []
    usual = float(np.nanmedian(one))
    longer = float(np.nanmedian(lag[:, 1])) - usual
    bound = usual + HALF * longer
    spread = 1.4826 * float(np.nanmedian(np.abs(one - usual)))
    sudden = np.flatnonzero(one > usual + 1.5 * longer)
    if not longer > SURE * spread or len(sudden) > MENDED:
        return []
    found: list[tuple[int, int]] = []
    for i in sudden.tolist():
        for after in sudden[sudden > i + 2].tolist():
            if found and found[-1][1] >= i:
                continue
            mended = distance(i - 1, after - 1), distance(i, after)
            if max(mended) < bound and min(mended) > HALF * usual:
                found.append((i, after - 1))
    return found


def means(trace: Trace) -> np.ndarray:
    """(N,) bool: frames that are the mean of the one before and the one after."""
    known = trace.bent[trace.bent < FAR]  # pictures of something else tell nothing of the usual
    usual = float(np.percentile(known, 90)) if len(known) >= ENOUGH else 0.0
    found, nearly = trace.bent < MEAN * usual, trace.bent < NEARLY * usual
    told = usual > BENT and nearly.sum() <= found.sum() + found.sum() // 4
    return found if told else np.zeros_like(found)


def torn(trace: Trace) -> np.ndarray:
    """(N,) bool: frames whose upper or lower part belongs to the frame after or before.

    That part stands still in one step, and makes two steps in the one before or the one after.
    """
    found = np.zeros(len(trace.band), bool)
    band = trace.band
    if np.isfinite(band).all(axis=1).sum() < ENOUGH:
        return found
    usual = np.nanmedian(band, axis=0)
    lively = usual > LIVELY * usual.max()
    still, slow = band < STILL * usual, (band < SLOW * usual) & (band >= STILL * usual)
    # Where a band often hardly changes, it may stand still of itself.
    told = lively & (slow.sum(axis=0) <= still.sum(axis=0))
    for t in np.flatnonzero((still & told).any(axis=1)).tolist():
        parts = (still[t] & told)[lively]
        resting = (band[t] <= SLOW * usual)[lively] & ~parts
        # One part at one end, and the edge between the two may be within a band.
        if np.count_nonzero(np.diff(parts.astype(int))) != 1 or resting.sum() > 1:
            continue
        parts = still[t] & told
        before = band[t - 1][parts].sum() if t else 0.0
        after = band[t + 1][parts].sum() if t + 1 < len(band) else 0.0
        found[t if np.nan_to_num(after) > np.nan_to_num(before) else t - 1] = True
    return found if found.sum() <= SELDOM * len(found) else np.zeros_like(found)


class Recurrence(NamedTuple):
    """Frames that look as earlier ones did: how many, the first of them, and which that looks as.

    `back` where they come in the opposite order.
    """

    number: int
    first: int
    like: int
    back: bool


def recurrence(trace: Trace, seen: np.ndarray) -> Recurrence | None:
    """Pictures that come again in their order, or back, though not pixel by pixel.

    Args:
        seen: (N,) bool: frames that are asked.
    """
    asked = seen[trace.number]
    number = trace.number[asked]
    if len(number) < 2 * APART:
        return None
    digest = trace.digest[asked].astype(np.float32)
    digest -= digest.mean(axis=0)
    step = np.linalg.norm(np.diff(digest, axis=0), axis=1)
    last = len(number) - 1 - ROW
    for probe in np.unique(np.linspace(ROW, last, PROBES).astype(int)).tolist():
        bound = LIKE * float(np.median(step[probe - ROW : probe + ROW]))
        far = np.abs(np.arange(len(number)) - probe) >= APART
        near = np.linalg.norm(digest - digest[probe], axis=1) < bound
        for other in np.flatnonzero(near & far).tolist():
            for sign in (1, -1):
                if other < ROW or other > last or not bound:
                    continue
                row = np.arange(-ROW, ROW + 1)
                apart = np.linalg.norm(digest[probe + row] - digest[other + sign * row], axis=1)
                if (apart < bound).all():
                    return _extended(digest, number, (probe, other), sign, bound)
    return None


def copied(one: np.ndarray, other: np.ndarray, mean: np.ndarray) -> bool:
    """Whether two frames (H, W) that show the same have the same noise, too: a sample that comes
    back to where it was has not. What is the same in all of a film, its mean, tells nothing."""
    a, b = (_checkered(np.nan_to_num(image) - mean) for image in (one, other))
    size = np.sqrt(np.vdot(a, a) * np.vdot(b, b))
    return bool(np.vdot(a, b) > COPIED * size)


def _checkered(image: np.ndarray) -> np.ndarray:
    """What changes from pixel to pixel along both axes."""
    return np.asarray(image[1:, 1:] - image[1:, :-1] - image[:-1, 1:] + image[:-1, :-1])


def _extended(
    digest: np.ndarray, number: np.ndarray, pair: tuple[int, int], sign: int, bound: float
) -> Recurrence:
    """All frames that are as far from their likes as those of a pair."""
    later = np.arange(len(number))
    # Forward by one lag, back about one middle.
    like = later - abs(pair[0] - pair[1]) if sign > 0 else sum(pair) - later
    asked = (like >= 0) & (like < later)
    apart = np.linalg.norm(digest[later[asked]] - digest[like[asked]], axis=1)
    again, which = later[asked][apart < bound], like[asked][apart < bound]
    return Recurrence(len(again), int(number[again[0]]), int(number[which[0]]), sign < 0)
