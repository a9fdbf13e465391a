"""Positions that cling to the pixels: an error of the phase of a position within its pixel.

Places of particles know nothing of the camera, so their phases are even. A method that errs by
e(x) at phase x makes some phases more frequent than others: of x = u + e(u), u even, the
distribution function F gives u = F(x) back (Burov and others, PNAS 114, 221 (2017), who fill the
interior of the pixel evenly). Its harmonics c_k = < exp(2 pi i k x) > are taken as far as they
exceed chance,

    F(x) - x = Re sum_k conj(c_k) exp(2 pi i k x) / (pi i k).
"""

from __future__ import annotations

import numpy as np

from pipeline.slots import each

HARMONICS = 5
SURE = 4.0  # times chance, from where a harmonic is one
LOCKED = 0.02  # px, rms of the error, from where it is worth a word
# px, rms from where a sine is no longer one-to-one: phases more alike are those of the places.
MOST = 1 / (2 * np.pi * np.sqrt(2))


def harmonics(position: np.ndarray, present: np.ndarray, occupant: np.ndarray | None) -> np.ndarray:
    """(HARMONICS, D) c_k, zero where they do not exceed chance.

    Chance is that of particles, which hold one phase each where they hardly move.

    Args:
        position: (T, M, D) [px]. present: (T, M) bool.
        occupant: (T, M) who holds a column, see `pipeline.slots`.
    """
    count = max(int(present.sum()), 1)
    found = []
    for k in range(1, HARMONICS + 1):
        phase = each(np.exp(2j * np.pi * k * position) * present[..., None], occupant)
        mean, chance = phase.sum(axis=0) / count, np.sqrt((np.abs(phase) ** 2).sum(axis=0)) / count
        found.append(np.where(np.abs(mean) > SURE * chance, mean, 0.0))
    return np.array(found)


def clinging(found: np.ndarray) -> np.ndarray:
    """(D,) rms error [px] of harmonics, pi b of an error b sin(2 pi x) in the first."""
    return np.abs(found[0]) / (np.pi * np.sqrt(2))


def evened(position: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Positions (..., D) with phases made even by the harmonics (K, D) of `harmonics`."""
    moved = np.array(position, dtype=float)
    for k, c in enumerate(found, start=1):
        if np.any(c):
            moved += (np.conj(c) * np.exp(2j * np.pi * k * position) / (1j * np.pi * k)).real
    return moved
