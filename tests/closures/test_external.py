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


@pytest.mark.parametrize("kind", external.KINDS)
def test_forces_and_roughness_by_coefficient(kind: str, scales: Scales) -> None:
    """The columns of the regression are the closure, which is linear in its coefficients."""
    ends = ((0.0,) * scales.dimension, (2.0,) * scales.dimension)
    closure = shaken(external.KINDS[kind](scales, *ends, **PLACES[kind]))
    torch.manual_seed(4)
    r = 3.0 * torch.rand(50, scales.dimension, dtype=torch.float64) - 0.5
    c = closure.coefficients.detach().flatten()
    assert torch.allclose(closure.forces(r) @ c, -closure(r).gradient, rtol=1e-10, atol=1e-12)
    assert float(c @ closure.bends() @ c) == pytest.approx(float(closure.roughness()), rel=1e-10)
