"""What tests of derivatives share: closures off their start, inputs, and slopes by autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def shaken(module: nn.Module) -> nn.Module:
    """Parameters off their start, in float64."""
    torch.manual_seed(0)
    module.double()
    for parameter in module.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return module.requires_grad_(False)


def leaves(*values: Tensor) -> list[Tensor]:
    return [x.double().clone().requires_grad_() for x in values]


def derivative(y: Tensor, x: Tensor, create_graph: bool = False) -> Tensor:
    (slope,) = torch.autograd.grad(
        y.sum(), x, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    return torch.zeros_like(x) if slope is None else slope


def distances(n: int = 200, h: float = 1.7) -> Tensor:
    torch.manual_seed(1)
    return h * torch.rand(n, dtype=torch.float64).clamp(1e-3, 1.0 - 1e-6)
