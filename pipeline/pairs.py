"""State, pairs of neighbours as tensors, and the sums from which conservation is read off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.errors import InputError
from pipeline.neighbours import search
from pipeline.space import Space


class State(NamedTuple):
    """Positions, velocities and entropies of N particles (paper, section 5.1).

    Reduced units throughout the model: length a (mean neighbour distance), time one snapshot
    interval, m = k_B = 1.
    """

    r: Tensor  # (N, D) positions [a]
    v: Tensor  # (N, D) velocities [a / dt]
    S: Tensor  # (N,)   entropies [k_B]


class Rates(NamedTuple):
    """Rates of change, or increments, of the velocity and entropy of N particles."""

    dv: Tensor  # (N, D) [a / dt^2] as a rate, [a / dt] as an increment
    dS: Tensor  # (N,)   [k_B / dt] as a rate, [k_B] as an increment


def dot(x: Tensor, y: Tensor) -> Tensor:
    """x.y (P,) of two (P, D) fields, component by component: twice as fast as a short sum."""
    first, *others = (a * b for a, b in zip(x.unbind(1), y.unbind(1), strict=True))
    for product in others:
        first = first + product
    return first


class Pairs(NamedTuple):
    """Half list of neighbouring pairs: each pair stands once, in either order.

    Symmetric pair quantities are summed with `sum_even`, antisymmetric ones with `sum_odd`, so
    that what i receives and j loses is one number.
    """

    i: Tensor  # (P,) int64
    j: Tensor  # (P,) int64
    r: Tensor  # (P,) distance |r_ij|
    e: Tensor  # (P, D) unit vector e_ij = r_ij / |r_ij|, r_ij = r_i - r_j
    boost: Tensor | None  # (P, D) velocity of j's image (Lees-Edwards), None where images rest
    n: int  # number of particles
    rate: float = 0.0  # shear rate of the box (Lees-Edwards)

    def difference(self, v: Tensor) -> Tensor:
        """v_ij = v_i - v_j (P, D), with the velocity of j's image."""
        v_ij = v.index_select(0, self.i) - v.index_select(0, self.j)
        return v_ij if self.boost is None else v_ij - self.boost


class Coincident(InputError):
    """Two particles sit on each other, where a pair has no direction."""


def sum_sided(pairs: Pairs, x_i: Tensor, x_j: Tensor) -> Tensor:
    """Sum over pairs, x_i (P, ...) going to i and x_j (P, ...) to j: (N, ...)."""
    total = torch.zeros((pairs.n, *x_i.shape[1:]), dtype=x_i.dtype, device=x_i.device)
    return total.index_add_(0, pairs.i, x_i).index_add_(0, pairs.j, x_j)


def sum_even(pairs: Pairs, x: Tensor) -> Tensor:
    """sum_j x_ij (N, ...) of a symmetric pair quantity x_ij = x_ji (P, ...)."""
    return sum_sided(pairs, x, x)


def sum_odd(pairs: Pairs, x: Tensor) -> Tensor:
    """sum_j x_ij (N, ...) of an antisymmetric pair quantity x_ij = -x_ji (P, ...)."""
    return sum_sided(pairs, x, -x)


def geometry(r: Tensor, i: Tensor, j: Tensor, space: Space, time: float = 0.0) -> Pairs:
    """Distances and directions of the given pairs.

    Raises:
        Coincident: if two particles of a pair are at the same place.
    """
    r_ij, boost = space.displacement(r.index_select(0, i), r.index_select(0, j), time)
    distance = torch.linalg.vector_norm(r_ij, dim=1)
    if distance.numel() and not bool(distance.min() > 0):
        k = int(torch.argmin(distance))
        raise Coincident(
            f"Particles {int(i[k])} and {int(j[k])} sit on each other (distance "
            f"{float(distance[k])}): remove one of them or separate them."
        )
    return Pairs(i, j, distance, r_ij / distance[:, None], boost, r.shape[0], space.rate)


def displaced(pairs: Pairs, shift: Tensor) -> Pairs:
    """The same pairs after their particles moved by ``shift`` (N, D)."""
    moved = shift.index_select(0, pairs.i) - shift.index_select(0, pairs.j)
    r_ij = pairs.e * pairs.r[:, None] + moved
    distance = torch.linalg.vector_norm(r_ij, dim=1)
    return pairs._replace(r=distance, e=r_ij / distance[:, None])


def find(r: Tensor, space: Space, cutoff: float, time: float = 0.0) -> Pairs:
    """Pairs closer than ``cutoff`` with their geometry: search, then `geometry`."""
    found = search(r.detach().cpu().numpy(), space, cutoff, time)
    i, j = (torch.from_numpy(k).to(r.device) for k in found[:2])
    return geometry(r, i, j, space, time)


class NeighbourList:
    """Neighbours of a moving system, searched anew only when some particle has moved skin / 2.

    Args:
        space: geometry.
        cutoff: interaction range h.
        skin: extra range of the stored candidates; larger means rarer searches, longer lists.
    """

    def __init__(self, space: Space, cutoff: float, skin: float) -> None:
        space.check_cutoff(cutoff + skin)
        self.space, self.cutoff, self.skin = space, cutoff, skin
        self.searches = 0
        self._anchor: Tensor | None = None
        self._i = self._j = torch.empty(0, dtype=torch.int64)
        self._offset = 0.0

    def pairs(self, r: Tensor, time: float = 0.0) -> Pairs:
        """Pairs within the cutoff at positions ``r`` (N, D)."""
        if self._stale(r, time):
            i, j, _ = search(r.detach().cpu().numpy(), self.space, self.cutoff + self.skin, time)
            self._i, self._j = (torch.from_numpy(k).to(r.device) for k in (i, j))
            self._anchor, self._offset = r.detach().clone(), self.space.offset(time)
            self.searches += 1
        near = geometry(r, self._i, self._j, self.space, time)
        # A mask would be turned into indices again for every field.
        keep = torch.nonzero(near.r < self.cutoff)[:, 0]
        fields = (near.i, near.j, near.r, near.e)
        near_i, near_j, distance, e = (x.index_select(0, keep) for x in fields)
        boost = None if near.boost is None else near.boost.index_select(0, keep)
        return Pairs(near_i, near_j, distance, e, boost, near.n, near.rate)

    def _stale(self, r: Tensor, time: float) -> bool:
        if self._anchor is None or self._anchor.shape != r.shape:
            return True
        moved, _ = self.space.displacement(r, self._anchor, time)
        slide = abs(self.space.offset(time) - self._offset)
        length = self.space.lengths[0]
        slide = min(slide, length - slide) if self.space.rate else 0.0
        return 2 * float(torch.linalg.vector_norm(moved, dim=1).max()) + slide > self.skin


def sum_mixed(pairs: Pairs, odd: Sequence[Tensor], even: Sequence[Tensor]) -> Tensor:
    """Sums over neighbours (N, odd + even) of antisymmetric and of symmetric quantities (P,).

    One pass over the pairs instead of one per quantity; what i receives of an odd one, j loses.
    """
    columns = torch.stack((*odd, *even), 1)
    parity = columns.new_tensor([-1.0] * len(odd) + [1.0] * len(even))
    return sum_sided(pairs, columns, columns * parity)
