"""Who is near whom in one snapshot: the search that statistics, graphs and models share.

Arrays in, arrays out, and no torch: `pipeline.pairs` makes tensors of what is found here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.errors import InputError
from pipeline.space import Space


class Neighbours(NamedTuple):
    """Pairs of particles of a snapshot, each once, in either order."""

    i: np.ndarray  # (P,) int64
    j: np.ndarray  # (P,) int64
    r: np.ndarray  # (P, D) r_i - r_j, nearest image [length]
    distance: np.ndarray  # (P,) [length]

    def where(self, keep: np.ndarray) -> Neighbours:
        """The pairs in which ``keep`` (P,) is true."""
        kept = np.flatnonzero(keep)
        return Neighbours(*(column.take(kept, axis=0) for column in self))

    def among(self, chosen: np.ndarray) -> Neighbours:
        """The pairs of which both are ``chosen`` (N,)."""
        both = chosen[self.i] & chosen[self.j]
        return self if both.all() else self.where(both)

    def within(self, cutoff: float) -> Neighbours:
        """The pairs nearer than a cutoff [length]."""
        return self.where(self.distance < cutoff)


def search(
    r: np.ndarray, space: Space, cutoff: float, time: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs closer than ``cutoff``: i, j (P,) int64 and box shifts (P, D) int32 of j.

    Args:
        r: (N, D) positions; any image will do on periodic axes.
        space: geometry; the cutoff must not exceed half of a periodic length.
        cutoff: distance below which two particles are neighbours, in the units of ``r``.
        time: time at which a sheared box is looked at.

    Raises:
        InputError: if the cutoff is too long for the box.
    """
    _vesin, (pair, shift) = _searched(r, space, cutoff, time, "PS")
    i, j = (pair[:, k].astype(np.int64) for k in (0, 1))
    return i, j, shift[:, : r.shape[1]].copy()


def _searched(
    r: np.ndarray, space: Space, cutoff: float, time: float, quantities: str
) -> tuple[Any, list[np.ndarray]]:
    """What vesin knows of the pairs closer than the cutoff: its object, and views of the memory
    that goes with it, to be copied."""
    space.check_cutoff(cutoff)
    dimension = r.shape[1]
    _check_count(r, cutoff)
    points = np.zeros((len(r), 3))
    points[:, :dimension] = r
    axes = [*space.periodic, *[False] * (3 - dimension)]
    finder = _finder()(cutoff=cutoff, full_list=False, n_threads=1)
    cell = np.array(space.cell(time))
    return finder, finder.compute(points, cell, axes, quantities=quantities, copy=False)


@cache
def _finder() -> Any:
    """vesin's class of neighbour lists.

    It imports torch wherever that is installed, two seconds and 200 MB that a stage without
    tensors can do without: to vesin torch is not there unless it is loaded already.
    """
    with nullcontext() if "torch" in sys.modules else _without("torch"):
        from vesin import NeighborList
    return NeighborList


@contextmanager
def _without(module: str) -> Iterator[None]:
    sys.modules[module] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        del sys.modules[module]


MOST_PAIRS = 50_000_000  # of one snapshot: some GB


def _check_count(r: np.ndarray, cutoff: float) -> None:
    """Refuses a cutoff that makes everyone everyone's neighbour before they are listed."""
    count, dimension = r.shape
    if count * (count - 1) / 2 <= MOST_PAIRS:
        return
    extent = np.maximum(np.ptp(r, axis=0), 1e-300)
    share = float(np.prod(np.minimum(2.0 * cutoff / extent, 1.0)))
    if share * count * (count - 1) / 2 > MOST_PAIRS * 4.0 / (np.pi if dimension == 2 else 2.1):
        raise InputError(
            f"Within a cutoff of {cutoff:.3g} each of {count} particles would have about "
            f"{share * count:.0f} neighbours, more than {MOST_PAIRS:.0e} pairs: lower graph.cutoff "
            f"(or is it a model of another scale?)."
        )


def neighbours(
    r: np.ndarray, seen: np.ndarray, space: Space, cutoff: float, time: float = 0.0
) -> Neighbours:
    """Pairs of the particles ``seen`` (N,) among positions r (N, D), with their geometry.

    Raises:
        InputError: as `search`.
    """
    who = np.flatnonzero(seen)
    _vesin, (pair, vector, distance) = _searched(r[who], space, cutoff, time, "PDd")
    i, j = (who.take(pair[:, k].astype(np.int64)) for k in (0, 1))
    # vesin's vectors lead from i to j.
    return Neighbours(i, j, -vector[:, : r.shape[1]], distance.copy())


def tree(r: np.ndarray, space: Space) -> cKDTree:
    """Points (N, D) of a space at rest, to be asked who is near other points; see `placed`."""
    return cKDTree(placed(r, space), boxsize=space.sides)


def placed(r: np.ndarray, space: Space) -> np.ndarray:
    """(N, D) positions as a tree of scipy takes them: in [0, length) on periodic axes."""
    closed = np.array(space.periodic)
    last = np.nextafter(space.sides, 0.0)  # a remainder can round up to the length itself
    return np.where(closed, np.clip(space.wrap(r)[0], 0.0, last), r)
