"""DPD: momentum, temperature, covariance, and parameters found again in its own data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.baselines import build
from pipeline.baselines.dpd import DPD
from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.dynamics.steppers import Plain
from pipeline.learn.settings import Training
from pipeline.learn.train import train
from pipeline.learn.trained_model import load
from pipeline.pairs import State, find
from pipeline.space import periodic
from pipeline.split import Split
from pipeline.units import ReducedUnits
from tests.dynamics.systems import CUTOFF, LENGTH, SIDE, TIME, lattice

TRUE = {"kind": "dpd", "cutoff": CUTOFF, "alpha": 0.05, "sigma": 0.0245, "temperature": 1e-3}


def simulated(frames: int, substeps: int = 1, seed: int = 0) -> Rollout:
    """Frames of DPD in equilibrium."""
    plain = Plain(ReducedUnits(LENGTH, TIME), substeps=substeps)
    first = rollout(lattice(60), build(TRUE), plain, seed, progress=False).trajectory
    window = lattice(frames)
    window.position[:], window.velocity[:] = first.position[-1], first.velocity[-1]
    return rollout(window, build(TRUE), plain, seed + 1, progress=False)


def test_momentum_is_kept_and_the_temperature_is_that_put_in() -> None:
    seen = simulated(250, substeps=4).observables
    assert np.abs(seen["momentum"] - seen["momentum"][0]).max() < 1e-13
    assert seen["temperature"].mean() == pytest.approx(TRUE["temperature"], rel=0.05)
    assert "energy" not in seen


def test_covariance_is_that_of_the_noise() -> None:
    model: DPD = build(TRUE).double()
    r = torch.from_numpy(lattice(1).position[0] / LENGTH)
    pairs = find(r, periodic((float(SIDE), float(SIDE))), CUTOFF)
    motion = model.dynamics(State(r, torch.zeros_like(r), r[:, 0] * 0), pairs)
    draws = torch.randn(
        (4000, len(pairs.r)), generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    dv = torch.stack([model.fluctuation(motion, x) for x in draws])
    sampled = torch.einsum("kia,kib->iab", dv, dv) / len(dv)
    exact = model.covariance(motion)
    assert float((sampled - exact).norm() / exact.norm()) < 0.04


def test_friction_follows_from_noise_and_temperature() -> None:
    model: DPD = build(TRUE).double()
    r = torch.tensor([[0.0, 0.0], [0.9, 0.0]], dtype=torch.float64)
    pairs = find(r, periodic((float(SIDE), float(SIDE))), CUTOFF)
    v = torch.tensor([[0.1, 0.3], [0.0, 0.0]], dtype=torch.float64)
    dv = [model.dynamics(State(r, x, r[:, 0] * 0), pairs).dv for x in (v, 0 * v)]
    gamma = TRUE["sigma"] ** 2 / (2 * TRUE["temperature"])
    expected = torch.tensor([-gamma * 0.5**2 * 0.1, 0.0], dtype=torch.float64)
    assert torch.allclose(dv[0][0] - dv[1][0], expected, rtol=1e-6)
    assert torch.allclose(dv[1][0], torch.tensor([-0.025, 0.0], dtype=torch.float64), rtol=1e-6)


@pytest.mark.slow
def test_parameters_are_found_again(tmp_path) -> None:
    data = simulated(700).trajectory
    settings = Training(
        model="dpd",
        split=Split(train=0.9, validation=0.05),
        steps=150,
        batch=30,
        learning_rate=0.05,
        rollout_steps=3,
    )
    train(data, graphs.build(data, CUTOFF * LENGTH), settings, tmp_path, seed=0)
    learned = load(tmp_path)
    found = learned.model
    a, cutoff = learned.record["units"]["length"] / LENGTH, learned.model.cutoff
    assert cutoff * a == pytest.approx(CUTOFF)
    assert float(found.alpha) * a == pytest.approx(TRUE["alpha"], rel=0.05)
    assert float(found.sigma) * a == pytest.approx(TRUE["sigma"], rel=0.05)
    assert float(found.k_B_T) * a * a == pytest.approx(TRUE["temperature"], rel=0.05)
    assert learned.record["parameters"] == 4
