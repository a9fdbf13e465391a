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
    "walls_field": {"axes": (0, 1), "reach": 0.8, "intervals": 4},
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
    c = torch.cat([part.detach().flatten() for part in closure.parameters()])
    assert torch.allclose(closure.forces(r) @ c, -closure(r).gradient, rtol=1e-10, atol=1e-12)
    bends = torch.block_diag(*closure.bends())
    assert float(c @ bends @ c) == pytest.approx(float(closure.roughness()), rel=1e-10)
    other = external.KINDS[kind](scales, *ends, **PLACES[kind]).double()
    other.take(c)
    assert torch.equal(other(r).phi, closure(r).phi)


def test_walls_and_a_field_are_their_sum(scales: Scales) -> None:
    ends = ((0.0,) * scales.dimension, (2.0,) * scales.dimension)
    both = shaken(external.WallsField(scales, *ends, **PLACES["walls_field"]))
    torch.manual_seed(4)
    r = 3.0 * torch.rand(50, scales.dimension, dtype=torch.float64) - 0.5
    parts = zip(both.walls(r), both.field(r), strict=True)
    for found, (walls, field) in zip(both(r), parts, strict=True):
        assert torch.equal(found, walls + field)
        assert field.abs().max() > 0
        assert walls.abs().max() > 0
