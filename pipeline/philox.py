"""Random numbers by counting: the same (key, counter) gives the same numbers everywhere.

Philox 4x32-10 of Salmon et al., Proc. SC11, article 16 (2011). Nothing is remembered between
calls, so that a pair's noise does not depend on which process computes it, nor on the order.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Random words (4, P) for counters (4, P), all of them 32-bit numbers kept as uint64.

    Args:
        counter: (4, P) words, least significant first.
        key: two words.
    """
    x0, x1, x2, x3 = np.asarray(counter, dtype=np.uint64)
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * x0, MULTIPLIERS[1] * x2
        x0, x2 = (p1 >> HALF) ^ x1 ^ np.uint64(k0), (p0 >> HALF) ^ x3 ^ np.uint64(k1)
        x1, x3 = p1 & LOW, p0 & LOW
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack((x0, x1, x2, x3))


def normals(words: np.ndarray) -> np.ndarray:
    """Independent N(0, 1) numbers (4, P) from random words (4, P) (Box and Muller 1958).

    With u = (word + 1/2) / 2^32 the largest possible one is 6.8.
    """
    u = (words + 0.5) * 2.0**-32
    radius = np.sqrt(-2.0 * np.log(u[0::2]))
    angle = 2.0 * np.pi * u[1::2]
    pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), 1)
    return pairs.reshape(words.shape)


def pair_normals(seed: int, step: int, tag_i: np.ndarray, tag_j: np.ndarray) -> np.ndarray:
    """Normals (4, P), antisymmetric in i and j, of pairs of particles at a time step.

    Drawn for the ordered pair and reversed where tag_i > tag_j: whichever way round a pair is
    listed, and wherever its images are, both particles get the same noise with opposite signs.

    Args:
        seed: below 2^64.
        step: number of the time step, below 2^64.
        tag_i, tag_j: (P,) labels of the particles, different, below 2^32.
    """
    low, high = np.minimum(tag_i, tag_j), np.maximum(tag_i, tag_j)
    counter = np.empty((4, len(low)), dtype=np.uint64)
    counter[0], counter[1] = low, high
    counter[2], counter[3] = step & 0xFFFFFFFF, step >> 32
    drawn = normals(philox(counter, (seed & 0xFFFFFFFF, seed >> 32)))
    return np.where(np.asarray(tag_i) > np.asarray(tag_j), -drawn, drawn)
