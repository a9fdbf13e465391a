"""Equations of state: the ideal gas among them, their derivatives as autograd has them."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import (
    energy,
)
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, leaves, shaken


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
