"""Drawn entropies, arranged: equilibrium given the volumes, and no heat at the start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy
from pipeline.closures.splines import Scales
from pipeline.dynamics.initial_entropy import arranged, tempered

T0, V0 = 1.3, 0.7


def test_temperatures_become_independent_of_volumes() -> None:
    """In the ideal gas T_i is gamma distributed whatever the volume of the particle."""
    rng = np.random.default_rng(0)
    law = IdealGasEnergy(Scales(3, 1.0, T0, V0, 20))
    V = torch.from_numpy(V0 * np.exp(0.3 * rng.normal(size=4000)))
    T = torch.from_numpy(rng.gamma(law.C, T0 / law.C, size=4000))
    true = law.C * (torch.log(T / T0) + law.beta * torch.log(V / V0))
    shuffled = true[torch.from_numpy(rng.permutation(4000))]
    found = arranged(law, torch.zeros_like(V), shuffled, V, T0, rng)
    assert torch.equal(found.sort().values, true.sort().values)

    def coupling(S: torch.Tensor) -> float:
        return float(np.corrcoef(law(S, V).T.log(), V.log())[0, 1])

    assert coupling(shuffled) < -0.5
    assert abs(coupling(found)) < 0.06
    assert float(law(found, V).U.sum()) == pytest.approx(float(law(true, V).U.sum()), rel=5e-3)


@pytest.mark.parametrize("kind", [IdealGasEnergy, ExponentialEnergy])
@pytest.mark.parametrize("share", [0.5, 0.9, 3.0])
def test_another_sample_begins_at_its_own_temperature(kind, share: float) -> None:
    """All entropies move by the same number, so that their law keeps its shape."""
    rng = np.random.default_rng(0)
    law = kind(Scales(3, 1.0, T0, V0, 20)).double().requires_grad_(False)
    S, V = (torch.from_numpy(x) for x in (rng.normal(size=500), V0 * rng.uniform(0.5, 2, 500)))
    found = tempered(law, S, V, share * T0)
    assert float(law(found, V).T.mean()) == pytest.approx(share * T0, rel=1e-8)
    assert float((found - S).std()) < 1e-12


def test_a_temperature_out_of_reach_is_refused() -> None:
    class Saturated(IdealGasEnergy):
        def forward(self, S, V):
            return super().forward(S, V)._replace(T=torch.full_like(S, T0))

    law, S = Saturated(Scales(3, 1.0, T0, V0, 20)), torch.zeros(5, dtype=torch.float64)
    with pytest.raises(ValueError, match="no state of mean temperature"):
        tempered(law, S, S + V0, 2 * T0)
