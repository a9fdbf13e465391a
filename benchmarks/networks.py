"""The paper's networks, plain: values only, derivatives are left to autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of SiLU units."""

    def __init__(self, inputs: int, width: int, outputs: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, outputs),
        )

    def forward(self, *x: Tensor) -> Tensor:
        return self.layers(torch.stack(x, -1))[..., 0]


class Kernel(nn.Module):
    """exp(MLP(x)) (1 - x^2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.MLP = MLP(1, width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(self.MLP(x)) * (1.0 - x * x).clamp(min=0.0)


class CMNN(nn.Module):
    """Constrained monotonic network with softplus units."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = ((2, width), (width, width), (width, 1))
        self.layers = nn.ModuleList(nn.Linear(*size) for size in sizes)
        self.register_buffer("t", torch.tensor([1.0, -1.0]))

    def forward(self, S: Tensor, V: Tensor) -> Tensor:
        x, sign = torch.stack((S, V), 1), self.t
        for layer in self.layers[:-1]:
            x = nn.functional.linear(x, layer.weight.abs() * sign, layer.bias)
            x, sign = nn.functional.softplus(x), 1.0
        last = self.layers[-1]
        return nn.functional.linear(x, last.weight.abs(), last.bias)[:, 0]
