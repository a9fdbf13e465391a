"""Sums over all time origins of tracks with gaps, by FFT, and the lags to take them at."""

from __future__ import annotations

import numpy as np
from scipy import fft

CHUNK = 128  # particles transformed at a time: bounds memory, fits caches


def lags(longest: int, count: int = 24) -> np.ndarray:
    """Increasing integer lags from 1 to ``longest``, logarithmically spaced where possible.

    Raises:
        ValueError: if ``longest`` is below 1.
    """
    if longest < 1:
        raise ValueError(f"The longest lag is {longest} and must be at least 1 interval.")
    return np.unique(np.round(np.geomspace(1, longest, count)).astype(int))


def products(one: np.ndarray, other: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """sum_t one[t] other[t + lag] for every column.

    Values must be zero where they are unknown.

    Args:
        one, other: (T, N) series.
        lag: (L,) lags, 0 <= lag < T.

    Returns:
        (N, L) sums.
    """
    size = fft.next_fast_len(2 * len(one), real=True)
    total = np.empty((one.shape[1], len(lag)))
    for start in range(0, one.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        first = fft.rfft(one[:, part], size, axis=0)
        second = fft.rfft(other[:, part], size, axis=0)
        total[part] = fft.irfft(first.conj() * second, size, axis=0)[lag].T
    return total


def pairs_of_times(known: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """(N, L) number of time origins at which a particle is known both then and a lag later.

    Args:
        known: (T, N) bool.
        lag: (L,) lags.
    """
    flags = known.astype(float)
    return np.round(products(flags, flags, lag))
