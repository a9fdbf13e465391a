"""External potentials: their gradients as autograd has them."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import external
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, leaves, shaken

PLACES = {
    "walls": {"axes": (0, 1), "reach": 0.8},
    "field": {"intervals": 4},
}


@pytest.mark.parametrize("kind", external.KINDS)
def test_gradient_of_an_external_potential(kind: str, scales: Scales) -> None:
    """Inside the box and out of it."""
    ends = ((0.0,) * scales.dimension, (2.0,) * scales.dimension)
    closure = shaken(external.KINDS[kind](scales, *ends, **PLACES[kind]))
    torch.manual_seed(4)
    (r,) = leaves(3.0 * torch.rand(200, scales.dimension) - 0.5)
    found = closure(r)
    assert found.phi.abs().max() > 0.1
    assert torch.allclose(derivative(found.phi, r), found.gradient, rtol=1e-10, atol=1e-12)
