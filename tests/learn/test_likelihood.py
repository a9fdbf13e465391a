"""Scores against torch's own distributions, and the limits of what the pair term touches."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from pipeline.learn.gaussian import cholesky
from pipeline.learn.likelihood import Step, pair_score, scores
from pipeline.pairs import Pairs


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
