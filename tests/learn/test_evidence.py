"""Smoothness by evidence: the prior that numbers were drawn from, and the maximum of a fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.closures import splines
from pipeline.learn.evidence import RIDGE, Part, fit

COUNT = 60


def linear(bends: torch.Tensor) -> Part:
    unit = torch.eye(len(bends), dtype=torch.float64)
    return Part(torch.zeros(len(bends), dtype=torch.float64), bends, lambda x: (x, unit))


@pytest.mark.parametrize("smoothness", [5.0, 50.0, 500.0])
def test_the_prior_of_the_numbers_is_found(smoothness: float) -> None:
    """Walks whose second differences have the variance 1 / lambda, seen with noise."""
    rng = np.random.default_rng(1)
    bends, information, found = splines.bends(COUNT), 400.0, []
    for _ in range(10):
        second = rng.normal(size=COUNT - 2) / smoothness**0.5
        x = np.concatenate([[0.0, 0.0], np.cumsum(np.cumsum(second))])
        x = x - np.polyval(np.polyfit(np.arange(COUNT), x, 1), np.arange(COUNT))
        seen = torch.from_numpy(x + rng.normal(size=COUNT) / information**0.5)
        A = information * torch.eye(COUNT, dtype=torch.float64)
        found.append(fit(A, A @ seen, [linear(bends)]).smoothness[0])
    # Of so few differences each is known to a quarter; noise hides some of them.
    assert np.exp(np.mean(np.log(found))) == pytest.approx(smoothness, rel=0.35)


def test_a_curved_fit_ends_where_no_step_improves_it() -> None:
    """exp(x) seen with noise, the negative log-posterior brought to its minimum by autodiff."""
    rng = np.random.default_rng(2)
    x = 3 * np.sin(np.arange(COUNT) / 9)
    A = 50.0 * torch.eye(COUNT, dtype=torch.float64)
    q = A @ torch.from_numpy(np.exp(x) + rng.normal(size=COUNT) / 50**0.5)
    bends, start = splines.bends(COUNT), torch.zeros(COUNT, dtype=torch.float64)
    found = fit(A, q, [Part(start, bends, lambda x: (x.exp(), torch.diag(x.exp())))])
    at, (smoothness,) = found.values[0].requires_grad_(), found.smoothness

    def loss() -> torch.Tensor:
        prior = smoothness * (at @ bends @ at) + RIDGE * at @ at
        return at.exp() @ (0.5 * A @ at.exp() - q) + 0.5 * prior

    (gradient,) = torch.autograd.grad(loss(), at)
    assert gradient.abs().max() < 1e-3
    assert found.theta.log().sub(torch.from_numpy(x)).abs().mean() < 0.3
