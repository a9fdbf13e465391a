"""Oscillatory shear, cycle by cycle: what is undone when the strain comes back, and what is not.

A snapshot and the one a period later have the same strain, so that what differs is rearrangement.
Of a particle, from the start of a cycle:

    rearranged    D2min per bond above the threshold at some phase of the cycle
    irreversible  and still so when the cycle is over
    reversible    rearranged, and back in its old neighbourhood when the cycle is over

as in experiments on sheared monolayers (Keim and Arratia, Soft Matter 11, 1539 (2015)). An exchange
of neighbours (T1) is a bond of the Delaunay triangulation whose two ends part while the two
particles that stood on either side of it become neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import fft
from scipy.spatial import Delaunay

from pipeline.analysis.d2min import field
from pipeline.analysis.metric import (
    Counting,
    Counts,
    Metric,
    Sample,
    Statistic,
    listed,
    missing,
)
from pipeline.analysis.plan import Period, Plan
from pipeline.analysis.rearrangements import unwanted
from pipeline.analysis.runs import WHOLE, Run, Share, recordings, runs
from pipeline.trajectory import Trajectory

PHASES = 8  # of a cycle that are looked at
CLEAR = 0.5  # share of the variance of the shear rate that one sine must explain
FEWEST = 24  # snapshots in which a period can be found
COMPLETE = 0.98  # of a period that a run must hold to count as one
MARGIN = 0.1  # by how much the two diagonals of an exchange must differ before and after, relative


NO_PERIOD = "The sample is not sheared to and fro for one and a half periods or more."

# Numbers of a cycle.
COLUMNS = (
    *("run", "start", "d2min", "reversible", "irreversible"),
    *("exchanges", "exchanges_half", "displacement"),
)


def shear_rate(trajectory: Trajectory, rows: slice = slice(None)) -> np.ndarray:
    """(T, 2) d v_x / d y and d v_y / d x of the best linear flow of each snapshot [1 / time].

    NaN where fewer than six particles are seen. All of them count, led ones too.
    """
    rate = []
    for _, part in trajectory.blocks(rows):
        for here, r, v in zip(part.present, part.position, part.velocity, strict=True):
            if here.sum() < 6:
                rate.append((np.nan, np.nan))
                continue
            r, v = r[here, :2], v[here, :2]
            r = r - r.mean(axis=0)
            slope, *_ = np.linalg.lstsq(r.T @ r, r.T @ v, rcond=None)
            rate.append((slope[1, 0], slope[0, 1]))
    return np.array(rate)


def period(trajectory: Trajectory, given: float | None = None) -> Period | None:
    """The period of an oscillatory shear, None where there is none.

    The shear rate of the first run is fitted by one sine of any period that fits in two thirds of
    it; that must explain half of its variance.

    Args:
        trajectory: the whole data set.
        given: period in intervals, where it is known; only the strain is measured then.
    """
    if trajectory.dimension != 2:
        return None
    rates = shear_rate(trajectory, trajectory.stretches()[0])
    known = np.isfinite(rates).all(axis=1)
    if known.sum() < FEWEST:
        return None
    time, rates = np.flatnonzero(known).astype(float), rates[known] - rates[known].mean(axis=0)
    rate = rates[:, rates.var(axis=0).argmax()] * trajectory.dt
    longest = len(time) * 2 / 3
    if given:
        length = float(given)
    else:
        count = int(8 * len(time))  # four to a width of the peak
        tried = np.linspace(1 / longest, 0.25, count)
        length = 1 / float(tried[explained((time - time[0]).astype(int), rate, tried).argmax()])
    share, size = _sine(time, rate, length)
    if not given and not share >= CLEAR:  # a rate that does not change has no share
        return None
    strain = size * length / (2 * np.pi)
    why = f"one sine explains {100 * share:.0f} % of the variance of the shear rate"
    return Period(length, strain, "given" if given else "found", why)


def explained(time: np.ndarray, rate: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """(K,) share of the variance of a rate about its mean that one sine explains.

    Least squares for cos, sin and 1, as a periodogram of Lomb and Scargle with a floating mean
    (Zechmeister and Kurster, Astron. Astrophys. 496, 577 (2009)), of sums that are chirp
    transforms: a long film has as many frequencies as snapshots.

    Args:
        time: (n,) whole, increasing from 0.
        rate: (n,) of mean zero.
        frequency: (K,) evenly spaced.
    """
    series = np.zeros((2, time[-1] + 1))
    series[0, time], series[1, time] = rate, 1.0
    first, step = frequency[0], frequency[1] - frequency[0]
    y, one = _chirp(series, first, step, len(frequency)) / len(time)
    two = _chirp(series[1:], 2 * first, 2 * step, len(frequency))[0] / len(time)
    cc = (1 + two.real) / 2 - one.real**2
    ss = (1 - two.real) / 2 - one.imag**2
    cs = -two.imag / 2 + one.real * one.imag
    yc, ys = y.real, -y.imag
    square = ss * yc**2 + cc * ys**2 - 2 * cs * yc * ys
    return square / (cc * ss - cs**2) / rate.var()


def _chirp(series: np.ndarray, first: float, step: float, count: int) -> np.ndarray:
    """sum_t x_t exp(-2 pi i f t) (..., K) at f = first + k step (Bluestein 1970)."""
    length = series.shape[-1]
    t = np.arange(max(length, count))
    # t k = (t^2 + k^2 - (k - t)^2) / 2
    chirp = np.exp(-1j * np.pi * step * t.astype(float) ** 2)
    size = fft.next_fast_len(length + count - 1)
    kernel = np.zeros(size, complex)
    kernel[:count] = chirp[:count].conj()
    kernel[size - length + 1 :] = chirp[length - 1 : 0 : -1].conj()
    turned = series * np.exp(-2j * np.pi * first * t[:length]) * chirp[:length]
    return fft.ifft(fft.fft(turned, size) * fft.fft(kernel))[..., :count] * chirp[:count]


def _sine(time: np.ndarray, rate: np.ndarray, length: float) -> tuple[float, float]:
    """Share of the variance that a sine of period ``length`` explains, and its amplitude."""
    phase = 2 * np.pi * time / length
    basis = np.column_stack([np.cos(phase), np.sin(phase), np.ones(len(time))])
    fit, *_ = np.linalg.lstsq(basis, rate, rcond=None)
    left = rate - basis @ fit
    return 1 - float(left.var() / rate.var()), float(np.hypot(*fit[:2]))


def exchanges(
    before: np.ndarray, after: np.ndarray, seen: np.ndarray, free: np.ndarray, reach: float
) -> tuple[int, int]:
    """T1 exchanges between two snapshots, and how many free particles could take part.

    Args:
        before, after: (N, 2) positions [length].
        seen: (N,) bool, at both times. free: (N,) bool, at both times.
        reach: longest bond [length]; those across empty ground are none.
    """
    who = np.flatnonzero(seen)
    if len(who) < 4 or not free.any():
        return 0, int(free.sum())
    first, last = Delaunay(before[who]), Delaunay(after[who])
    simplex, corner = np.nonzero(first.neighbors > np.arange(len(first.neighbors))[:, None])
    other = first.neighbors[simplex, corner]
    # The bond i-j between two triangles, and their far corners k and m.
    k, i, j = (first.simplices[simplex, (corner + turn) % 3] for turn in range(3))
    back = (first.neighbors[other] == simplex[:, None]).argmax(axis=1)
    m = first.simplices[other, back]
    bonded = _edges(last.simplices)
    parted = ~np.isin(_bond(i, j), bonded) & np.isin(_bond(k, m), bonded)
    i, j, k, m = (who[end[parted]] for end in (i, j, k, m))
    old, new = (np.linalg.norm(r[i] - r[j], axis=1) for r in (before, after))
    wide, close = (np.linalg.norm(r[k] - r[m], axis=1) for r in (before, after))
    clear = (wide > (1 + MARGIN) * old) & (new > (1 + MARGIN) * close)
    near = np.maximum(old, close) < reach
    ours = free[i] | free[j] | free[k] | free[m]
    return int((clear & near & ours).sum()), int(free.sum())


def _bond(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """One number for each pair of particles, whatever their order."""
    return np.minimum(i, j).astype(np.int64) << 32 | np.maximum(i, j)


def _edges(simplices: np.ndarray) -> np.ndarray:
    """Bonds of triangles (S, 3)."""
    turned = np.roll(simplices, 1, axis=1)
    return np.unique(_bond(simplices.ravel(), turned.ravel()))


def cycles(parts: Sequence[Run], found: Period | None, cutoff: float, threshold: float) -> Metric:
    """Group cycles: rearrangements of every cycle that the runs hold.

    Args:
        parts: runs on their clocks.
        found: the period.
        cutoff: range of the neighbours [length].
        threshold: of D2min per bond [length^2].

    Returns:
        Per cycle: run, start (row within its run), d2min (mean after the cycle), reversible and
        irreversible (shares of the particles), exchanges and exchanges_half (T1 per particle,
        after the cycle and at half of it), displacement (rms over a cycle, relative to the mean);
        and displacements (M,), all of them of all cycles.
    """
    return _table(_counted(parts, found, (cutoff, threshold), WHOLE), found)


def _counted(
    parts: Sequence[Run], found: Period | None, limits: tuple[float, float], share: Share
) -> Counts:
    """``rows`` (C, 8), COLUMNS of the cycles that begin in a block of time, and ``displacements``
    (M,) of all of them; limits are the cutoff and the threshold of `cycles`."""
    begun = []
    if found is not None:
        begun = [
            (number, start, lag)
            for number, part in enumerate(parts)
            for start, lag in _starts(np.any(part.free, axis=1), found.intervals)
        ]
    return _gathered(
        (number, start, *_cycle(parts[number], start, lag, *limits))
        for number, start, lag in share.among(begun)
    )


def count_film(plan: Plan, trajectory: Trajectory, share: Share = WHOLE) -> Counts:
    """The same of a whole film, which holds more than its test block, measured as planned.

    Cycle by cycle, since particles that come and go are followed through one at most.
    """
    begun = []
    if plan.period is not None:
        begun = [
            (number, *cycle)
            for number, rows in enumerate(recordings(trajectory))
            for cycle in _singly(trajectory, rows, plan.period.intervals)
        ]
    return _gathered(
        (
            number,
            start,
            *_cycle(runs(trajectory.followed(rows))[0], 0, lag, plan.cutoff, plan.threshold),
        )
        for number, start, lag, rows in share.among(begun)
    )


def film(plan: Plan, trajectory: Trajectory, counted: Counts | None = None) -> Metric:
    """Group cycles_film, of what `count_film` counts."""
    return _table(count_film(plan, trajectory) if counted is None else counted, plan.period)


def _singly(film: Trajectory, rows: slice, intervals: float) -> Iterator[tuple[int, int, slice]]:
    """First tick, length and snapshots of each cycle of a recording, the ``rows`` of a film."""
    tick = np.round((film.time[rows] - film.time[rows.start]) / film.dt).astype(int)
    free = np.zeros(tick[-1] + 1, bool)
    free[tick] = film.free[rows].any(axis=1)
    for start, lag in _starts(free, intervals):
        first, last = np.searchsorted(tick, [start, start + lag])
        # Where a snapshot is lacking at either end nothing is known of the cycle.
        if tick[first] == start and tick[last] == start + lag:
            yield start, lag, slice(rows.start + int(first), rows.start + int(last) + 1)


Measured = tuple[int, int, list[float] | None, np.ndarray]  # run, start, and what `_cycle` returns


def _gathered(measured: Iterable[Measured]) -> Counts:
    rows, strobe = [], [np.zeros(0)]
    for number, start, row, moved in measured:
        if row is not None:
            rows.append([number, start, *row])
            strobe.append(moved)
    table = np.array(rows, float).reshape(-1, len(COLUMNS))
    return {"rows": table, "displacements": np.concatenate(strobe)}


def _table(counted: Counts, found: Period | None) -> Metric:
    if found is None:
        return missing(NO_PERIOD)
    if not len(counted["rows"]):
        return missing(
            f"No run holds a whole period ({found.intervals:.4g} snapshots) through which "
            "particles and their neighbours are followed."
        )
    data = dict(zip(COLUMNS, counted["rows"].T, strict=True))
    data["displacements"] = counted["displacements"]
    return Metric(data, found._asdict())


def _starts(free: np.ndarray, intervals: float) -> list[tuple[int, int]]:
    """First rows and lengths of the cycles of a run, from the first row with free particles on.

    Args:
        free: (T,) bool, rows with free particles.
    """
    rows = np.flatnonzero(free)
    if not len(rows):
        return []
    first, last = int(rows[0]), int(rows[-1])
    starts: list[tuple[int, int]] = []
    while (begin := first + round(len(starts) * intervals)) + COMPLETE * intervals <= last:
        starts.append((begin, min(round(intervals), last - begin)))
    return starts


def _cycle(
    part: Run, start: int, lag: int, cutoff: float, threshold: float
) -> tuple[list[float] | None, np.ndarray]:
    """Numbers of one cycle, None where no particle and its neighbours are followed through it."""
    lags = np.unique(np.linspace(0, lag, PHASES + 1).round().astype(int))[1:]
    value = field(part, start, lags, cutoff)
    known = np.isfinite(value).all(axis=0)
    if not known.any():
        return None, np.zeros(0)
    over = value[:, known] > threshold
    last = over[-1]
    free = part.free[start] & part.free[start + lag]
    move = part.position[start + lag, free] - part.position[start, free]
    size = np.linalg.norm(move - move.mean(axis=0), axis=1)
    changed = []
    for step in (lag, lag // 2):
        both = part.seen[start] & part.seen[start + step]
        ours = part.free[start] & part.free[start + step]
        ends = part.position[start], part.position[start + step]
        number, able = exchanges(*ends, both, ours, cutoff * 4 / 3)
        changed.append(number / max(able, 1))
    row = [
        float(value[-1, known].mean()),
        float((over.any(axis=0) & ~last).mean()),
        float(last.mean()),
        *changed,
        float(np.sqrt((size**2).mean())),
    ]
    return row, size


def count(sample: Sample) -> Counts:
    """Of a source, what `measure` makes its group of."""
    plan = sample.settings
    found = None if unwanted(sample) else plan.period
    return _counted(sample.parts, found, (plan.cutoff, plan.threshold), sample.share)


COUNTING = Counting("cycles", count, listed)
FILM = Counting("cycles_film", count, listed)


def measure(sample: Sample) -> dict[str, Metric]:
    """Group cycles of a source."""
    if reason := unwanted(sample):
        return {"cycles": missing(reason)}
    return {"cycles": _table(COUNTING.of(sample), sample.settings.period)}


CYCLES = Statistic(measure, counting=COUNTING)
