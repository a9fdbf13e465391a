"""Friction closures: squared noise amplitudes a^2, b^2, c^2 of a pair (paper, section 5.2.3).

The equations need only squares; the noise alone takes their root.
"""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.amplitudes import Friction, from_rows, log_means
from pipeline.closures.jets import Perceptron
from pipeline.closures.revenga import RevengaFriction
from pipeline.closures.splines import Radial, Scales


class Closure(Protocol):
    """r, T_i, T_j, V_i V_j -> a^2, b^2, c^2 >= 0, symmetric in i and j, and their T derivatives.

    A closure may use the volumes because the noise acts on v and S only: at fixed positions
    volumes are constants, and div M has no term from them.
    """

    def __call__(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction: ...

    def roughness(self) -> Tensor | float: ...


def levels(T0: float, friction: float, conductivity: float) -> Tensor:
    """a^2, b^2, c^2 (3, 1) that give a pair this friction coefficient and conductance at T0."""
    return torch.tensor([[2.0 * T0 * friction], [2.0 * T0 * friction], [T0 * T0 * conductivity]])


class SplineFriction(nn.Module):
    """ln a^2 = level + g0(r) + (p + g1(r)) ln T_ij + ln taper [+ ln V_i V_j], same for b, c.

    g0, g1 are cubic splines; T_ij the symmetric mean of `log_means`; p = 1 (a, b) or 2 (c) makes
    g1 = 0 a temperature-independent friction coefficient and conductivity.

    Args:
        scales: T0, V0, range.
        level: pair friction coefficient at contact at the start [mass / time].
        conductivity: pair heat conductance at contact at the start [k_B / time].
        volume_factor: whether the amplitudes carry V_i V_j, as in SDPD (LEARNING.md, 5).
    """

    level: Tensor
    power: Tensor
    T0: Tensor
    V0: Tensor

    def __init__(
        self,
        scales: Scales,
        level: float = 0.1,
        conductivity: float = 0.1,
        volume_factor: bool = True,
    ) -> None:
        super().__init__()
        T0, self.h = scales.temperature, scales.cutoff
        size = (2, 3, scales.intervals + 2)
        self.coefficients = nn.Parameter(torch.zeros(size))  # g0 and g1 of a, b, c
        self.register_buffer("level", levels(T0, level, conductivity).log())
        self.register_buffer("power", torch.tensor([[1.0], [1.0], [2.0]]))
        self.register_buffer("T0", torch.tensor(T0))
        self.register_buffer("V0", torch.tensor(scales.volume))
        self.volume_factor = volume_factor

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        mean = log_means(T_i, T_j, self.T0)
        factor, _ = splines.taper(radial.r, self.h)
        if self.volume_factor:
            factor = factor * VV / self.V0.square()
        g0, g1 = (self.coefficients.flatten(0, 1) @ radial.basis).unflatten(0, (2, 3))
        power = self.power + g1
        value = torch.exp(self.level + g0 + power * mean.value) * factor
        slope = value * power
        return from_rows(value, slope * mean.in_T_i, slope * mean.in_T_j)

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients)


class NetworkFriction(nn.Module):
    """a = MLP(r/h, T_i) MLP(r/h, T_j), one network per amplitude: the paper's form, squared.

    ``scaled`` puts inputs and outputs in units of T0 and of the starting levels, ``taper`` makes
    the amplitudes vanish at h, ``volume_factor`` multiplies by V_i V_j; the paper has none of it.
    """

    level: Tensor
    T0: Tensor
    V0: Tensor

    def __init__(
        self,
        scales: Scales,
        width: int = 50,
        level: float = 0.1,
        conductivity: float = 0.1,
        scaled: bool = True,
        taper: bool = True,
        volume_factor: bool = True,
    ) -> None:
        super().__init__()
        self.h, T0 = scales.cutoff, scales.temperature if scaled else 1.0
        networks = [Perceptron(2, width, 1) for _ in range(3)]
        start = levels(T0, level, conductivity) if scaled else torch.ones(3, 1)
        with torch.no_grad():
            for network in networks:
                network.output.weight.mul_(0.3)
                network.output.bias.fill_(1.0)
        self.networks = nn.ModuleList(networks)
        self.register_buffer("level", start)
        self.register_buffer("T0", torch.tensor(T0))
        self.register_buffer("V0", torch.tensor(scales.volume))
        self.taper, self.volume_factor = taper, volume_factor

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        factor = torch.ones_like(radial.r)
        if self.taper:
            factor = splines.taper(radial.r, self.h)[0]
        if self.volume_factor:
            factor = factor * VV / self.V0.square()
        x = radial.r / self.h
        sides = [torch.stack((x, T / self.T0), 1) for T in (T_i, T_j)]
        networks = (cast(Perceptron, network) for network in self.networks)
        jets = [network.jet(torch.cat(sides), (1,)) for network in networks]
        value = torch.stack([jet.value[:, 0] for jet in jets])
        slope = torch.stack([jet.first[0][:, 0] for jet in jets]) / self.T0
        (f_i, f_j), (df_i, df_j) = value.chunk(2, 1), slope.chunk(2, 1)
        a, scale = f_i * f_j, self.level * factor
        twice = 2.0 * a * scale
        return from_rows(a * a * scale, twice * df_i * f_j, twice * f_i * df_j)

    def roughness(self) -> float:
        return 0.0


KINDS = {"splines": SplineFriction, "network": NetworkFriction, "revenga": RevengaFriction}
