"""Mean squared displacement and velocity autocorrelation, over all time origins of gapped tracks.

    MSD(tau) = < |r_i(t + tau) - r_i(t)|^2 >

The square is expanded and each term summed by FFT (Kneller et al., Comput. Phys. Commun. 91, 191
(1995)), here with the mask of presence carried through, so that gaps need no interpolation.

    C(tau) = < v_i(t + tau) . v_i(t) >,   normalised C(tau) / C(0)

Velocities are taken as they are: of tracked data, localisation error sigma adds 2 D sigma^2 / dt^2
at lag 0 and subtracts half of it at lag 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

from pipeline.analysis.activity import activity
from pipeline.analysis.metric import (
    Compared,
    Counting,
    Metric,
    Plot,
    Sample,
    Statistic,
    added,
    curve,
    missing,
)
from pipeline.analysis.plan import Plan
from pipeline.analysis.runs import WHOLE, Run, Share, recordings, runs
from pipeline.analysis.uncertainty import gather, interval, ratio
from pipeline.trajectory import Trajectory, evenly

SAMPLES = 200  # of the bootstrap over time origins
CHUNK = 128  # particles transformed at a time: bounds memory, fits caches


def squared_displacements(
    parts: Sequence[Run], lag: np.ndarray, share: Share = WHOLE
) -> tuple[np.ndarray, np.ndarray]:
    """Squared displacements of each particle, summed over all time origins of all runs.

    Args:
        parts: runs on their clocks.
        lag: (L,) integer lags from 1.
        share: the block of time that origins are in.

    Returns:
        (N, L) sums [length^2] and (N, L) numbers of origins; the MSD is their ratio.
    """
    total, origins = _over_origins(parts, lag, share, (lambda part: part.path, _displacements))
    # What rounding leaves of the FFT where nothing was counted is no displacement.
    return np.where(origins > 0, np.maximum(total, 0.0), 0.0), origins


def velocity_products(
    parts: Sequence[Run], lag: np.ndarray, share: Share = WHOLE
) -> tuple[np.ndarray, np.ndarray]:
    """v(t) . v(t + lag) of each particle, summed over all time origins of all runs.

    Args:
        parts: runs on their clocks.
        lag: (L,) integer lags from 0.
        share: the block of time that origins are in.

    Returns:
        (N, L) sums [length^2 / time^2] and (N, L) numbers of origins.
    """
    total, origins = _over_origins(parts, lag, share, (lambda part: part.velocity, _products))
    return np.where(origins > 0, total, 0.0), origins


# Transform of what is summed over time origins, from series (T, n, D) that are known where (T, n)
# is 1 and zero where that is 0; origins are among the first rows.
Spectrum = Callable[[np.ndarray, np.ndarray, "_Transform"], np.ndarray]


def _over_origins(
    parts: Sequence[Run],
    lag: np.ndarray,
    share: Share,
    quantity: tuple[Callable[[Run], np.ndarray], Spectrum],
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a quantity of t and t + lag over all origins t, and the numbers of origins (N, L)."""
    series, of = quantity
    total, origins = np.zeros((2, parts[0].free.shape[1], len(lag)))
    for part, rows in zip(parts, share.rows(parts), strict=True):
        reach = part.free[rows.start : rows.stop + int(lag.max())]
        short = np.flatnonzero(lag < len(reach))
        if not rows or not len(short):
            continue
        transform = _Transform.for_lags(len(rows), len(reach), int(lag[short].max()))
        who = np.flatnonzero(reach.any(axis=0))
        for some in np.split(who, range(CHUNK, len(who), CHUNK)):
            known = reach[:, some].astype(float)
            values = series(part)[rows.start : rows.start + len(reach), some]
            values = np.where(known[..., None] > 0, values, 0.0)
            spectra = of(values, known, transform), transform.product(known)
            sums = (fft.irfft(one, transform.size, axis=0)[lag[short]].T for one in spectra)
            for out, one in zip((total, origins), sums, strict=True):
                out[np.ix_(some, short)] += one
    return total, np.round(origins)


class _Transform(NamedTuple):
    """Correlates the first rows of a series, the origins, with all of them."""

    origins: int
    size: int

    @classmethod
    def for_lags(cls, origins: int, rows: int, longest: int) -> _Transform:
        """Of a size at which no lag up to the longest comes round to the first rows."""
        return cls(origins, fft.next_fast_len(max(rows, origins + longest), real=True))

    def ends(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the origins, conjugate, and of all rows."""
        every = fft.rfft(x, self.size, axis=0)
        first = every if self.origins == len(x) else fft.rfft(x[: self.origins], self.size, axis=0)
        return first.conj(), every

    def product(self, x: np.ndarray) -> np.ndarray:
        """Of x(t) x(t + lag)."""
        first, last = self.ends(x)
        return first * last


def _products(values: np.ndarray, known: np.ndarray, transform: _Transform) -> np.ndarray:
    return np.sum([transform.product(series) for series in np.moveaxis(values, 2, 0)], axis=0)


def _displacements(values: np.ndarray, known: np.ndarray, transform: _Transform) -> np.ndarray:
    # Positions from the middle of each track: the expanded squares must not cancel large numbers.
    middle = values.sum(axis=0) / known.sum(axis=0)[:, None]
    values = (values - middle) * known[..., None]
    square, mask = (transform.ends(x) for x in ((values**2).sum(axis=2), known))
    ends = square[0] * mask[1] + mask[0] * square[1]  # r(t)^2 and r(t + lag)^2
    return ends - 2 * _products(values, known, transform)


def normalised(curve: np.ndarray) -> np.ndarray:
    """(..., L) curves over their first value, which must be that of lag 0."""
    return ratio(curve, curve[..., :1])


def together(parts: Sequence[Run], lag: int, cutoff: float, origins: int = 20) -> float:
    """Correlation of the displacements of neighbours, < u_i . u_j > / < u^2 >.

    Displacements u are relative to the mean over the free particles of a snapshot. 1 in a body
    that moves as one piece, 0 for particles that know nothing of each other.

    Args:
        parts: runs on their clocks.
        lag: interval of the displacements.
        cutoff: range of the neighbours at the time origin [length].
        origins: how many time origins of a run to average over at most.

    Returns:
        the coefficient; NaN where no two neighbours are present at both times.
    """
    # A rollout that stopped early may have no origin.
    counts = (max(len(part.time) - lag, 0) for part in parts)
    every = (
        (part, int(row))
        for part, count in zip(parts, counts, strict=True)
        for row in evenly(np.arange(count), origins)
    )
    return float(_coefficient(_neighbours_share(every, lag, cutoff).sum(axis=0)))


def _neighbours_share(origins: Iterable[tuple[Run, int]], lag: int, cutoff: float) -> np.ndarray:
    """(O, 4) sums of u_i . u_j and of u^2, each with its number, of runs and rows of them."""
    found = []
    for part, row in origins:
        both = part.free[row] & part.free[row + lag]
        if both.sum() < 2:
            continue
        u = part.position[row + lag] - part.position[row]
        u = u - u[both].mean(axis=0)
        near = part.neighbours(row, cutoff).among(both)
        product, square = (u[near.i] * u[near.j]).sum(), (u[both] ** 2).sum()
        found.append((product, len(near.i), square, both.sum()))
    return np.array(found, dtype=float).reshape(-1, 4)


def _coefficient(sums: np.ndarray) -> np.ndarray:
    """(...) of (..., 4) sums, NaN where there are no two neighbours or nothing moves."""
    product, pairs, square, single = np.moveaxis(sums, -1, 0)
    return ratio(product * single, pairs * square)


def shared_motion(film: Trajectory, settings: Plan, origins: int = 20) -> dict[str, float]:
    """Whether particles of a whole film are carried or drive themselves.

    Args:
        film: its particles may share columns.
        settings: of the statistics.
        origins: snapshots of a recording that are looked at, at most.

    Returns:
        film_together: `together` over one interval, with its 95 % interval over time origins as
            ``_low`` and ``_high``. What `activity` says.
            Nothing where rearrangements are not asked for.
    """
    if not settings.rearrangements:
        return {}
    follows = np.flatnonzero(film.successive())
    starts = (
        evenly(follows[(follows >= rows.start) & (follows + 1 < rows.stop)], origins)
        for rows in recordings(film)
    )
    steps = ((runs(film.followed(slice(t, t + 2)))[0], 0) for some in starts for t in some.tolist())
    sums = _neighbours_share(steps, 1, settings.cutoff)
    drawn = np.random.default_rng(0).integers(len(sums), size=(SAMPLES, len(sums)))
    low, high = np.nanpercentile(_coefficient(sums[drawn].sum(axis=1)), [2.5, 97.5])
    return {
        "film_together": float(_coefficient(sums.sum(axis=0))),
        "film_together_low": float(low),
        "film_together_high": float(high),
        **activity(film),
    }


def _by_patch(sample: Sample, sums: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name: gather(values, sample.label, sample.patches)
        for name, values in zip(("total", "origins"), sums, strict=True)
    }


def count_displacements(sample: Sample) -> dict[str, np.ndarray]:
    """Sums per patch (U, L): ``total`` and ``origins``, see `squared_displacements`."""
    lag, share = sample.settings.lag, sample.share
    return _by_patch(sample, squared_displacements(sample.parts, lag, share))


def count_products(sample: Sample) -> dict[str, np.ndarray]:
    """Sums per patch (U, 1 + L): ``total`` and ``origins``, see `velocity_products`."""
    lag, share = _from_zero(sample.settings.lag), sample.share
    return _by_patch(sample, velocity_products(sample.parts, lag, share))


def _from_zero(lag: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], lag])


DISPLACEMENTS = Counting("msd", count_displacements, added)
PRODUCTS = Counting("vacf", count_products, added)


def _sums(counting: Counting, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    counted = counting.of(sample)
    return counted["total"], counted["origins"]


def mobility(sample: Sample) -> dict[str, Metric]:
    """Group msd."""
    total, origins = _sums(DISPLACEMENTS, sample)
    if not origins.any():
        reason = "No free particle is present at two times: there is no displacement."
        return {"msd": missing(reason)}
    return {"msd": curve(total, origins, lag=sample.settings.lag)}


def velocities(sample: Sample) -> dict[str, Metric]:
    """Group vacf: the normalised curve, and the plain one as ``raw``."""
    lag, (total, origins) = _from_zero(sample.settings.lag), _sums(PRODUCTS, sample)
    if not total[:, 0].sum() > 0:
        return {"vacf": missing("No free particle moves: there is no velocity to correlate.")}
    raw = interval(total, origins)
    plain = {"raw": raw.value, "raw_low": raw.low, "raw_high": raw.high}
    return {"vacf": curve(total, origins, normalised, lag=lag, **plain)}


VACF = Statistic(
    velocities,
    {"vacf": Compared("Velocity autocorrelation", normalised)},
    Plot(
        name="vacf",
        title="Velocity autocorrelation",
        section="dynamics",
        x="lag",
        across=("Lag", "time"),
        up=("Velocity autocorrelation", ""),
        level=0.0,
        logarithmic="x",
        caption="How long a particle remembers its velocity (one at lag zero), flow and drift of "
        "the sample included; a dip below zero is the rebound from its neighbours, or a flow that "
        "reverses. Localisation error is forgotten at once: it lowers all that follows lag zero.",
    ),
)
MSD = Statistic(
    mobility,
    {"msd": Compared("Mean squared displacement")},
    Plot(
        name="msd",
        title="Mean squared displacement",
        section="dynamics",
        x="lag",
        across=("Lag", "time"),
        up=("Mean squared displacement", "length²"),
        logarithmic="xy",
        caption="Slope two means that particles fly or are carried along, slope one that they "
        "diffuse, a plateau that neighbours cage them.",
    ),
    DISPLACEMENTS,
)
