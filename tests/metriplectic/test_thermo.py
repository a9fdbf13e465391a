"""Heat and entropy at constant volume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy
from pipeline.closures.splines import Scales
from pipeline.metriplectic.thermo import heat_of, warmed

SCALES = Scales(dimension=2, cutoff=1.7, temperature=0.3, volume=1.0)


def test_heat_changes_the_energy_of_an_ideal_gas_by_itself() -> None:
    """Also where it is nearly all that there is to half of the temperature."""
    gas = IdealGasEnergy(SCALES, atoms=4.0)
    S = torch.linspace(-3.0, 3.0, 50, dtype=torch.float64)
    before = gas(S, torch.ones_like(S))
    for share in (-0.5, -0.2, 1e-9, 0.0, 0.3, 2.0):
        q = share * before.U
        after = gas(S + warmed(q, before.T, before.dTdS), torch.ones_like(S))
        assert (after.U - before.U).numpy() == pytest.approx(q.numpy(), rel=1e-7, abs=1e-15)


def test_the_error_of_a_learned_energy_is_of_third_order_and_smaller_than_the_series() -> None:
    energy = ExponentialEnergy(SCALES, heat_capacity=15.0).double()
    S = torch.zeros(1, dtype=torch.float64)
    V = torch.ones_like(S)
    before = energy(S, V)

    def left(dS: torch.Tensor, q: torch.Tensor) -> float:
        return float((energy(S + dS, V).U - before.U - q).detach())

    errors, series = [], []
    for x in (0.5, 1.0):
        q, C = x * before.T, before.T / before.dTdS
        errors.append(left(warmed(q, before.T, before.dTdS), q))
        series.append(left(x - x * x / (2 * C), q))
    assert errors[1] / errors[0] == pytest.approx(8.0, rel=0.15)
    assert abs(errors[1]) < 0.2 * abs(series[1])


def test_heat_of_an_entropy_is_the_inverse() -> None:
    T = torch.full((7,), 0.3, dtype=torch.float64)
    dTdS = T * torch.tensor([0.0, 1e-9, 0.01, 0.1, 0.5, 1.0, 1.0])
    q = torch.tensor([1.0, 1.0, -0.2, 0.4, -0.2, -0.1, 0.0], dtype=torch.float64)
    assert heat_of(warmed(q, T, dTdS), T, dTdS).numpy() == pytest.approx(q.numpy(), rel=1e-9)


def test_more_heat_than_there_is_leaves_a_temperature() -> None:
    T = torch.ones(100, dtype=torch.float64)
    q = torch.linspace(-5.0, 0.0, 100, dtype=torch.float64)
    dS = warmed(q, T, T).numpy()
    assert np.isfinite(dS).all()
    assert (np.diff(dS) > 0).all()
