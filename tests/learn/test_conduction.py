"""Noise of heating over noise of conduction: how it scales, and what it may move."""

from __future__ import annotations

import pytest
import torch

from pipeline import graphs
from pipeline.learn.conduction import equal_noise, noise_ratio
from pipeline.learn.task import prepare
from pipeline.pairs import State
from tests.dynamics.systems import CUTOFF, LENGTH, simulated
from tests.metriplectic.cases import crowd, geometry, random_model


def test_the_ratio_scales_with_either_noise() -> None:
    """Scaling friction scales it, scaling conduction divides it; alone the latter is moved."""
    model = random_model("splines", 2).requires_grad_(True)
    state, pairs = crowd(geometry("periodic", 2))
    before = noise_ratio(model.dynamics(state, pairs), 2)
    (gradient,) = torch.autograd.grad(before, model.friction.coefficients)
    assert not gradient[:, :2].any()
    assert gradient[:, 2].abs().max() > 0
    with torch.no_grad():
        model.friction.coefficients[0, :2] += 1.0
        model.friction.coefficients[0, 2] -= 0.5
        after = noise_ratio(model.dynamics(state, pairs), 2)
    assert float(torch.log(after / before.detach())) == pytest.approx(1.5)


def test_a_training_starts_from_equal_noise() -> None:
    window = simulated(20).trajectory
    near = graphs.build(window, CUTOFF * LENGTH)
    task = prepare(window, near, {"train": 0.5, "validation": 0.2, "precision": "float64"}, 0)
    model, batch = task.learner.model, task.snapshots.batch(task.train[:3])
    with torch.no_grad():
        model.friction.coefficients[0, 2] += 2.0
        equal_noise(model, batch)
        rest = State(batch.r, batch.v, torch.zeros_like(batch.v[:, 0]))
        assert float(noise_ratio(model.dynamics(rest, batch.pairs), 2)) == pytest.approx(
            1.0, rel=1e-6
        )
