"""Velocity autocorrelation over all time origins, for tracks with gaps.

    C(tau) = < v_i(t + tau) . v_i(t) >,   normalised C(tau) / C(0)

Velocities are taken as they are: of tracked data, localisation error sigma adds 2 D sigma^2 / dt^2
at lag 0 and subtracts half of it at lag 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.correlation import pairs_of_times, products
from pipeline.analysis.runs import Run
from pipeline.analysis.uncertainty import ratio


def velocity_products(parts: Sequence[Run], lag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """v(t) . v(t + lag) of each particle, summed over all time origins of all runs.

    Args:
        parts: runs on their clocks.
        lag: (L,) integer lags from 0.

    Returns:
        (N, L) sums [length^2 / time^2] and (N, L) numbers of origins.
    """
    count = parts[0].free.shape[1]
    total, origins = np.zeros((count, len(lag))), np.zeros((count, len(lag)))
    for part in parts:
        short = lag < len(part.time)
        velocity = np.where(part.free[..., None], part.velocity, 0.0)
        for k in range(velocity.shape[2]):
            total[:, short] += products(velocity[..., k], velocity[..., k], lag[short])
        origins[:, short] += pairs_of_times(part.free, lag[short])
    return np.where(origins > 0, total, 0.0), origins


def normalised(curve: np.ndarray) -> np.ndarray:
    """(..., L) curves over their first value, which must be that of lag 0."""
    return ratio(curve, curve[..., :1])
