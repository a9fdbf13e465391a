"""The likelihood of one step against sampling, and its parts.

Scores against torch's own distributions, and the limits of what the pair term touches.

The midpoint likelihood on an Ornstein-Uhlenbeck process whose friction matrix is known.

Noise of heating over noise of conduction: how it scales, and what it may move.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import Tensor
from torch.distributions import MultivariateNormal

from pipeline import graphs
from pipeline.learn.likelihood import (
    Step,
    cholesky,
    equal_noise,
    expansion,
    judged,
    noise_ratio,
    pair_score,
    scores,
    velocity_scores,
)
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.pairs import Pairs, State, find
from pipeline.split import Split
from tests.dynamics.systems import CUTOFF, LENGTH, gas, lattice, simulated
from tests.metriplectic.cases import crowd, geometry, random_model


def random_step(n: int, dimension: int, T: float = 0.7) -> tuple[Step, torch.Tensor]:
    generator = torch.Generator().manual_seed(dimension)
    options = {"generator": generator, "dtype": torch.float64}
    root = torch.randn((n, dimension + 1, dimension + 1), **options)
    whole = root @ root.mT + 0.3 * torch.eye(dimension + 1, dtype=torch.float64)
    residual = torch.randn((n, dimension + 1), **options)
    D = dimension
    step = Step(
        residual[:, :D],
        residual[:, D],
        whole[:, :D, :D],
        whole[:, :D, D],
        whole[:, D, D],
        torch.full((n,), T, dtype=torch.float64),
    )
    return step, whole


@pytest.mark.parametrize("dimension", [2, 3])
def test_scores_are_the_joint_normal_law(dimension: int) -> None:
    step, whole = random_step(40, dimension)
    found = scores(step, heat=False)
    x = torch.cat([step.residual_v, step.residual_S[:, None]], 1)
    law = MultivariateNormal(torch.zeros_like(x), whole)
    constant = 0.5 * (dimension + 1) * math.log(2 * math.pi)
    assert torch.allclose(found.v + found.S, -law.log_prob(x) - constant)
    alone = MultivariateNormal(torch.zeros_like(step.residual_v), step.vv)
    constant = 0.5 * dimension * math.log(2 * math.pi)
    assert torch.allclose(found.v, -alone.log_prob(step.residual_v) - constant)


def test_scoring_heat_adds_the_logarithm_of_temperature() -> None:
    step, _ = random_step(10, 2)
    assert torch.allclose(scores(step, heat=True).S, scores(step, heat=False).S + math.log(0.7))


def test_cholesky_agrees_with_lapack() -> None:
    _, whole = random_step(20, 3)
    found = cholesky(whole)
    exact = torch.linalg.cholesky(whole)
    for a in range(4):
        for b in range(a + 1):
            assert torch.allclose(found[a][b], exact[:, a, b])


def pair_of(n: int) -> Pairs:
    i, j = torch.arange(0, n, 2), torch.arange(1, n, 2)
    e = torch.zeros((n // 2, 2), dtype=torch.float64)
    e[:, 0] = 1.0
    return Pairs(i, j, torch.ones(n // 2, dtype=torch.float64), e, None, n)


def test_pair_term_is_least_at_the_true_cross_covariance() -> None:
    """Residuals of two particles that share one pair's noise, cov(v_i, v_j) = -K."""
    n, generator = 40000, torch.Generator().manual_seed(0)
    own = torch.randn((n, 2), generator=generator, dtype=torch.float64)
    shared = torch.randn((n // 2, 2), generator=generator, dtype=torch.float64)
    shared = shared * torch.tensor([0.8, 0.5], dtype=torch.float64)
    residual = own.clone()
    residual[0::2] += shared
    residual[1::2] -= shared
    K = torch.diag(torch.tensor([0.64, 0.25], dtype=torch.float64))
    vv = (torch.eye(2, dtype=torch.float64) + K).expand(n, 2, 2)
    one = torch.ones(n, dtype=torch.float64)
    found = scores(Step(residual, one, vv, residual * 0, one, one))
    mask = torch.ones(n, dtype=torch.bool)
    values = [
        float(pair_score(found, pair_of(n), (s * K).expand(n // 2, 2, 2), mask))
        for s in (0.0, 0.5, 1.0, 1.5, 2.0)
    ]
    assert min(values) == values[2]


def test_pair_term_leaves_covariance_and_residual_alone() -> None:
    step, _ = random_step(10, 2)
    leaves = [x.clone().requires_grad_(True) for x in (step.residual_v, step.vv)]
    found = scores(step._replace(residual_v=leaves[0], vv=leaves[1]))
    K = torch.eye(2, dtype=torch.float64).expand(5, 2, 2).clone().requires_grad_(True)
    pair_score(found, pair_of(10), K, torch.ones(10, dtype=torch.bool)).backward()
    assert K.grad is not None
    assert leaves[0].grad is None
    assert leaves[1].grad is None


def test_heat_of_a_single_neighbour_stays_finite() -> None:
    """The heat is then a function of the velocity: nothing is left of its variance."""
    v = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    vv = torch.eye(2, dtype=torch.float64)[None]
    one = torch.ones(1, dtype=torch.float64)
    step = Step(v, one, vv, v, one, one)
    assert bool(torch.isfinite(scores(step).S).all())


SIDE, T = 4, 1e-3


def still(side: int = SIDE):
    window = lattice(1, side=side)._replace(position=lattice(1, side=side).position / LENGTH)
    box = window.box._replace(lengths=window.box.lengths / LENGTH)
    r = torch.from_numpy(window.position[0])
    return r, find(r, window._replace(box=box).space, CUTOFF)


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
    near, split = graphs.build(window, CUTOFF * LENGTH), Split(train=0.5, validation=0.2)
    task = prepare(window, near, Training(split=split, precision="float64"), 0)
    model, batch = task.learner.model, task.snapshots.batch(task.sample.times[:3])
    with torch.no_grad():
        model.friction.coefficients[0, 2] += 2.0
        equal_noise(model, batch)
        rest = State(batch.r, batch.v, torch.zeros_like(batch.v[:, 0]))
        assert float(noise_ratio(model.dynamics(rest, batch.pairs), 2)) == pytest.approx(
            1.0, rel=1e-6
        )


@pytest.mark.parametrize("centred", [False, True])
def test_models_are_judged_by_a_number_that_is_best_at_the_truth(centred: bool) -> None:
    """Free particles under friction whose positions have errors as large as their steps."""
    rng, n, friction, T, sigma = np.random.default_rng(3), 400_000, 0.2, 1.0, 0.7
    half = friction / 2 if centred else 0.0
    kept = (1 - half) / (1 + half) if centred else 1 - friction
    noise = 2 * friction * T
    v = rng.normal(size=(n, 2)) * (noise / (1 + half) ** 2 / (1 - kept**2)) ** 0.5
    after = kept * v + noise**0.5 / (1 + half) * rng.normal(size=(n, 2))

    def blurred(v: np.ndarray, after: np.ndarray) -> tuple[Tensor, Tensor]:
        e = sigma * rng.normal(size=(3, n, 2))
        return torch.from_numpy(v + e[1] - e[0]), torch.from_numpy(after + e[2] - e[1])

    seen = blurred(v, after)
    again = [x + y for x, y in zip(seen, blurred(0 * v, 0 * after), strict=True)]

    def values(x: float) -> tuple[float, float]:
        gamma = friction * np.exp(x)

        def residual(v: Tensor, after: Tensor) -> Tensor:
            return after - v + gamma * (0.5 * (v + after) if centred else v)

        R, S = residual(*seen), torch.full((n,), 2 * gamma * T, dtype=torch.float64)
        D = residual(*again) - R
        excess = D.square().mean()
        growth = torch.full_like(S, 2 * np.log1p(gamma / 2) if centred else 0.0)
        unit = torch.eye(2, dtype=torch.float64)
        vv = (S[:, None, None] + excess) * unit
        step = Step(R, S, vv, 0 * R, S, S, D, excess)
        plain = velocity_scores(R, vv, D, excess).value - growth * S / (S + excess)
        return float(judged(step, growth, 0.0, 6 * sigma**2).mean()), float(plain.mean())

    raised = np.linspace(-0.6, 0.6, 7)
    best, plain = np.array([values(x) for x in raised]).T
    assert raised[best.argmin()] == pytest.approx(0.0, abs=0.01), best
    assert raised[plain.argmin()] > 0.5, plain
