"""Drawn entropies, arranged: equilibrium given the volumes, and no heat at the start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.closures.energy import IdealGasEnergy
from pipeline.closures.splines import Scales
from pipeline.dynamics.arrange import arranged

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
