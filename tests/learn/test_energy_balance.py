"""What a medium feeds into a closed sample is what its energy rises by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.learn.energy_balance import Course, balance, course
from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Snapshots
from tests.dynamics.systems import CUTOFF, LENGTH, conditions, lattice
from tests.dynamics.test_bath import bathed

NOISE = 0.002  # variance over T0 that the medium's noise gives to a velocity in a step
# Forces that hardly depend on entropies, which nobody sees.
COLD = {"kind": "exponentials", "heat_capacity": 1000.0, "expansion": 1e-3, "stiffness": 5.0}


@pytest.mark.parametrize("feed", [-0.004, 0.004])
def test_what_is_fed_is_found(feed: float) -> None:
    model = bathed({"kind": "active"}, energy=COLD, friction={"kind": "none"})
    T0 = float(model.bath.T0)
    model.bath.start(feed + 0.5 * NOISE, NOISE * T0)
    window = rollout(lattice(160), model, conditions(substeps=2), 0, progress=False).trajectory
    snapshots = Snapshots(window, graphs.build(window, CUTOFF * LENGTH), dtype=torch.float64)
    latent = Latent(window.particle, np.ones(len(window.particle), bool)).double()
    seen = course(model.double(), latent, snapshots)
    found = balance(seen)
    assert found is not None
    # gamma less the noise's gift at the temperature there is
    taken = feed + 0.5 * NOISE * (1 - T0 * len(window.particle) / seen.kinetic.mean())
    assert found.low < taken < found.high
    assert found.high - found.low < 0.01


def test_few_snapshots_say_nothing() -> None:
    few = np.arange(99.0)
    assert balance(Course(few, few, few)) is None
