"""Volume closures: the kernel w(r) of d_i = w(0) + sum_j w(r_ij), V_i = 1/d_i (paper, eq. 5)."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.jets import Perceptron
from pipeline.closures.splines import Radial, Scales


class Kernel(NamedTuple):
    """Kernel and its derivative at P pair distances."""

    w: Tensor  # (P,) w(r_ij) > 0 [1/length^D]
    dwdr: Tensor  # (P,) w'(r_ij) [1/length^(D+1)]


def weighted(kernel: Kernel, strength: Tensor | None, i: Tensor, j: Tensor) -> Kernel:
    """s_i s_j w(r_ij) for particles of strengths s (N,); the kernel as it is where s is None."""
    if strength is None:
        return kernel
    product = strength[i] * strength[j]
    return Kernel(product * kernel.w, product * kernel.dwdr)


class Volume(Protocol):
    """r -> w, dw/dr, with the weight w(0) a particle gives itself."""

    def __call__(self, radial: Radial) -> Kernel: ...

    def self_weight(self) -> Tensor | float: ...

    def roughness(self) -> Tensor | float: ...


def sphere(dimension: int) -> float:
    """Area of the unit sphere in D dimensions: 2 pi, 4 pi."""
    return 2.0 * math.pi ** (dimension / 2) / math.gamma(dimension / 2)


def taper_level(scales: Scales) -> float:
    """Logarithm of the factor that makes the integral of the cutoff factor over space one."""
    d = scales.dimension  # integral of (1 - x^2)^2 x^(D-1) over [0, 1]
    moment = 1.0 / d - 2.0 / (d + 2) + 1.0 / (d + 4)
    return -math.log(sphere(d) * scales.cutoff**d * moment)


class SplineVolume(nn.Module):
    """w(r) = exp(level + s(r)) (1 - r^2/h^2)^2 with s a cubic spline, and w(0) of its own.

    A shared w(0) trades against U and pulls the kernel at small r, where no pair is seen.
    Starts normalised to one, so that d_i starts near the number density.
    """

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.level = taper_level(scales)
        self.coefficients = nn.Parameter(torch.zeros(scales.intervals + 2))
        self.log_self = nn.Parameter(torch.tensor(0.0))

    def forward(self, radial: Radial) -> Kernel:
        factor, slope = splines.taper(radial.r, self.h)
        amplitude = torch.exp(self.coefficients @ radial.basis + self.level)
        ds = self.coefficients @ radial.slope
        return Kernel(amplitude * factor, amplitude * (ds * factor + slope))

    def self_weight(self) -> Tensor:
        return torch.exp(self.log_self + self.level)

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients)


class NetworkVolume(nn.Module):
    """w(r) = exp(level + MLP(r^2/h^2)) (1 - r^2/h^2)^2, w(0) of its own.

    The square in the input gives the kernel zero slope at contact.
    """

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.level = taper_level(scales)
        self.network = Perceptron(1, width, 1)
        self.log_self = nn.Parameter(torch.tensor(0.0))

    def forward(self, radial: Radial) -> Kernel:
        factor, slope = splines.taper(radial.r, self.h)
        x = radial.r[:, None] / self.h
        jet = self.network.jet(x * x, (0,))
        amplitude = torch.exp(jet.value[:, 0] + self.level)
        ds = jet.first[0][:, 0] * x[:, 0] * (2.0 / self.h)
        return Kernel(amplitude * factor, amplitude * (ds * factor + slope))

    def self_weight(self) -> Tensor:
        return torch.exp(self.log_self + self.level)

    def roughness(self) -> float:
        return 0.0


class PaperVolume(nn.Module):
    """The paper's kernel exp(MLP(r/h)) (1 - r^2/h^2)_+, the particle itself counted as r = 0."""

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.network = Perceptron(1, width, 1)

    def forward(self, radial: Radial) -> Kernel:
        x = radial.r / self.h
        factor = (1.0 - x * x).clamp(min=0.0)
        jet = self.network.jet(x[:, None], (0,))
        amplitude = torch.exp(jet.value[:, 0])
        ds = jet.first[0][:, 0] / self.h
        return Kernel(amplitude * factor, amplitude * (ds * factor - x * (2.0 / self.h)))

    def self_weight(self) -> Tensor:
        zero = self.network.input.weight.new_zeros((1, 1))
        return torch.exp(self.network(zero)[0, 0])

    def roughness(self) -> float:
        return 0.0


class LucyVolume(nn.Module):
    """Lucy's kernel w(r) = c (1 + 3x)(1 - x)^3, x = r/h, normalised to one (Lucy 1977)."""

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.h = scales.cutoff
        self.norm = lucy_norm(scales)

    def forward(self, radial: Radial) -> Kernel:
        x = radial.r / self.h
        u = (1.0 - x).clamp(min=0.0)
        u2 = u * u
        return Kernel(self.norm * (1.0 + 3.0 * x) * u2 * u, -12.0 * self.norm / self.h * x * u2)

    def self_weight(self) -> float:
        return self.norm

    def roughness(self) -> float:
        return 0.0


def lucy_norm(scales: Scales) -> float:
    """Factor c that normalises Lucy's kernel: 5 / (pi h^2) in 2D, 105 / (16 pi h^3) in 3D."""
    return {2: 5.0 / math.pi, 3: 105.0 / (16.0 * math.pi)}[
        scales.dimension
    ] / scales.cutoff**scales.dimension


KINDS = {
    "splines": SplineVolume,
    "network": NetworkVolume,
    "paper": PaperVolume,
    "lucy": LucyVolume,
}
