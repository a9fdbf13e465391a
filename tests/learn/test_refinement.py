"""Whole steps end where the training block is likeliest, from wherever they begin."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn import refinement
from pipeline.learn.learned_curves import Samples, binned
from pipeline.learn.learner import Learner
from pipeline.learn.refinement import refine
from pipeline.learn.settings import Training
from pipeline.learn.task import Task, prepare
from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import DISCS
from pipeline.split import Split

# 40 discs in a medium, in a periodic box.
LAW = DISCS.replace(
    walls=0.0, temperature=1.0, friction=0.02, cutoff=85.0, frames=160, preparation=100
)
SETTINGS = Training(
    strength=False,
    split=Split(train=0.75, validation=0.1),
    bath="uniform",
    external="none",
    pair_energy="none",
    pair_friction=False,
    validation_snapshots=20,
)


@pytest.fixture(scope="module")
def started() -> Task:
    """From the regression alone."""
    window = simulate(LAW, 3, progress=False)
    present = window.present.copy()
    present[0] = False
    window = window._replace(present=present)
    return prepare(window, graphs.build(window), SETTINGS, 0)


def curve(task: Task) -> np.ndarray:
    """The learned pair force over the true one at distances seen often, to the first neighbours."""
    learner = task.learner
    assert isinstance(learner, Learner)
    with torch.no_grad():
        found = binned(Samples(learner.model, learner.latent, task.sample))[0]
    often = (found["count"] >= 100) & (found["r"] < 1.0)
    r, units = found["r"][often].numpy(), task.snapshots.units
    true = force(LAW, r * units.length) * LAW.temperature / units.length
    return found["value"][often].numpy() / true


def moved(task: Task, seed: int) -> Task:
    """With every coefficient of the kernel somewhere near."""
    found = copy.deepcopy(task)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        kernel = found.learner.model.volume.coefficients
        kernel.add_(0.1 * torch.randn(kernel.shape, generator=generator))
    return found


@pytest.mark.slow
def test_the_force_is_the_same_from_two_starts_and_true(started: Task) -> None:
    one, other = moved(started, 0), moved(started, 1)
    apart = curve(one) - curve(other)
    assert refine(one)
    assert refine(other)
    assert np.abs(apart).max() > 0.05
    assert np.abs(curve(one) - curve(other)).max() < 0.02
    assert curve(one) == pytest.approx(1.0, abs=0.12)


def test_steps_that_validation_contradicts_are_taken_back(
    started: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = moved(started, 2)
    monkeypatch.setattr(refinement, "STEPS", 2)
    before, scores = copy.deepcopy(task.learner.model.state_dict()), iter((0.0, 1.0))
    monkeypatch.setattr(
        refinement, "scored", lambda task: np.full(len(task.validation), next(scores))
    )
    assert not refine(task)
    for name, value in task.learner.model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_large_film_is_left_as_it_was_trained(
    started: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = moved(started, 2)
    monkeypatch.setattr("pipeline.learn.learner.SMALL", 1000)
    assert not refine(task)
