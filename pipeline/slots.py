"""Columns that particles share one after another: arrays that grow with what is seen.

An array of snapshots x all particles ever seen is almost empty where particles come and go, and
grows with the square of the length of a film. Here a column is a slot: when its particle has left
for good, another takes it over, after at least one snapshot in which the slot is empty. So there
are about as many slots as particles are seen at once, and what is present in a slot in successive
snapshots is one particle. Over longer lags ``occupant`` (T, M) tells: the index of the particle
that holds a slot from its first snapshot to its last, gaps included, -1 for nobody. It is None
where every particle has a column of its own.
"""

from __future__ import annotations

import heapq

import numpy as np

NOBODY = -1
COLUMNS = 64  # that are filled together


def assign(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(N,) the slot of each particle, which it holds from snapshot ``first`` to ``last``.

    Those that come earlier choose first, the lowest slot that was empty for a snapshot. Slots are
    particles, in their order, where nobody can take over from anybody.
    """
    slot = np.empty(len(first), np.int64)
    taken: list[tuple[int, int]] = []  # until when, slot
    free: list[int] = []
    count = 0
    for k in np.argsort(first, kind="stable"):
        while taken and taken[0][0] < first[k] - 1:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if free:
            slot[k] = heapq.heappop(free)
        else:
            slot[k], count = count, count + 1
        heapq.heappush(taken, (int(last[k]), int(slot[k])))
    return slot if count < len(first) else np.arange(len(first))


def occupants(
    first: np.ndarray, last: np.ndarray, slot: np.ndarray, snapshots: int
) -> np.ndarray | None:
    """(T, M) int32 who holds each slot when; None where every particle has its own."""
    count = int(slot.max()) + 1
    if count == len(slot):
        return None
    length = last - first + 1
    start = np.cumsum(length) - length
    row = np.arange(length.sum()) + np.repeat(first - start, length)
    held = np.full((snapshots, count), NOBODY, np.int32)
    held[row, np.repeat(slot, length)] = np.repeat(np.arange(len(slot), dtype=np.int32), length)
    return held


def again(
    known: np.ndarray, run: np.ndarray, lag: int, occupant: np.ndarray | None = None
) -> np.ndarray:
    """(T - lag, M) bool: the same particle is known in a snapshot and ``lag`` rows later.

    Args:
        known: (T, M) bool. run: (T,), both rows must be of one.
    """
    later = slice(lag, None)
    earlier = slice(0, max(len(known) - lag, 0))
    both = known[later] & known[earlier] & (run[later] == run[earlier])[:, None]
    if occupant is not None:
        both &= occupant[later] == occupant[earlier]
    return both


def each(
    values: np.ndarray, occupant: np.ndarray | None = None, count: int | None = None
) -> np.ndarray:
    """(N, ...) sums over the snapshots of every particle of values (T, M, ...), 0 where unknown.

    Args:
        count: N; None takes those that ever hold a slot.
    """
    if occupant is None:
        return values.sum(axis=0)
    there = occupant >= 0
    index, flat = occupant[there], values[there].reshape(int(there.sum()), -1)
    count = int(occupant.max()) + 1 if count is None else count
    kind = complex if np.iscomplexobj(flat) else float
    total = np.empty((count, flat.shape[1]), kind)
    for k, column in enumerate(flat.T):
        total[:, k] = np.bincount(index, column.real, count)
        if kind is complex:
            total[:, k] += 1j * np.bincount(index, column.imag, count)
    return total.reshape(count, *values.shape[2:])


def ever(flags: np.ndarray, count: int, occupant: np.ndarray | None = None) -> np.ndarray:
    """(N,) bool: particles of ``count`` for which flags (T, M) are set in some snapshot."""
    if occupant is None:
        return np.asarray(flags.any(axis=0))
    found = np.zeros(count, bool)
    found[occupant[flags]] = True
    return found


def held(position: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Positions (T, M, D), unknown ones replaced by the last known, or else by the next."""
    rows = np.arange(len(known), dtype=np.int32)[:, None]
    out = np.empty_like(position)
    for k in range(0, known.shape[1], COLUMNS):
        some = slice(k, k + COLUMNS)
        last = np.maximum.accumulate(np.where(known[:, some], rows, -1), axis=0)
        source = np.where(last >= 0, last, known[:, some].argmax(axis=0))
        out[:, some] = np.take_along_axis(position[:, some], source[:, :, None], axis=0)
    return out
