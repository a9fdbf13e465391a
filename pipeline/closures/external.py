"""External potentials Phi(r) of one particle: walls, traps, gravity. Their energy counts in E.

Positions are those of the data, in the unit of length of the model. Axes on which images repeat
have no place that differs from others: an external potential lives on open ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.splines import Scales

RIDGE = 1e-2  # weight of the slopes in the penalty, beside that of the bends


class Potential(NamedTuple):
    """Energy of N particles and its gradient; the force is minus that."""

    phi: Tensor  # (N,) [m length^2 / time^2]
    gradient: Tensor  # (N, D)


class External(Protocol):
    """r (N, D) -> Phi, grad Phi; both linear in K coefficients."""

    def __call__(self, r: Tensor) -> Potential: ...

    def take(self, coefficients: Tensor) -> None:
        """Sets all K coefficients (K,)."""

    def forces(self, r: Tensor) -> Tensor:
        """(N, D, K) force of every coefficient at one, for a linear regression."""

    def bends(self) -> list[Tensor]:
        """Blocks of the (K, K) matrix of `roughness`, which is quadratic in the coefficients."""

    def roughness(self) -> Tensor | float: ...


class _Spline(nn.Module):
    """Coefficients whose last ``axes`` axes are those of a spline."""

    coefficients: nn.Parameter
    axes_of_spline: int

    @torch.no_grad()
    def take(self, coefficients: Tensor) -> None:
        """See `External`."""
        like = self.coefficients
        like.copy_(coefficients.reshape(like.shape))

    def bends(self) -> list[Tensor]:
        """See `External`."""
        return [_bends(self.coefficients, self.axes_of_spline)]

    def roughness(self) -> Tensor:
        return _roughness(self.coefficients, self.axes_of_spline)


class Walls(_Spline):
    """Phi = T0 sum_walls s_w(d_w), d_w the distance from a straight side of the box.

    s_w is a cubic spline on [0, reach] times (1 - d/reach)^2, so that it ends smoothly; beyond the
    side it goes on straight. One spline for each end of every axis given.

    Args:
        scales: T0.
        low, high: ends of the axes [length].
        axes: those that end in walls.
        reach: distance from a side at which its walls are no longer felt [length].
        intervals: of each spline.
    """

    T0: Tensor

    def __init__(
        self,
        scales: Scales,
        low: Sequence[float],
        high: Sequence[float],
        axes: Sequence[int],
        reach: float,
        intervals: int = 8,
    ) -> None:
        super().__init__()
        self.low, self.high, self.axes = tuple(low), tuple(high), tuple(axes)
        self.reach, self.intervals = reach, intervals
        self.coefficients = nn.Parameter(torch.zeros(2 * len(self.axes), intervals + 3))
        self.axes_of_spline = 1
        self.register_buffer("T0", torch.tensor(scales.temperature))

    def forward(self, r: Tensor) -> Potential:
        phi, gradient = torch.zeros_like(r[:, 0]), [torch.zeros_like(x) for x in r.unbind(1)]
        for k, axis in enumerate(self.axes):
            ends = ((r[:, axis] - self.low[axis], 1.0), (self.high[axis] - r[:, axis], -1.0))
            for coefficients, (d, sign) in zip(self.coefficients[2 * k :], ends, strict=False):
                value, slope = self._side(coefficients, d)
                phi, gradient[axis] = phi + value, gradient[axis] + sign * slope
        return Potential(self.T0 * phi, self.T0 * torch.stack(gradient, 1))

    def forces(self, r: Tensor) -> Tensor:
        """See `External`."""
        sides, unit = [], torch.eye(self.intervals + 3, dtype=r.dtype, device=r.device)
        for axis in self.axes:
            ends = ((r[:, axis] - self.low[axis], 1.0), (self.high[axis] - r[:, axis], -1.0))
            for d, sign in ends:
                columns = r.new_zeros((*r.shape, len(unit)))
                columns[:, axis] = -sign * self.T0 * self._side(unit, d)[1].T
                sides.append(columns)
        return torch.cat(sides, 2)

    def _side(self, coefficients: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
        """One wall's Phi / T0 and its derivative in d (N,), or (K, N) of K sets of coefficients."""
        near = d.clamp(0.0, self.reach)
        at = splines.line(near, 0.0, self.reach, self.intervals)
        s, ds = coefficients @ at.basis, coefficients @ at.slope
        left = 1.0 - near / self.reach
        value = s * left * left
        slope = (ds * left - 2.0 * s / self.reach) * left
        return value + slope * (d - near).clamp(max=0.0), slope


class Field(_Spline):
    """Phi = T0 sum_kl c_kl B_k(x) B_l(y), a coarse tensor B-spline over the field of view.

    Straight on outside of it. The penalty draws forces to zero where no particle was seen.

    Args:
        scales: T0, D.
        low, high: ends of the field of view per axis [length].
        intervals: of the splines, per axis.
    """

    T0: Tensor

    def __init__(
        self, scales: Scales, low: Sequence[float], high: Sequence[float], intervals: int = 8
    ) -> None:
        super().__init__()
        self.low, self.high, self.intervals = tuple(low), tuple(high), intervals
        size = (intervals + 3,) * scales.dimension
        self.coefficients = nn.Parameter(torch.zeros(size))
        self.axes_of_spline = scales.dimension
        self.register_buffer("T0", torch.tensor(scales.temperature))

    def forward(self, r: Tensor) -> Potential:
        sides = zip(r.unbind(1), self.low, self.high, strict=True)
        lines = [splines.line(x, low, high, self.intervals) for x, low, high in sides]
        phi = self._sum([at.basis for at in lines])
        gradient = [
            self._sum([at.slope if k == axis else at.basis for k, at in enumerate(lines)])
            for axis in range(len(lines))
        ]
        return Potential(self.T0 * phi, self.T0 * torch.stack(gradient, 1))

    def forces(self, r: Tensor) -> Tensor:
        """See `External`."""
        sides = zip(r.unbind(1), self.low, self.high, strict=True)
        lines = [splines.line(x, low, high, self.intervals) for x, low, high in sides]
        parts = []
        for axis in range(len(lines)):
            product = torch.ones_like(r[:, :1])
            for k, at in enumerate(lines):
                one = at.slope if k == axis else at.basis
                product = (product[:, :, None] * one.T[:, None, :]).flatten(1)
            parts.append(-self.T0 * product)
        return torch.stack(parts, 1)

    def _sum(self, bases: list[Tensor]) -> Tensor:
        """sum_kl.. c_kl.. b_k b_l .. (N,), the last axis first."""
        total = self.coefficients @ bases[-1]
        for basis in reversed(bases[:-1]):
            total = (total * basis).sum(-2)
        return total


class WallsField(nn.Module):
    """Steep `Walls` on top of a smooth `Field`: a table that is tilted, jets of air, a wide trap.

    The field's splines are too coarse for walls; walls know nothing of what is far from them. A
    field that is a constant is no force, and one near a side may be either's: the penalties decide.

    Args:
        scales, low, high, axes, reach: see `Walls`.
        intervals: of the field, per axis.
    """

    def __init__(
        self,
        scales: Scales,
        low: Sequence[float],
        high: Sequence[float],
        axes: Sequence[int],
        reach: float,
        intervals: int = 6,
    ) -> None:
        super().__init__()
        self.walls = Walls(scales, low, high, axes, reach)
        self.field = Field(scales, low, high, intervals)

    def forward(self, r: Tensor) -> Potential:
        walls, field = self.walls(r), self.field(r)
        return Potential(walls.phi + field.phi, walls.gradient + field.gradient)

    def take(self, coefficients: Tensor) -> None:
        """See `External`; first those of the walls."""
        count = self.walls.coefficients.numel()
        self.walls.take(coefficients[:count])
        self.field.take(coefficients[count:])

    def forces(self, r: Tensor) -> Tensor:
        """See `External`."""
        return torch.cat([self.walls.forces(r), self.field.forces(r)], 2)

    def bends(self) -> list[Tensor]:
        """See `External`."""
        return [*self.walls.bends(), *self.field.bends()]

    def roughness(self) -> Tensor:
        return self.walls.roughness() + self.field.roughness()


def _roughness(coefficients: Tensor, axes: int) -> Tensor:
    """Squared second differences along the last ``axes`` axes, and RIDGE times the first ones."""
    total = coefficients.new_zeros(())
    for axis in range(coefficients.dim() - axes, coefficients.dim()):
        first = coefficients.diff(dim=axis)
        total = total + first.diff(dim=axis).square().sum() + RIDGE * first.square().sum()
    return total


def _bends(coefficients: Tensor, axes: int) -> Tensor:
    """(K, K) such that `_roughness` is c.B c."""
    like = torch.zeros_like(coefficients, dtype=torch.float64).detach()
    matrix = torch.func.hessian(lambda c: _roughness(c, axes))(like)
    return 0.5 * matrix.reshape(like.numel(), like.numel())


KINDS = {"walls": Walls, "field": Field, "walls_field": WallsField}
