"""Verlet lists of the simulated monolayer, compiled.

Positions are unwrapped: a pair carries the offset of its periodic image, fixed when the list is
built and valid until the next build. Lengths in a (mean spacing).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

SKIN = 0.35  # a; how far a list reaches beyond the longest interaction


class Pairs(NamedTuple):
    """Half list of P pairs: i, j (P,) and the offset (P, 2) of the image of j [a]."""

    i: np.ndarray
    j: np.ndarray
    shift: np.ndarray


class Neighbours(NamedTuple):
    """A list, the positions (N, 2) it was built at, and what is needed to build it again."""

    pairs: Pairs
    built: np.ndarray
    reach: float  # a, skin included
    lengths: np.ndarray  # (2,) a; x is always periodic
    periodic_y: bool


@njit(cache=True)
def neighbours_of(r, reach, lengths, periodic_y):
    """The list of all pairs closer than reach [a]; periodic lengths must exceed 2 reach."""
    return Neighbours(sweep(r, reach, lengths, periodic_y), r.copy(), reach, lengths, periodic_y)


@njit(cache=True)
def renewed(neighbours, r):
    """The list built again at r."""
    return neighbours_of(r, neighbours.reach, neighbours.lengths, neighbours.periodic_y)


@njit(cache=True)
def outgrown(neighbours, r):
    """Whether some particle has moved by more than half the skin since the list was built."""
    built = neighbours.built
    for i in range(r.shape[0]):
        if (r[i, 0] - built[i, 0]) ** 2 + (r[i, 1] - built[i, 1]) ** 2 > 0.25 * SKIN * SKIN:
            return True
    return False


@njit(cache=True)
def sweep(r, reach, lengths, periodic_y):
    """Every pair closer than reach, once: a cyclic sweep along x, which is always periodic.

    A jammed sample holds some 25 pairs per particle at the longest reach; the room for them
    doubles where a dense fluctuation, as in the random start, asks for more.
    """
    n = r.shape[0]
    image = np.floor(r[:, 0] / lengths[0])
    x = r[:, 0] - image * lengths[0]
    order = np.argsort(x)
    room = 32 * n
    i, j, shift = np.empty(room, np.int32), np.empty(room, np.int32), np.empty((room, 2))
    count = 0
    for p in range(n):
        a = order[p]
        for step in range(1, n):
            q = p + step
            turn = 0.0
            if q >= n:
                q -= n
                turn = lengths[0]
            b = order[q]
            dx = x[b] + turn - x[a]
            if dx >= reach:
                break
            dy = r[b, 1] - r[a, 1]
            sy = -lengths[1] * np.round(dy / lengths[1]) if periodic_y else 0.0
            if dx * dx + (dy + sy) ** 2 < reach * reach:
                if count == i.size:
                    i, j = np.append(i, i), np.append(j, j)
                    shift = np.concatenate((shift, shift))
                i[count], j[count] = a, b
                shift[count, 0] = turn + (image[a] - image[b]) * lengths[0]
                shift[count, 1] = sy
                count += 1
    return Pairs(i[:count], j[:count], shift[:count])
