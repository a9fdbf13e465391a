"""Means of the force over a frame, and the films in which they differ from that of a moment."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn import within_frame
from pipeline.learn.learned_curves import Samples, binned
from pipeline.learn.learner import Learner
from pipeline.learn.refinement import refine
from pipeline.learn.snapshots import Batch
from pipeline.learn.task import Task, prepare
from pipeline.pairs import Pairs
from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import Langevin
from tests.learn.test_refinement import LAW, SETTINGS


def spring(omega: float, phase: float) -> tuple[Batch, float]:
    """A particle on a spring, x = cos(omega t + phase), a frame before, at and after t = 0."""
    before, now, after = np.cos(phase + omega * np.array([-1.0, 0.0, 1.0]))
    r, v, v_next = (torch.tensor([[x]]) for x in (now, now - before, after - now))
    none = torch.zeros(0, dtype=torch.long)
    pairs = Pairs(none, none, torch.zeros(0).double(), torch.zeros(0, 1).double(), None, 1, 0.0)
    one = torch.ones(1, dtype=torch.bool)
    return Batch(r, v, v_next, pairs, none, one, none, none), now


@pytest.mark.parametrize("omega", [0.2, 0.4])
def test_means_of_velocities_change_by_force_and_bracket(omega: float) -> None:
    """To omega^4 / 240 of the force, where the force alone is off by omega^2 / 12."""
    now, x = spring(omega, 0.3)

    def pull(shift: torch.Tensor) -> torch.Tensor:
        return -(omega**2) * (now.r + shift)

    exact = float(now.change())
    left = exact - float(pull(torch.zeros_like(now.r)) + within_frame.bend(pull, now))
    assert left == pytest.approx(omega**6 * x / 240, rel=0.05)
    assert exact == pytest.approx(-(omega**2) * x * (1 - omega**2 / 12), rel=1e-3)


def made(law: Langevin) -> Task:
    window = simulate(law, 1, progress=False)
    present = window.present.copy()
    present[0] = False
    window = window._replace(present=present)
    return prepare(window, graphs.build(window), SETTINGS, 0)


def contact(task: Task, law: Langevin) -> float:
    """The force of the nearest twentieth of pairs over the true one, less one."""
    learner = task.learner
    assert isinstance(learner, Learner)
    with torch.no_grad():
        found = binned(Samples(learner.model, learner.latent, task.sample))[0]
    r, units = found["r"].numpy() * task.snapshots.units.length, task.snapshots.units
    true = force(law, r) * law.temperature / units.length
    weight = found["count"].numpy() * (r < 34)
    return float((weight * found["value"].numpy()).sum() / (weight * true).sum() - 1)


@pytest.mark.slow
def test_hot_discs_are_as_hard_as_they_are() -> None:
    """At five times the temperature the force of a step is 5 % too small at contact."""
    law = LAW.replace(temperature=5.0)
    task = made(law)
    assert isinstance(task.learner, Learner)
    assert task.learner.bends
    assert task.learner.conditions(task.sample, task.measured).substeps == within_frame.SUBSTEPS
    refine(task)
    assert contact(task, law) == pytest.approx(0.0, abs=0.025)
    task.learner.bends = False
    refine(task)
    assert contact(task, law) < -0.03


@pytest.mark.slow
def test_cold_and_large_films_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    task = made(LAW)
    assert isinstance(task.learner, Learner)
    assert not task.learner.bends
    hot = made(LAW.replace(temperature=5.0)).learner
    monkeypatch.setattr("pipeline.learn.learner.SMALL", 1000)
    assert isinstance(hot, Learner)
    assert not within_frame.matters(hot, task.sample)
