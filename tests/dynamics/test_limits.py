"""A rollout that leaves what the model knows ends with a sentence."""

from __future__ import annotations

import numpy as np
import torch

from pipeline.dynamics.limits import Limits, leaves
from pipeline.dynamics.rollout import rollout
from tests.dynamics.systems import conditions, gas, lattice

T = 1e-3


def test_stops_with_a_sentence_and_keeps_what_it_has(tmp_path) -> None:
    narrow = Limits((-1.0, 1.0), (0.1, 3.0), (T / 2, 2 * T), speed=0.03, heat_capacity=20.0)
    hot = lattice(50)
    hot.velocity[:] *= 4.0
    done = rollout(hot, gas(), conditions(limits=narrow), 0, progress=False)
    assert "speed" in done.stopped
    assert done.stopped.startswith("Stopped after")
    count = len(done.trajectory.time)
    assert count < 50
    assert all(len(value) == count for value in done.observables.values())


def test_unstable_friction_is_refused() -> None:
    done = rollout(lattice(5), gas(friction=30.0), conditions(gate=None), 0, progress=False)
    assert "friction" in done.stopped


def test_equilibrium_of_a_small_heat_capacity_stays_within_its_limits() -> None:
    """Ten million particles of 15 k_B, drawn from exp(S - U / T): the coldest is no alarm."""
    C, seen = 15.0, (-1.0, 1.0)
    rng = np.random.default_rng(0)
    coldest = min(rng.gamma(C, size=1_000_000).min() / C for _ in range(10))
    S = C * np.log(coldest)
    assert S < -6 * C**0.5  # beyond six standard deviations
    limits = Limits(seen, (0.1, 3.0), (0.9, 1.1), speed=1.0, heat_capacity=C)
    one = torch.ones(1, dtype=torch.float64)

    def said(S: float) -> str:
        T = np.exp(S / C)
        return leaves(limits, S * one, one, T * one, torch.zeros(1, 2, dtype=torch.float64))

    assert said(S) == ""
    assert "entropy" in said(2 * S)
