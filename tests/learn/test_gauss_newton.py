"""The Gauss-Newton matrix against reverse differentiation, and its steps on a quadratic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn.curvature import NewtonLearner, outputs, steered
from pipeline.learn.data import Transition
from pipeline.learn.gauss_newton import GaussNewton
from pipeline.learn.learner import SMOOTH
from pipeline.learn.likelihood import cholesky
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.split import Split
from tests.dynamics.systems import CUTOFF, LENGTH, simulated

SETTINGS = Training(
    split=Split(train=0.5, validation=0.2),
    precision="float64",
    optimizer="gauss_newton",
    heat_capacity=30.0,
)


@pytest.mark.parametrize("changes", [{}, {"strength": False, "bath": "uniform"}])
def test_the_matrix_is_that_of_reverse_differentiation(changes) -> None:
    window = simulated(30).trajectory
    settings = SETTINGS.replace(**changes)
    task = prepare(window, graphs.build(window, CUTOFF * LENGTH), settings, 0)
    learner = task.learner
    assert isinstance(learner, NewtonLearner)
    times = task.sample.times[len(task.sample.times) // 2 :][:1]
    item = Transition(task.snapshots.batch(times), task.snapshots.after(times))
    moved = list(steered(learner).values())
    with torch.no_grad():
        L = cholesky(learner.moments(item, 0)[0].vv)
    u = outputs(learner, item, L)
    weights = torch.zeros_like(u, requires_grad=True)
    back = torch.autograd.grad(u, moved, weights, create_graph=True, allow_unused=True)
    torch.manual_seed(0)
    way = [torch.randn_like(p) for p in moved]
    product = sum((g * x).sum() for g, x in zip(back, way, strict=True) if g is not None)
    (slope,) = torch.autograd.grad(product, weights)
    rough = []
    for step in (0.0, 1.0, -2.0):
        with torch.no_grad():
            for p, x in zip(moved, way, strict=True):
                p.add_(step * x)
            rough.append(float(learner.model.roughness()))
    v = torch.cat([x.flatten() for x in way])
    bend = SMOOTH * (rough[1] + rough[2] - 2 * rough[0])
    found = float(v @ learner.curvature @ v)
    assert found == pytest.approx(float(slope @ slope) + bend, rel=1e-6)


def test_a_quadratic_is_solved_in_a_few_whole_steps() -> None:
    torch.manual_seed(0)
    root = torch.randn(6, 6, dtype=torch.float64)
    H, aim = root @ root.T + torch.eye(6), 0.1 * torch.randn(6, dtype=torch.float64)
    x, other = (torch.nn.Parameter(torch.zeros(6, dtype=torch.float64)) for _ in range(2))
    groups = [{"params": [x], "lr": 1.0}, {"params": [other], "lr": 0.01}]
    optimizer = GaussNewton(groups, H, steps=30)
    for _ in range(30):
        optimizer.zero_grad()
        loss = 0.5 * (x - aim) @ H @ (x - aim) + other.sum()
        loss.backward()
        optimizer.step()
    assert x.detach() == pytest.approx(aim.numpy(), abs=1e-6)
    assert other.detach() == pytest.approx(-0.3, abs=1e-3)


def test_damped_steps_make_the_data_likelier_one_after_the_other() -> None:
    window = simulated(30).trajectory
    task = prepare(window, graphs.build(window, CUTOFF * LENGTH), SETTINGS, 0)
    learner = task.learner
    assert isinstance(learner, NewtonLearner)
    times = task.sample.times[::3]
    item = Transition(task.snapshots.batch(times), task.snapshots.after(times))
    moved = list(steered(learner).values())
    optimizer = GaussNewton([{"params": moved, "lr": 0.3}], learner.curvature, steps=12)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        terms = learner.terms(item)
        loss = sum(torch.as_tensor(x) for name, x in terms.items() if name != "entropy")
        assert isinstance(loss, torch.Tensor)
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
    fallen = losses[0] - losses[-1]
    assert fallen > 0.01
    assert np.diff(losses).max() < 0.02 * fallen
