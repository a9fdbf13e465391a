"""Pair energy closures: psi(r) beside U(S, V), so that particles can attract.

Pressures are never negative, so U(S, V) attracts only where the kernel grows with distance. The
energy sum_i 1/2 sum_j psi(r_ij), half of each pair to either particle, may have either sign and
leaves U convex and P >= 0.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.splines import Radial, Scales

RIDGE = 1e-2  # weight of the coefficients themselves in the penalty


class PairEnergy(NamedTuple):
    """Energy of P pairs and its derivative in the distance."""

    psi: Tensor  # (P,) [m length^2 / time^2]
    dpsidr: Tensor  # (P,)


class Closure(Protocol):
    """r -> psi, dpsi/dr."""

    def __call__(self, radial: Radial) -> PairEnergy: ...

    def roughness(self) -> Tensor | float: ...


class SplinePairEnergy(nn.Module):
    """psi(r) = T0 s(r) (1 - r^2/h^2)^2 with s a cubic spline that starts at zero.

    The penalty draws s towards zero: what U can hold stays there.
    """

    T0: Tensor

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.coefficients = nn.Parameter(torch.zeros(scales.intervals + 2))
        self.register_buffer("T0", torch.tensor(scales.temperature))

    def forward(self, radial: Radial) -> PairEnergy:
        factor, slope = splines.taper(radial.r, self.h)
        s, ds = self.coefficients @ radial.basis, self.coefficients @ radial.slope
        return PairEnergy(self.T0 * s * factor, self.T0 * (ds * factor + s * slope))

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients) + RIDGE * self.coefficients.square().sum()


KINDS = {"splines": SplinePairEnergy}
