"""Intervals by block bootstrap, and the noise floor between two halves of an experiment.

Every curve here is a ratio of sums over units: y_k = sum_u numerator[u, k] / sum_u
denominator[u, k]. A unit is a patch of neighbouring particles (they move together, so that single
particles would promise too narrow an interval) or a block of time. Resampling the units gives the
interval; splitting them at random into two halves gives the noise floor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

Curve = Callable[[np.ndarray], np.ndarray]

SAMPLES = 400
SPLITS = 16
LEVEL = 0.95


class Interval(NamedTuple):
    """A curve and its bootstrap interval, NaN where it cannot be told."""

    value: np.ndarray  # (K,)
    low: np.ndarray  # (K,)
    high: np.ndarray  # (K,)


def patches(position: np.ndarray, known: np.ndarray, size: float) -> np.ndarray:
    """Labels of the square patch that each particle stands in at its first sight.

    Args:
        position: (T, N, D) positions [length].
        known: (T, N) bool, where they mean something.
        size: side of a patch [length]; halved until there are at least 16 patches or one
            particle in each.

    Returns:
        (N,) int64 labels 0, 1, ...; 0 for particles that are never known.
    """
    count = position.shape[1]
    first = position[known.argmax(axis=0), np.arange(count)]
    who = np.flatnonzero(known.any(axis=0))
    label = np.zeros(count, dtype=np.int64)
    for _ in range(20):
        cell = np.floor(first[who] / size).astype(np.int64)
        label[who] = np.unique(cell, axis=0, return_inverse=True)[1].ravel()
        if len(who) == 0 or label.max() + 1 >= min(16, len(who)):
            break
        size /= 2
    return label


def gather(values: np.ndarray, label: np.ndarray, units: int) -> np.ndarray:
    """(N, K) values added up over the particles of each unit: (units, K)."""
    member = sparse.csr_array((np.ones(len(label)), (label, np.arange(len(label)))))
    member.resize(units, len(label))
    return member @ values


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Sum over units of one over the other, NaN where nothing was counted: (..., K)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def resampled(numerator: np.ndarray, denominator: np.ndarray, seed: int = 0) -> np.ndarray:
    """Bootstrap curves (SAMPLES, K) from units drawn with replacement.

    The draw depends only on the seed and the number of units, so that two sources with the same
    units are resampled together.

    Args:
        numerator: (U, K) sums per unit.
        denominator: (U, K) weights per unit.
        seed: seed of the draw.
    """
    weight = draws(len(numerator), seed)
    return ratio(weight @ numerator, weight @ denominator)


def draws(units: int, seed: int = 0) -> np.ndarray:
    """(SAMPLES, U) how often each unit is drawn in each bootstrap sample."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(units, np.full(units, 1 / units), size=SAMPLES).astype(float)


def interval(
    numerator: np.ndarray, denominator: np.ndarray, curve: Curve | None = None
) -> Interval:
    """A curve with its 95 % percentile interval over units.

    Args:
        numerator: (U, K) sums per unit.
        denominator: (U, K) weights per unit.
        curve: what is made of the ratio (..., K), e.g. a normalisation.
    """
    curve = curve or (lambda y: y)
    value = curve(ratio(numerator.sum(axis=0), denominator.sum(axis=0)))
    if len(numerator) < 2:
        return Interval(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    samples = curve(resampled(numerator, denominator))
    return Interval(value, *percentiles(samples))


def percentiles(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the central 95 % of (B, ...) samples, NaN where a tenth is NaN."""
    edge = 50 * (1 - LEVEL)
    enough = np.isfinite(samples).mean(axis=0) > 0.9
    filled = np.where(enough, samples, 0.0)
    low, high = np.nanpercentile(filled, [edge, 100 - edge], axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def relative_error(truth: np.ndarray, value: np.ndarray) -> np.ndarray:
    """eps = |y_truth - y|_2 / |y_truth|_2 over the last axis, where both are known.

    Returns:
        (...,) errors; NaN where nothing can be compared.
    """
    both = np.isfinite(truth) & np.isfinite(value)
    gap = np.where(both, value - truth, 0.0)
    scale = np.linalg.norm(np.where(both, truth, 0.0), axis=-1)
    error = np.linalg.norm(gap, axis=-1)
    return ratio(error, scale)


def error_between_halves(
    numerator: np.ndarray, denominator: np.ndarray, curve: Curve | None = None, seed: int = 1
) -> float:
    """Relative L2 error between two halves of an experiment, averaged over random splits.

    The halves are random halves of the units, so both see the same lags and the same drive.

    Returns:
        the error, NaN where there are fewer than two units.
    """
    curve = curve or (lambda y: y)
    units = len(numerator)
    if units < 2:
        return float("nan")
    generator = np.random.default_rng(seed)
    half = np.zeros((SPLITS, units))
    for row in half:
        row[generator.permutation(units)[: units // 2]] = 1.0
    one = curve(ratio(half @ numerator, half @ denominator))
    other = curve(ratio((1 - half) @ numerator, (1 - half) @ denominator))
    return float(np.nanmean(relative_error(one, other)))
