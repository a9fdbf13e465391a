"""Small networks that return their derivatives: value and tangents pushed through the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu, softplus


class Jet(NamedTuple):
    """A function's value with derivatives along chosen inputs (truncated Taylor expansion)."""

    value: Tensor  # (B, n)
    first: tuple[Tensor, ...]  # each (B, n): derivative along one chosen input
    second: Tensor | None  # (B, n): second derivative along the first chosen input

    @property
    def curvature(self) -> Tensor:
        """Second derivative (B,) of a scalar function that was asked for it."""
        assert self.second is not None
        return self.second[:, 0]


Unit = Callable[[Tensor, bool], tuple[Tensor, Tensor, Tensor | None]]


def silu_unit(x: Tensor, second: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """SiLU, its first and, if wanted, its second derivative."""
    s = torch.sigmoid(x)
    y = x * s
    d = torch.addcmul(s, y, 1.0 - s)
    return y, d, s * (1.0 - s) * (2.0 + x - 2.0 * y) if second else None


def softplus_unit(x: Tensor, second: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """ln(1 + e^x), its first and, if wanted, its second derivative.

    The threshold beyond which torch calls it x is moved to where that is exact in float64.
    """
    s = torch.sigmoid(x)
    return softplus(x, threshold=40.0), s, s * (1.0 - s) if second else None


def activate(jet: Jet, unit: Unit) -> Jet:
    """Chain rule through an elementwise function f: f, f' x', f'' x'^2 + f' x''."""
    y, d, dd = unit(jet.value, jet.second is not None)
    second = None
    if dd is not None and jet.second is not None:
        second = dd * jet.first[0].square() + d * jet.second
    return Jet(y, tuple(d * x for x in jet.first), second)


def transform(jet: Jet, weight: Tensor, bias: Tensor) -> Jet:
    """Chain rule through a linear layer."""
    second = None if jet.second is None else linear(jet.second, weight)
    first = tuple(linear(x, weight) for x in jet.first)
    return Jet(linear(jet.value, weight, bias), first, second)


def enter(x: Tensor, weight: Tensor, bias: Tensor, along: tuple[int, ...], second: bool) -> Jet:
    """First linear layer: its derivative along input k is column k of the weights."""
    value = linear(x, weight, bias)
    first = tuple(weight[:, k].expand_as(value) for k in along)
    return Jet(value, first, torch.zeros_like(value) if second else None)


class Perceptron(nn.Module):
    """Two hidden layers of SiLU units: the paper's MLP (section 5.2, table 2)."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.input = nn.Linear(inputs, width)
        self.hidden = nn.Linear(width, width)
        self.output = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(silu(self.hidden(silu(self.input(x)))))

    def jet(self, x: Tensor, along: tuple[int, ...]) -> Jet:
        """Value (B, outputs) and first derivatives along the given inputs of x (B, inputs)."""
        jet = enter(x, self.input.weight, self.input.bias, along, second=False)
        jet = transform(activate(jet, silu_unit), self.hidden.weight, self.hidden.bias)
        return transform(activate(jet, silu_unit), self.output.weight, self.output.bias)


class Monotone(nn.Module):
    """Constrained monotonic network, convex in its inputs (paper, appendix D; Runje 2023).

    Softplus units; weights enter by their absolute value, in the first layer times the sign of
    the wanted monotonicity (+1, -1; 0 leaves them free). (The appendix's "softmax" is a misprint.)

    Args:
        signs: monotonicity of each input.
        width: hidden units per layer.
    """

    signs: Tensor

    def __init__(self, signs: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.input = nn.Linear(len(signs), width)
        self.hidden = nn.Linear(width, width)
        self.output = nn.Linear(width, 1)
        self.register_buffer("signs", torch.tensor(signs, dtype=torch.float32))

    def jet(self, x: Tensor, along: tuple[int, ...]) -> Jet:
        """Value (B, 1), first derivatives along inputs, second derivative along the first."""
        weight = self.input.weight
        weight = torch.where(self.signs == 0, weight, weight.abs() * self.signs)
        jet = enter(x, weight, self.input.bias, along, second=True)
        jet = activate(jet, softplus_unit)
        jet = transform(jet, self.hidden.weight.abs(), self.hidden.bias)
        jet = activate(jet, softplus_unit)
        return transform(jet, self.output.weight.abs(), self.output.bias)
