"""Neighbourhood closures: what a particle weighs in volumes depends on who is around it.

One round of messages between neighbours. Each particle gathers densities of several reaches,

    rho_i^k = sum_j u_k(r_ij),

and its weight a_i = a(rho_i) enters the kernel of eq. 5 as a strength: a_i a_j w(r_ij). So the
energy of a particle depends on its neighbours' neighbours, as in the embedded-atom method with
densities that know of each other. Weights depend on positions alone: the volumes keep every bracket
and law of the paper, and what acts along r_ij is a force of the pair, equal and opposite.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.jets import Perceptron
from pipeline.closures.splines import Radial, Scales
from pipeline.closures.volume import taper_level

TILT = 2.0  # e-folds between middle and ends of the reaches' kernels at the start


class Messages(NamedTuple):
    """What P pairs tell each other, K numbers each, and the derivatives in the distance."""

    u: Tensor  # (P, K) [1/length^D]
    dudr: Tensor  # (P, K)


class Weight(NamedTuple):
    """Weights of N particles."""

    a: Tensor  # (N,) > 0
    slope: Tensor  # (N, K) d ln a / d rho [length^D]


class Closure(Protocol):
    """r -> u, du/dr; and rho -> a, d ln a / d rho."""

    def __call__(self, radial: Radial) -> Messages: ...

    def weight(self, rho: Tensor) -> Weight: ...

    def roughness(self) -> Tensor | float: ...


class MessagePassing(nn.Module):
    """ln a = limit tanh(MLP(V0 rho) / limit), u_k(r) = exp(s_k(r)) (1 - r^2/h^2)^2.

    Starts with a = 1 for everybody, so as a model without it, and with kernels u_k from near to
    far. The limit keeps a rollout that meets an unseen neighbourhood from running away.

    Args:
        scales: h, V0.
        messages: K, how many numbers neighbours tell each other.
        width: hidden units per layer.
        limit: greatest |ln a|.
    """

    V0: Tensor

    def __init__(
        self, scales: Scales, messages: int = 3, width: int = 16, limit: float = 1.0
    ) -> None:
        super().__init__()
        self.h, self.limit = scales.cutoff, limit
        knots = torch.linspace(-1.0, 1.0, scales.intervals + 2)
        tilts = TILT * torch.linspace(-1.0, 1.0, messages) if messages > 1 else torch.zeros(1)
        self.coefficients = nn.Parameter(taper_level(scales) + tilts[:, None] * knots)
        self.network = Perceptron(messages, width, 1)
        nn.init.zeros_(self.network.output.weight)
        nn.init.zeros_(self.network.output.bias)
        self.register_buffer("V0", torch.tensor(scales.volume))

    def forward(self, radial: Radial) -> Messages:
        factor, slope = splines.taper(radial.r, self.h)
        level = torch.exp(self.coefficients @ radial.basis)
        ds = self.coefficients @ radial.slope
        return Messages((level * factor).T, (level * (ds * factor + slope)).T)

    def weight(self, rho: Tensor) -> Weight:
        K = rho.shape[1]
        jet = self.network.jet(self.V0 * rho, tuple(range(K)))
        bent = torch.tanh(jet.value / self.limit)
        slope = self.V0 * (1.0 - bent.square()) * torch.cat(jet.first, 1)
        return Weight(torch.exp(self.limit * bent[:, 0]), slope)

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients)


KINDS = {"messages": MessagePassing}
