"""Noisy positions smoothed, by as much as a known error warrants or down to a given period.

Whittaker's smoother z minimises sum_t (y_t - z_t)^2 + lambda sum_t (D3 z)_t^2, D3 the third
difference; it halves oscillations of period P = 2 pi lambda^(1/6) and leaves slower ones.

For initial and boundary conditions of rollouts only: a smoothed input taken as exact would bias a
fit.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

ORDER = 3
WEIGHTS = np.geomspace(1e-3, 1e5, 33)  # lambda


def whittaker(series: np.ndarray, weight: float) -> np.ndarray:
    """Smoothed columns of ``series`` (T, K), T > 3, for lambda = ``weight``."""
    count = len(series)
    difference = np.diff(np.eye(ORDER + 1), n=ORDER, axis=0)[0]
    bands = np.zeros((ORDER + 1, count))
    for p in range(ORDER + 1):
        for q in range(p, ORDER + 1):
            bands[ORDER - (q - p), q : count - ORDER + q] += difference[p] * difference[q]
    bands *= weight
    bands[ORDER] += 1.0
    return solveh_banded(bands, series)


def freedom(weight: float) -> float:
    """Trace of the smoother per sample of a long series."""
    omega = (np.arange(512) + 0.5) * np.pi / 512
    return float(np.mean(1 / (1 + weight * (2 - 2 * np.cos(omega)) ** ORDER)))


def best_weight(series: np.ndarray, sigma: float) -> float:
    """lambda of the least expected error for white noise of standard deviation ``sigma``.

    Stein's unbiased estimate of the risk, Ann. Stat. 9, 1135 (1981), on columns (T, K).
    """
    risk = [
        np.mean((series - whittaker(series, w)) ** 2) + 2 * sigma**2 * freedom(w) for w in WEIGHTS
    ]
    return float(WEIGHTS[int(np.argmin(risk))])


def weight_of_period(period: float) -> float:
    """lambda that halves oscillations of ``period`` snapshots."""
    return float((period / (2 * np.pi)) ** (2 * ORDER))


def smoothed(position: np.ndarray, present: np.ndarray, weight: float) -> np.ndarray:
    """Positions (T, N, D) of one run, each stretch of presence (T, N) smoothed on its own.

    Stretches of fewer than five snapshots are left as they are.
    """
    out = position.copy()
    if len(position) <= ORDER + 1:
        return out
    whole = present.all(axis=0)
    if whole.any():
        series = position[:, whole].reshape(len(position), -1)
        out[:, whole] = whittaker(series, weight).reshape(len(position), -1, position.shape[2])
    for n in np.flatnonzero(~whole & present.any(axis=0)):
        edge = np.flatnonzero(np.diff(np.r_[0, present[:, n].astype(int), 0]))
        for start, stop in zip(edge[::2], edge[1::2], strict=True):
            if stop - start > ORDER + 1:
                out[start:stop, n] = whittaker(position[start:stop, n], weight)
    return out
