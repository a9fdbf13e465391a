"""Teacher closures: the entropy of a particle guessed from its neighbours (paper, section 5.4)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.jets import Perceptron
from pipeline.closures.splines import Radial, Scales
from pipeline.pairs import Pairs, dot, sum_sided


class Teacher(Protocol):
    """Pairs and v_ij -> S (N,): mean over neighbours; 0 for a particle without any."""

    def __call__(self, pairs: Pairs, radial: Radial, v_ij: Tensor) -> Tensor: ...

    def roughness(self) -> Tensor | float: ...


def neighbour_mean(pairs: Pairs, x_i: Tensor, x_j: Tensor) -> Tensor:
    """Mean over neighbours (N,) of what each pair says of i and of j (P,)."""
    one = torch.ones_like(x_i)
    columns = sum_sided(pairs, torch.stack((x_i, one), 1), torch.stack((x_j, one), 1))
    return columns[:, 0] / columns[:, 1].clamp(min=1.0)


def invariants(pairs: Pairs, v_ij: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
    """v_ij^2 and approach speed e.v_ij (P,) of each pair, in units of ``speed``.

    Unlike the components the paper feeds its network, they do not change under rotation.
    """
    v = v_ij / speed
    return dot(v, v), dot(pairs.e, v)


class SplineTeacher(nn.Module):
    """S_ij = s_0(r) + s_1(r) x + s_2(r) y + s_3(r) y^2.

    x = ln(1 + v_ij^2 / 2 T0), y = e.v_ij / sqrt(2 T0 + v_ij^2).

    Cubic splines s_k in r; the bounded functions of velocity keep a fast pair from dominating.
    Starts at S = 0.
    """

    speed: Tensor

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.zeros(4, scales.intervals + 2))
        self.register_buffer("speed", torch.tensor(2.0 * scales.temperature).sqrt())

    def forward(self, pairs: Pairs, radial: Radial, v_ij: Tensor) -> Tensor:
        v2, en = invariants(pairs, v_ij, self.speed)
        y = en * torch.rsqrt(1.0 + v2)
        s_0, s_1, s_2, s_3 = self.coefficients @ radial.basis
        S_ij = s_0 + s_1 * torch.log1p(v2) + (s_2 + s_3 * y) * y
        return neighbour_mean(pairs, S_ij, S_ij)

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients)


class NetworkTeacher(nn.Module):
    """S_ij = MLP(r/h, ln(1 + v^2/2T0), e.v / sqrt(2T0 + v^2)): the paper's, made invariant."""

    speed: Tensor

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.network = Perceptron(3, width, 1)
        self.register_buffer("speed", torch.tensor(2.0 * scales.temperature).sqrt())

    def forward(self, pairs: Pairs, radial: Radial, v_ij: Tensor) -> Tensor:
        v2, en = invariants(pairs, v_ij, self.speed)
        inputs = torch.stack((radial.r / self.h, torch.log1p(v2), en * torch.rsqrt(1.0 + v2)), 1)
        S_ij = self.network(inputs)[:, 0]
        return neighbour_mean(pairs, S_ij, S_ij)

    def roughness(self) -> float:
        return 0.0


class PaperTeacher(nn.Module):
    """S_i = mean_j MLP(r_ij/h, v_ij): the paper's, which changes when the axes turn."""

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.network = Perceptron(1 + scales.dimension, width, 1)

    def forward(self, pairs: Pairs, radial: Radial, v_ij: Tensor) -> Tensor:
        x = radial.r[:, None] / self.h
        S_i, S_j = (self.network(torch.cat((x, v), 1))[:, 0] for v in (v_ij, -v_ij))
        return neighbour_mean(pairs, S_i, S_j)

    def roughness(self) -> float:
        return 0.0


class UniformTeacher(nn.Module):
    """S = 0 everywhere: a model whose entropy is not observed (or comes from latents alone)."""

    def __init__(self, scales: Scales) -> None:
        super().__init__()

    def forward(self, pairs: Pairs, radial: Radial, v_ij: Tensor) -> Tensor:
        return v_ij.new_zeros(pairs.n)

    def roughness(self) -> float:
        return 0.0


KINDS = {
    "splines": SplineTeacher,
    "network": NetworkTeacher,
    "paper": PaperTeacher,
    "uniform": UniformTeacher,
}
