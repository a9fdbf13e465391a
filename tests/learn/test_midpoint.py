"""The midpoint likelihood on an Ornstein-Uhlenbeck process whose friction matrix is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from pipeline.graphs import space_of
from pipeline.learn.gaussian import velocity_scores
from pipeline.learn.midpoint import expansion
from pipeline.pairs import State, find
from tests.dynamics.systems import CUTOFF, LENGTH, gas, lattice

SIDE, T = 4, 1e-3


def still(side: int = SIDE):
    window = lattice(1, side=side)._replace(position=lattice(1, side=side).position / LENGTH)
    box = window.box._replace(lengths=window.box.lengths / LENGTH)
    r = torch.from_numpy(window.position[0])
    return r, find(r, space_of(window._replace(box=box)), CUTOFF)


def drift(model, r, pairs, v):
    S = torch.zeros(len(r), dtype=torch.float64)
    return model.dynamics(State(r, v, S), pairs)


def matrix(model, r, pairs) -> np.ndarray:
    """Gamma of dv = (F - Gamma v) dt, column by column."""
    n = r.numel()
    rest = drift(model, r, pairs, torch.zeros_like(r)).drift.dv
    unit = torch.eye(n, dtype=torch.float64).reshape(n, *r.shape)
    columns = [rest - drift(model, r, pairs, e).drift.dv for e in unit]
    return torch.stack([c.flatten() for c in columns], 1).numpy()


def score(friction: float, steps, centred: bool) -> float:
    model, (r, pairs) = gas(T, friction), still()
    total = 0.0
    for v, after in steps:
        at = 0.5 * (v + after) if centred else v
        now = drift(model, r, pairs, at)
        found = velocity_scores(after - v - now.drift.dv, model.covariance(now).vv, None, 0.0)
        value = found.value - expansion(now) if centred else found.value
        total += float(value.mean())
    return total / len(steps)


def test_the_jacobian_is_that_of_the_friction_matrix():
    """But for k_B div M, 1 / (2 C) of friction with C = 20, and the square of what is shared."""
    r, pairs = still()
    for friction, off in ((0.001, 0.04), (0.1, 0.1)):
        model = gas(T, friction)
        found = expansion(drift(model, r, pairs, torch.zeros_like(r))).sum()
        whole = np.linalg.slogdet(np.eye(r.numel()) + 0.5 * matrix(model, r, pairs))[1]
        assert float(found) == pytest.approx(whole, rel=off)


def test_friction_of_a_long_step_is_found_at_its_size():
    """The explicit step misses it by the size of the step, the midpoint by its square."""
    r, pairs = still()
    truth = 0.1
    model = gas(T, truth)
    gamma = matrix(model, r, pairs)
    assert 0.3 < np.diag(gamma).mean() < 0.8
    rest = drift(model, r, pairs, torch.zeros_like(r))
    decay, heat = expm(-gamma), float(rest.thermo.T.mean())
    noise = np.linalg.cholesky(
        heat * (np.eye(len(gamma)) - decay @ decay.T) + 1e-15 * np.eye(len(gamma))
    )
    push = np.linalg.lstsq(
        gamma, (np.eye(len(gamma)) - decay) @ rest.drift.dv.numpy().ravel(), rcond=None
    )[0]
    rng, steps = np.random.default_rng(0), []
    for _ in range(60):
        v = heat**0.5 * rng.normal(size=len(gamma))
        after = decay @ v + push + noise @ rng.normal(size=len(gamma))
        steps.append(tuple(torch.from_numpy(x.reshape(r.shape)) for x in (v, after)))
    grid = truth * np.linspace(0.5, 1.3, 6)
    best = {}
    for centred in (False, True):
        values = [score(f, steps, centred) for f in grid]
        a, b, _ = np.polyfit(grid, values, 2)
        best[centred] = -b / (2 * a) / truth
    assert best[True] == pytest.approx(1.0, abs=0.1)
    assert best[False] < 0.8, best
