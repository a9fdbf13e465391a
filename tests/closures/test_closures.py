"""What closures must contain: normalised kernels, the ideal gas, pair potentials, viscosity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from torch import Tensor

from pipeline.closures import energy, splines, teacher, volume
from pipeline.closures.friction import RevengaFriction
from pipeline.closures.splines import Scales
from pipeline.pairs import find
from pipeline.space import free


def radial(r: Tensor, scales: Scales) -> splines.Radial:
    return splines.radial(r, scales.cutoff, scales.intervals)


def test_basis_is_scipys_folded_at_zero() -> None:
    h, n = 1.7, 8
    r = torch.linspace(1e-3, h - 1e-3, 50, dtype=torch.float64)
    knots = h / n * np.arange(-4, n + 5)
    expected = np.array(
        [
            BSpline.basis_element(knots[k : k + 5], extrapolate=False)(r.numpy())
            for k in range(n + 4)
        ]
    )
    expected = np.nan_to_num(expected)[1:]  # centred on knots -1 .. n + 1
    folded = expected[1:].copy()
    folded[1] += expected[0]
    assert np.allclose(splines.radial(r, h, n).basis.numpy(), folded, rtol=0.0, atol=1e-13)


def test_splines_of_constants_are_constant_and_flat_at_zero() -> None:
    basis = splines.radial(torch.tensor([0.0, 0.4, 1.7]).double(), 1.7, 8)
    one, coefficients = torch.ones(10).double(), torch.randn(10).double()
    assert torch.allclose(one @ basis.basis, torch.ones(3).double())
    assert abs((coefficients @ basis.slope)[0]) < 1e-14


def test_straight_lines_are_not_rough() -> None:
    assert splines.roughness(torch.full((3, 12), 2.0)) == 0.0
    bent = torch.zeros(12)
    bent[5] = 1.0
    assert splines.roughness(bent) == 6.0  # 1 + 4 + 1


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("kind", ["splines", "lucy"])
def test_kernels_start_normalised(kind: str, dimension: int) -> None:
    scales = Scales(dimension, 1.7, intervals=10)
    r = torch.linspace(0.0, 1.7, 20001).double()
    kernel = volume.KINDS[kind](scales).double()(radial(r, scales))
    shell = 2 * math.pi * r if dimension == 2 else 4 * math.pi * r * r
    assert torch.trapezoid(kernel.w * shell, r).item() == pytest.approx(1.0, rel=1e-6)


def test_one_exponential_is_the_ideal_gas() -> None:
    scales = Scales(3, 1.0, temperature=1.7, volume=0.4)
    gas = energy.IdealGasEnergy(scales, atoms=10.0)
    model = energy.ExponentialEnergy(scales, thermal=1, cold=0, heat_capacity=15.0).double()
    S, V = torch.randn(50).double(), 0.1 + torch.rand(50).double()
    for x, y in zip(model(S, V), gas(S, V), strict=True):
        assert torch.allclose(x, y, rtol=1e-6)
    state = gas(S, V)
    assert torch.allclose(state.P * V, 10.0 * state.T)  # P V = N_p k_B T
    assert torch.allclose(state.T / state.dTdS, torch.full_like(S, 15.0))


def test_heat_capacity_of_exponentials_is_bounded() -> None:
    model = energy.ExponentialEnergy(Scales(2, 1.0), thermal=3, cold=2).double()
    alpha, _ = model.exponents()
    S, V = torch.linspace(-60, 60, 200).double(), torch.ones(200).double()
    state = model(S, V)
    C = state.T / state.dTdS
    assert C.max() <= 1.0 / alpha[:3].min() * (1 + 1e-12)
    assert C.min() >= 1.0 / alpha[:3].max() * (1 - 1e-12)


def test_energy_starts_at_the_temperature_scale() -> None:
    for kind in ("exponentials", "network"):
        closure = energy.KINDS[kind](Scales(2, 1.0, temperature=3e-4, volume=0.8))
        T = closure(torch.zeros(1), torch.full((1,), 0.8)).T
        assert float(T.detach()) == pytest.approx(3e-4, rel=1e-5)


def test_energy_without_heat_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 thermal term"):
        energy.ExponentialEnergy(Scales(2, 1.0), thermal=0)


def ball(dimension: int, h: float) -> tuple[Tensor, Tensor, Tensor]:
    """r (Q,), e (Q, D) and weights that integrate over a ball, exact for our polynomials."""
    x, w = (torch.from_numpy(y) for y in np.polynomial.legendre.leggauss(12))
    if dimension == 2:
        angle = torch.arange(8).double() * math.pi / 4
        e = torch.stack((angle.cos(), angle.sin()), 1)
    else:  # vertices of the icosahedron, a 5-design
        g = (1 + 5**0.5) / 2
        edge = torch.cartesian_prod(*torch.tensor([[-1.0, 1.0], [-g, g]], dtype=torch.float64))
        corner = torch.cat((torch.zeros(4, 1).double(), edge), 1)
        e = torch.cat([corner.roll(k, 1) for k in range(3)]) / (1 + g * g) ** 0.5
    r = 0.5 * h * (x + 1)
    shell = 0.5 * h * w * r ** (dimension - 1) * volume.sphere(dimension) / len(e)
    return r.repeat_interleave(len(e)), e.repeat(len(r), 1), shell.repeat_interleave(len(e))


@pytest.mark.parametrize(("dimension", "zeta"), [(2, 0.05), (3, 0.1), (3, 0.0)])
def test_revenga_friction_is_a_newtonian_fluid(dimension: int, zeta: float) -> None:
    """Sums over neighbours become eta lap v + (zeta + (1 - 2/D) eta) grad div v, kappa lap T.

    In quadratic fields v_a = H_abc r_b r_c / 2 and T = 1 + small K_bc r_b r_c / 2, density one.
    """
    eta, kappa, D = 0.1, 0.3, dimension
    scales = Scales(D, cutoff=1.3)
    closure = RevengaFriction(scales, eta=eta, zeta=zeta, kappa=kappa).double()
    r, e, weight = ball(D, scales.cutoff)
    one = torch.ones_like(r)
    A = closure(radial(r, scales), one, one, one).value
    torch.manual_seed(0)
    H, K = torch.randn(D, D, D).double(), torch.randn(D, D).double()
    H, K = H + H.transpose(1, 2), K + K.T
    r_j = r[:, None] * e
    v_ij = -0.5 * torch.einsum("abc,pb,pc->pa", H, r_j, r_j)
    lateral = A.a2 / 2
    along = (lateral + (A.b2 - A.a2) / D) * (e * v_ij).sum(1)
    force = -((lateral[:, None] * v_ij + along[:, None] * e) * weight[:, None]).sum(0)
    expected = eta * torch.einsum("abb->a", H)
    expected = expected + (zeta + (1 - 2 / D) * eta) * torch.einsum("bab->a", H)
    assert torch.allclose(force, expected, rtol=1e-10)
    T_j = 0.5 * torch.einsum("bc,pb,pc->p", K, r_j, r_j)  # 1/T_i - 1/T_j to first order
    assert torch.allclose((A.c2 * T_j * weight).sum(), kappa * K.trace(), rtol=1e-10)


def test_revenga_friction_refuses_too_much_bulk_viscosity() -> None:
    with pytest.raises(ValueError, match="zeta must not exceed"):
        RevengaFriction(Scales(3, 1.0), eta=0.1, zeta=0.2)


@pytest.mark.parametrize("kind", teacher.KINDS)
def test_teacher_gives_a_lonely_particle_zero(kind: str) -> None:
    scales = Scales(2, 1.0, intervals=8)
    closure = teacher.KINDS[kind](scales)
    for parameter in closure.parameters():
        parameter.data.normal_()
    pairs = find(torch.tensor([[0.0, 0.0], [0.5, 0.0], [9.0, 9.0]]), free(2), 1.0)
    v = torch.randn(3, 2)
    S = closure(pairs, radial(pairs.r, scales), pairs.difference(v))
    assert S.shape == (3,)
    assert S[2] == 0.0
