"""Memory of the friction that a velocity autocorrelation tells, by its Volterra equation.

A particle among others that are not looked at keeps a memory of its velocity,

    dC/dt = - int_0^t K(t - s) C(s) ds,    C(t) = <v(0) . v(t)>                  (Mori and Zwanzig)

and the integral G(t) = int_0^t K is what friction has grown to after t. A model whose friction is
instantaneous has a G that is at its end at once. Integrated once, C(0) - C(t) = int G(t - u) C(u)
du, an equation without the derivatives that noise would spoil (Kowalik et al., Phys. Rev. E 100,
012126, 2019). Forces count, too: a cage of neighbours pushes back, and G overshoots and falls.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from pipeline.analysis.uncertainty import percentiles, ratio, resampled


def integrated_kernel(correlation: np.ndarray, dt: float = 1.0) -> np.ndarray:
    """G of one or more autocorrelations, by the midpoint rule.

    Args:
        correlation: (..., n + 1) C at 0, dt, ..., n dt.
        dt: between its points [time].

    Returns:
        (..., n) G at dt / 2, 3 dt / 2, ... [1 / time]; NaN where C is. The rule is exact for a C
        that is straight between its points.
    """
    c = np.moveaxis(np.asarray(correlation, float), -1, 0)
    middle = (c[1:] + c[:-1]) / 2
    found = np.full_like(middle, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for n in range(len(middle)):
            earlier = (found[:n] * middle[n:0:-1]).sum(axis=0)
            found[n] = ((c[0] - c[n + 1]) / dt - earlier) / middle[0]
    return np.moveaxis(found, 0, -1)


class Memory(NamedTuple):
    """G (n,) with its interval, at the times (n,) [intervals], until the velocity is forgotten."""

    time: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    late: tuple[float, float, float]  # share of the friction later than a step, and its interval
    end: tuple[float, float, float]  # friction in the end [1 / interval], and its interval


def memory(
    numerator: np.ndarray,
    denominator: np.ndarray,
    lag: np.ndarray,
    step: int,
    least: float = 0.05,
) -> Memory | None:
    """Memory of the velocities of a sample, with intervals by bootstrap.

    Args:
        numerator, denominator: (U, K) sums of v(0) . v(t) over each unit, and their numbers.
        lag: (K,) the lags [intervals], 0 the first. Lags in between, which the Volterra equation
            needs, are those of a cubic spline.
        step: intervals in a step of the model: what friction it has it has within a step.
        least: correlations below this share of the first are noise, and end the kernel.

    Returns:
        None where fewer than four steps are left. ``end`` is the mean of G over the last half of
        the kernel, ``late`` 1 - G(step) / end: negative where neighbours push back. Times are in
        intervals.
    """
    known = np.concatenate(
        [
            ratio(numerator.sum(axis=0), denominator.sum(axis=0))[None],
            resampled(numerator, denominator),
        ]
    )
    curves = CubicSpline(lag, known, axis=1)(np.arange(int(lag[-1]) + 1))
    ends = np.flatnonzero(~(curves[0] > least * curves[0, 0]))
    end = int(ends[0]) if len(ends) else curves.shape[1]
    if end < 4 * step + 1:
        return None
    kernels = integrated_kernel(curves[:, :end])
    # The share at the end of the first step, between two midpoints.
    first = (kernels[:, step - 1] + kernels[:, min(step, end - 2)]) / 2
    last = kernels[:, (end - 1) // 2 :].mean(axis=1)
    low, high = percentiles(kernels[1:])
    time = np.arange(end - 1) + 0.5
    return Memory(time, kernels[0], low, high, _interval(1 - first / last), _interval(last))


def _interval(draws: np.ndarray) -> tuple[float, float, float]:
    """The first of the draws, which is of the whole sample, and the interval of the others."""
    low, high = percentiles(draws[1:])
    return float(draws[0]), float(low), float(high)


def remembered(one: Memory, step: int) -> float:
    """Correlation of the random velocity changes of two successive steps that a kernel makes.

    By the second fluctuation-dissipation theorem the random force has the autocorrelation K, so
    that its impulse over a time W has a variance in proportion to int_0^W G(t) dt. Those of
    adjoining steps overlap by the time that K lasts, however long the steps are:
    int_0^2W G / (2 int_0^W G) - 1. Beyond the kernel's end G stays what it is there.

    Args:
        one: the kernel, at every interval.
        step: W [intervals].
    """
    grown = np.full(2 * step, one.end[0])
    grown[: len(one.value)] = one.value[: 2 * step]
    return float(grown.sum() / (2 * grown[:step].sum()) - 1)
