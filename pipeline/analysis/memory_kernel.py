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
    """G (n,) with its interval, at the times (n,), up to where the velocity is forgotten."""

    time: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    late: tuple[float, float, float]  # share of the friction later than a step, and its interval


def successive(lag: np.ndarray) -> int:
    """How many of the lags from zero on are 0, 1, 2, ...: the Volterra equation needs them all."""
    apart = np.flatnonzero(np.asarray(lag) != np.arange(len(lag)))
    return int(apart[0]) if len(apart) else len(lag)


def memory(
    numerator: np.ndarray, denominator: np.ndarray, dt: float, step: int, least: float = 0.05
) -> Memory | None:
    """Memory of the velocities of a sample, with intervals by bootstrap.

    Args:
        numerator, denominator: (U, n + 1) sums of v(0) . v(t) over each unit, and their numbers, at
            successive lags.
        dt: between lags [time].
        step: lags in a step of the model: what friction it has it has within a step.
        least: correlations below this share of the first are noise, and end the kernel.

    Returns:
        None where fewer than four steps are left. ``late`` is 1 - G(step) / G(end), G(end) the mean
        over the last half of the kernel: negative where neighbours push back.
    """
    whole = ratio(numerator.sum(axis=0), denominator.sum(axis=0))
    ends = np.flatnonzero(~(whole > least * whole[0]))
    end = int(ends[0]) if len(ends) else len(whole)
    if end < 4 * step + 1:
        return None
    curves = np.concatenate([whole[None], resampled(numerator, denominator)])[:, :end]
    kernels = integrated_kernel(curves, dt)
    # The share at the end of the first step, between two midpoints.
    first = (kernels[:, step - 1] + kernels[:, min(step, end - 2)]) / 2
    late = 1 - first / kernels[:, (end - 1) // 2 :].mean(axis=1)
    low, high = percentiles(kernels[1:])
    interval = [float(x) for x in percentiles(late[1:])]
    time = (np.arange(end - 1) + 0.5) * dt
    return Memory(time, kernels[0], low, high, (float(late[0]), interval[0], interval[1]))
