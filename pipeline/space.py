"""Geometry as a value: free, periodic and Lees-Edwards spaces behind one interface.

All that knows of images: minimum image, wrapping, and the cell of a neighbour search. Takes numpy
arrays and torch tensors alike, and imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pipeline.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")
Time = Any  # a number, or an array of times that goes with the leading axes of the positions


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
    def sides(self) -> tuple[float, ...]:
        """Box length per axis [length], 0 for an axis that does not close on itself."""
        return tuple(length if math.isfinite(length) else 0.0 for length in self.lengths)

    @property
    def slide(self) -> float:
        """Velocity in x of the image above [length/time]; zero unless Lees-Edwards."""
        return self.rate * self.lengths[1] if self.rate else 0.0

    def scaled(self, length: float, time: float = 1.0) -> Space:
        """The same space in units of ``length`` [length] and ``time`` [time]."""
        return Space(tuple(side / length for side in self.lengths), self.rate * time)

    def offset(self, time: Time) -> Any:
        """Displacement in x of the image above, reduced to one box length [length]."""
        if self.rate == 0.0:
            return 0.0
        reduced = np.fmod(self.slide * time, self.lengths[0])
        return reduced if np.ndim(reduced) else float(reduced)

    def images(self, dr: Array, time: Time = 0.0) -> Array:
        """Number of boxes (..., D) to take off ``dr`` (..., D) for the minimum image."""
        n = (dr / _like(dr, self.lengths)).round()
        if self.rate != 0.0:
            n[..., 0] = ((dr[..., 0] - n[..., 1] * self.offset(time)) / self.lengths[0]).round()
        return n

    def shift(self, n: Array, time: Time = 0.0) -> Array:
        """Displacement (..., D) of the image in box ``n`` (..., D)."""
        shift = n * _like(n, self.sides)
        if self.rate != 0.0:
            shift[..., 0] = shift[..., 0] + n[..., 1] * self.offset(time)
        return shift

    def boost(self, n: Array) -> Array | None:
        """Velocity (..., D) of the image in box ``n``; None where images do not move."""
        if self.rate == 0.0:
            return None
        boost = 0.0 * n
        boost[..., 0] = n[..., 1] * self.slide
        return boost

    def displacement(self, r_i: Array, r_j: Array, time: Time = 0.0) -> tuple[Array, Array | None]:
        """Minimum-image r_ij = r_i - r_j (..., D) and the velocity (..., D) of j's image."""
        dr = r_i - r_j
        if not any(self.periodic):
            return dr, None
        n = self.images(dr, time)
        return dr - self.shift(n, time), self.boost(n)

    def wrap(self, r: Array, time: Time = 0.0) -> tuple[Array, Array]:
        """Positions (..., D) in [0, L) on periodic axes, and the boxes (..., D) they were in.

        A particle there moves with v - ``boost`` of these boxes.
        """
        n = _floor(r / _like(r, self.lengths))
        if self.rate != 0.0:
            n[..., 0] = _floor((r[..., 0] - n[..., 1] * self.offset(time)) / self.lengths[0])
        return r - self.shift(n, time), n

    def cell(self, time: float = 0.0) -> list[list[float]]:
        """Box vectors as rows of a 3 x 3 matrix, zero on open axes (for neighbour search)."""
        cell = [[0.0] * 3 for _ in range(3)]
        for axis, length in enumerate(self.sides):
            cell[axis][axis] = length
        cell[1][0] = self.offset(time)
        return cell

    def check_cutoff(self, cutoff: float) -> None:
        """Refuse a cutoff for which the minimum image is not unique.

        Raises:
            InputError: if the cutoff exceeds half of a periodic length.
        """
        shortest = min(self.lengths)
        if cutoff > shortest / 2:
            raise InputError(
                f"The cutoff {cutoff:g} (with its skin) exceeds half the shortest periodic box "
                f"length {shortest:g}: use a larger system or a smaller cutoff."
            )


def _like(array: Array, values: Sequence[float]) -> Array:
    """``values`` as an array of the kind, precision and device of ``array``."""
    return np.asarray(values) if isinstance(array, np.ndarray) else array.new_tensor(values)


def _floor(array: Array) -> Array:
    return np.floor(array) if isinstance(array, np.ndarray) else array.floor()


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
        raise InputError(f"A sheared box needs at least 2 axes, got {len(lengths)}.")
    return Space(tuple(float(length) for length in lengths), float(rate))
