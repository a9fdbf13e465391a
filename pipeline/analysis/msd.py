"""Mean squared displacement over all time origins, for tracks with gaps.

    MSD(tau) = < |r_i(t + tau) - r_i(t)|^2 >

The square is expanded and each term summed by FFT (Kneller et al., Comput. Phys. Commun. 91, 191
(1995)), here with the mask of presence carried through, so that gaps need no interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.correlation import pairs_of_times, products
from pipeline.analysis.runs import Run


def squared_displacements(parts: Sequence[Run], lag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared displacements of each particle, summed over all time origins of all runs.

    Args:
        parts: runs on their clocks.
        lag: (L,) integer lags from 1.

    Returns:
        (N, L) sums [length^2] and (N, L) numbers of origins; the MSD is their ratio.
    """
    count = parts[0].free.shape[1]
    total, origins = np.zeros((count, len(lag))), np.zeros((count, len(lag)))
    for part in parts:
        short = lag < len(part.time)
        if not short.any():
            continue
        total[:, short] += _one_run(part, lag[short])
        origins[:, short] += pairs_of_times(part.free, lag[short])
    # What rounding leaves of the FFT where nothing was counted is no displacement.
    return np.where(origins > 0, np.maximum(total, 0.0), 0.0), origins


def _one_run(part: Run, lag: np.ndarray) -> np.ndarray:
    known = part.free.astype(float)
    # Positions from the middle of each track: the expanded squares must not cancel large numbers.
    weight = np.maximum(known.sum(axis=0), 1.0)[:, None]
    middle = np.einsum("tn,tnd->nd", known, part.path) / weight
    position = (part.path - middle) * known[..., None]
    square = (position**2).sum(axis=2)
    total = products(square, known, lag) + products(known, square, lag)
    for k in range(position.shape[2]):
        total -= 2 * products(position[..., k], position[..., k], lag)
    return total
