"""What closures say their derivatives are, against autograd of their values."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pipeline.closures import bath, energy, external, friction, pair_energy, splines, volume
from pipeline.closures.jets import Monotone, Perceptron
from pipeline.closures.splines import Scales

SCALES = {d: Scales(d, cutoff=1.7, temperature=1.3, volume=0.7, intervals=9) for d in (2, 3)}


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


@pytest.fixture(params=[2, 3], ids=["2D", "3D"])
def scales(request: pytest.FixtureRequest) -> Scales:
    return SCALES[request.param]


def test_spline_basis_slopes() -> None:
    (r,) = leaves(distances())
    basis = splines.radial(r, 1.7, 9)
    for value, slope in zip(basis.basis, basis.slope, strict=True):
        assert torch.allclose(derivative(value, r), slope, rtol=0.0, atol=1e-12)


def test_taper_slope() -> None:
    (r,) = leaves(distances())
    value, slope = splines.taper(r, 1.7)
    assert torch.allclose(derivative(value, r), slope, rtol=1e-12, atol=1e-14)


def test_line_basis() -> None:
    """Slopes are those of the values, which sum to one, and go on straight beyond the ends."""
    (x,) = leaves(3.0 * torch.rand(200, dtype=torch.float64) - 0.5)
    at = splines.line(x, 0.0, 2.0, 7)
    for value, slope in zip(at.basis, at.slope, strict=True):
        assert torch.allclose(derivative(value, x), slope, rtol=0.0, atol=1e-12)
    assert torch.allclose(at.basis.sum(0), torch.ones_like(x), rtol=0.0, atol=1e-12)
    ends = splines.line(torch.tensor([2.0, 2.5]), 0.0, 2.0, 7)
    straight = ends.basis[:, 0] + 0.5 * ends.slope[:, 0]
    assert torch.allclose(ends.basis[:, 1], straight, rtol=0.0, atol=1e-6)


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


@pytest.mark.parametrize("kind", pair_energy.KINDS)
def test_slope_of_a_pair_energy(kind: str, scales: Scales) -> None:
    closure = shaken(pair_energy.KINDS[kind](scales))
    (r,) = leaves(distances())
    found = closure(splines.radial(r, scales.cutoff, scales.intervals))
    assert torch.allclose(derivative(found.psi, r), found.dpsidr, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", bath.KINDS)
def test_contact_with_a_bath(kind: str, scales: Scales) -> None:
    """g^2 > 0, gamma at most 2 per step, and the slope of c^2."""
    closure = shaken(bath.KINDS[kind](scales))
    torch.manual_seed(5)
    V, T = leaves(0.1 + torch.rand(50), 0.3 + 2.0 * torch.rand(50))
    found = closure(V, T)
    assert (found.g2 > 0.0).all()
    assert (found.g2 <= 2.0 * closure.temperature()).all()
    assert torch.allclose(derivative(found.c2 + 0.0 * T, T), found.c2_in_T, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("kind", volume.KINDS)
def test_kernel_slope(kind: str, scales: Scales) -> None:
    closure = shaken(volume.KINDS[kind](scales))
    (r,) = leaves(distances())
    kernel = closure(splines.radial(r, scales.cutoff, scales.intervals))
    assert torch.allclose(derivative(kernel.w, r), kernel.dwdr, rtol=1e-10, atol=1e-12)
    assert (kernel.w > 0.0).all()
    assert float(closure.self_weight()) > 0.0


@pytest.mark.parametrize("kind", energy.KINDS)
def test_equation_of_state(kind: str, scales: Scales) -> None:
    """dU = T dS - P dV and dT/dS = U_SS; increasing in S, decreasing in V, jointly convex."""
    closure = shaken(energy.KINDS[kind](scales))
    torch.manual_seed(2)
    S, V = leaves(2.0 * torch.randn(100), 0.2 + 2.0 * torch.rand(100))
    state = closure(S, V)
    T = derivative(state.U, S, create_graph=True)
    P = -derivative(state.U, V, create_graph=True)
    U_SS, U_SV, U_VV = derivative(T, S), derivative(T, V), -derivative(P, V)
    assert torch.allclose(state.T, T, rtol=1e-10, atol=1e-12)
    assert torch.allclose(state.P, P, rtol=1e-10, atol=1e-12)
    assert torch.allclose(state.dTdS, U_SS, rtol=1e-10, atol=1e-12)
    assert (T > 0.0).all()
    assert (P > 0.0).all()
    assert (U_SS > 0.0).all()
    assert (U_SS * U_VV - U_SV.square() > -1e-12 * U_SS * U_VV).all()


@pytest.mark.parametrize("kind", [kind for kind in friction.KINDS if kind != "none"])
def test_amplitudes(kind: str, scales: Scales) -> None:
    """Temperature derivatives, positivity, and symmetry in i and j."""
    closure = shaken(friction.KINDS[kind](scales))
    torch.manual_seed(3)
    r = distances()
    T_i, T_j = leaves(0.3 + 2.0 * torch.rand(200), 0.3 + 2.0 * torch.rand(200))
    VV = 0.1 + torch.rand(200, dtype=torch.float64)
    basis = splines.radial(r, scales.cutoff, scales.intervals)
    f, swapped = closure(basis, T_i, T_j, VV), closure(basis, T_j, T_i, VV)
    for k, value in enumerate(f.value):
        assert (value > 0.0).all()
        assert torch.allclose(derivative(value, T_i), f.in_T_i[k], rtol=1e-10, atol=1e-13)
        assert torch.allclose(derivative(value, T_j), f.in_T_j[k], rtol=1e-10, atol=1e-13)
        assert torch.allclose(value, swapped.value[k], rtol=1e-12, atol=0.0)
        assert torch.allclose(f.in_T_i[k], swapped.in_T_j[k], rtol=1e-12, atol=1e-14)


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
