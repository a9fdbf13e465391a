"""Whether trainings that begin elsewhere find the same hidden variable, and what it stands for.

Entropies are known but for a constant, which the equation of state takes up; their scale is that of
k_B. So two trainings agree as far as what is left varies together: S_i - <S>.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from pipeline.analysis.uncertainty import draws, percentiles


class Estimate(NamedTuple):
    """A number with its 95 % interval over blocks of snapshots."""

    value: float
    low: float
    high: float


def _interval(samples: np.ndarray, value: float) -> Estimate:
    low, high = percentiles(samples)
    return Estimate(value, float(low), float(high))


def correlation(one: np.ndarray, other: np.ndarray, block: np.ndarray) -> Estimate:
    """Pearson's correlation of two variables (M,), with an interval over blocks (M,) of rows."""
    label = np.unique(block, return_inverse=True)[1]
    one, other = one - one.mean(), other - other.mean()  # the sums below must not cancel
    weight = draws(int(label.max()) + 1)
    sums = [
        np.bincount(label, product)
        for product in (np.ones_like(one), one, other, one * one, other * other, one * other)
    ]

    def of(weights: np.ndarray) -> np.ndarray:
        n, x, y, xx, yy, xy = (weights @ total for total in sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))

    return _interval(of(weight), float(of(np.ones((1, len(sums[0]))))[0]))


def agreement(found: list[np.ndarray], block: np.ndarray) -> list[tuple[int, int, Estimate]]:
    """Correlation of every two trainings' variables, each (M,) for the same rows."""
    return [
        (a, b, correlation(found[a], found[b], block))
        for a, b in combinations(range(len(found)), 2)
    ]


def over_time(values: np.ndarray, particle: np.ndarray) -> np.ndarray:
    """(M,) what is left of a variable without the mean of each particle (M,)."""
    label = np.unique(particle, return_inverse=True)[1]
    return np.asarray(values - (np.bincount(label, values) / np.bincount(label))[label])


def share_of_particles(values: np.ndarray, particle: np.ndarray) -> float:
    """How much of the variance of a variable (M,) is between particles (M,) and not in time.

    The mean of a particle seen n times varies by chance, by the variance within over n: taken off,
    so that labels without meaning have a share of zero on average.
    """
    label = np.unique(particle, return_inverse=True)[1]
    number = np.bincount(label)
    mean = np.bincount(label, values) / number
    groups, total = len(number), len(values)
    if groups < 2 or total <= groups:
        return float("nan")
    within = float(((values - mean[label]) ** 2).sum()) / (total - groups)
    between = float((number * (mean - values.mean()) ** 2).sum()) / (groups - 1)
    size = (total - (number**2).sum() / total) / (groups - 1)
    own = max((between - within) / size, 0.0)
    return own / (own + within) if own + within > 0 else float("nan")


def explained(values: np.ndarray, by: dict[str, np.ndarray]) -> dict[str, float]:
    """Share of the variance of ``values`` (M,) that each variable explains alone, linearly.

    Under "together" what all of them do. Rows where a variable is not finite are left out of its
    regression; variables that do not vary are left out.
    """
    varying = {k: x for k, x in by.items() if np.nanstd(x) > 0}
    found = {name: _share(values, x[:, None]) for name, x in varying.items()}
    if len(varying) > 1:
        found["together"] = _share(values, np.stack(list(varying.values()), axis=1))
    return found


def _share(values: np.ndarray, by: np.ndarray) -> float:
    good = np.isfinite(by).all(axis=1) & np.isfinite(values)
    y, x = values[good] - values[good].mean(), by[good] - by[good].mean(axis=0)
    fit, *_ = np.linalg.lstsq(x, y, rcond=None)
    return float(1 - ((y - x @ fit) ** 2).sum() / (y**2).sum())
