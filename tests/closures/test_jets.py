"""Networks that carry their derivatives, against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pipeline.closures.jets import Monotone, Perceptron
from tests.closures.autograd import derivative, leaves, shaken


@pytest.mark.parametrize("network", [Perceptron(3, 12, 2), Monotone((1, -1, 0), 12)])
def test_jets(network: nn.Module) -> None:
    shaken(network)
    (x,) = leaves(torch.randn(20, 3))
    jet = network.jet(x, (0, 2))
    first = derivative(jet.value[:, 0], x, create_graph=True)
    for tangent, k in zip(jet.first, (0, 2), strict=True):
        assert torch.allclose(tangent[:, 0], first[:, k], rtol=1e-11, atol=1e-13)
    if jet.second is not None:
        second = derivative(first[:, 0], x)[:, 0]
        assert torch.allclose(jet.second[:, 0], second, rtol=1e-11, atol=1e-13)


def test_perceptron_value_is_that_of_its_jet() -> None:
    network = Perceptron(2, 8, 3).double()
    x = torch.randn(10, 2, dtype=torch.float64)
    assert torch.allclose(network(x), network.jet(x, (1,)).value, rtol=1e-13, atol=1e-14)
