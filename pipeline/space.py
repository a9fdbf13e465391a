"""Geometry as a value: free, periodic and Lees-Edwards spaces behind one interface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Space:
    """A box of D axes, each open or periodic, possibly sheared (Lees and Edwards 1972).

    Shear flow is along axis 0 with its gradient along axis 1: the image one box length up in y
    moves with velocity ``rate * lengths[1]`` in x.

    Attributes:
        lengths: box length per axis [length]; ``inf`` marks an open axis.
        rate: shear rate [1/time]; zero unless Lees-Edwards.
    """

    lengths: tuple[float, ...]
    rate: float = 0.0

    @property
    def dimension(self) -> int:
        return len(self.lengths)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return tuple(math.isfinite(length) for length in self.lengths)

    @property
    def slide(self) -> float:
        """Velocity in x of the image above [length/time]; zero unless Lees-Edwards."""
        return self.rate * self.lengths[1] if self.rate else 0.0

    def offset(self, time: float) -> float:
        """Displacement in x of the image above, reduced to one box length [length]."""
        if self.rate == 0.0:
            return 0.0
        return math.fmod(self.slide * time, self.lengths[0])

    def images(self, dr: Tensor, time: float = 0.0) -> Tensor:
        """Number of boxes (P, D) to take off ``dr`` (P, D) for the minimum image."""
        lengths = torch.tensor(self.lengths, dtype=dr.dtype, device=dr.device)
        if self.rate == 0.0:
            return torch.round(dr / lengths)
        n = torch.round(dr / lengths)
        n[:, 0] = torch.round((dr[:, 0] - n[:, 1] * self.offset(time)) / lengths[0])
        return n

    def shift(self, n: Tensor, time: float = 0.0) -> Tensor:
        """Displacement (P, D) of the image in box ``n`` (P, D)."""
        lengths = [length if math.isfinite(length) else 0.0 for length in self.lengths]
        shift = n * torch.tensor(lengths, dtype=n.dtype, device=n.device)
        if self.rate != 0.0:
            shift[:, 0] = shift[:, 0] + n[:, 1] * self.offset(time)
        return shift

    def boost(self, n: Tensor) -> Tensor | None:
        """Velocity (P, D) of the image in box ``n``; None where images do not move."""
        if self.rate == 0.0:
            return None
        boost = torch.zeros_like(n)
        boost[:, 0] = n[:, 1] * self.slide
        return boost

    def displacement(
        self, r_i: Tensor, r_j: Tensor, time: float = 0.0
    ) -> tuple[Tensor, Tensor | None]:
        """Minimum-image r_ij = r_i - r_j (P, D) and the velocity (P, D) of j's image."""
        dr = r_i - r_j
        if not any(self.periodic):
            return dr, None
        n = self.images(dr, time)
        return dr - self.shift(n, time), self.boost(n)

    def wrap(self, r: Tensor, v: Tensor, time: float = 0.0) -> tuple[Tensor, Tensor]:
        """Positions in [0, L) on periodic axes, with the velocities of the images taken."""
        if not any(self.periodic):
            return r, v
        lengths = torch.tensor(self.lengths, dtype=r.dtype, device=r.device)
        n = torch.floor(r / lengths)
        if self.rate != 0.0:
            n[:, 0] = torch.floor((r[:, 0] - n[:, 1] * self.offset(time)) / lengths[0])
        boost = self.boost(n)
        return r - self.shift(n, time), v if boost is None else v - boost

    def cell(self, time: float = 0.0) -> list[list[float]]:
        """Box vectors as rows of a 3 x 3 matrix, zero on open axes (for neighbour search)."""
        cell = [[0.0] * 3 for _ in range(3)]
        for axis, length in enumerate(self.lengths):
            if math.isfinite(length):
                cell[axis][axis] = length
        cell[1][0] = self.offset(time)
        return cell

    def check_cutoff(self, cutoff: float) -> None:
        """Refuse a cutoff for which the minimum image is not unique.

        Raises:
            ValueError: if the cutoff exceeds half of a periodic length.
        """
        shortest = min(self.lengths)
        if cutoff > shortest / 2:
            raise ValueError(
                f"The cutoff {cutoff:g} (with its skin) exceeds half the shortest periodic box "
                f"length {shortest:g}: use a larger system or a smaller cutoff."
            )


def free(dimension: int) -> Space:
    """Open space of ``dimension`` axes."""
    return Space((math.inf,) * dimension)


def periodic(lengths: Sequence[float], axes: Sequence[bool] | None = None) -> Space:
    """Periodic box; ``axes`` says which axes are periodic (default: all)."""
    axes = [True] * len(lengths) if axes is None else axes
    pairs = zip(lengths, axes, strict=True)
    return Space(tuple(float(length) if on else math.inf for length, on in pairs))


def lees_edwards(lengths: Sequence[float], rate: float) -> Space:
    """Periodic box sheared at ``rate`` [1/time], flow in x, gradient in y."""
    if len(lengths) < 2:
        raise ValueError(f"A sheared box needs at least 2 axes, got {len(lengths)}.")
    return Space(tuple(float(length) for length in lengths), float(rate))
