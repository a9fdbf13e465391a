"""Residuals of known noise pass; what remembers, what is shared and what is too large is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.learn.order import Order
from pipeline.learn.residuals import Left, measure
from pipeline.pairs import Pairs

N, STEPS = 200, 60


def steps(
    sigma: float = 0.0,
    memory: float = 0.0,
    flow: float = 0.0,
    size: float = 1.0,
    both: float = 0.0,
    echoed: float = 0.0,
    known: bool = True,
):
    """Residuals of unit variance: white, with localisation error, with a covariance ``both`` that
    two steps are known to share, with errors ``echoed`` by forces, simulated where that is
    ``known``, or wrong in one way."""
    rng = np.random.default_rng(0)
    kicks = size * rng.normal(size=(STEPS + 1, N, 2)) * (1 - 6 * sigma**2) ** 0.5
    now, before = ((1 + 2 * both) ** 0.5 + s * (1 - 2 * both) ** 0.5 for s in (1, -1))
    noise = 0.5 * (now * kicks[1:] + before * kicks[:-1])
    error = sigma * rng.normal(size=(STEPS + 2, N, 2))
    noise += error[2:] - 2 * error[1:-1] + error[:-2]
    first, second = echoed * rng.normal(size=(2, STEPS + 2, N, 2))
    first, second = (x[2:] - 1.6 * x[1:-1] + x[:-2] for x in (first, second))
    noise += first
    for t in range(1, STEPS):
        noise[t] += memory * noise[t - 1]
    noise += flow * rng.normal(size=(STEPS, 1, 2))
    i = torch.arange(N - 1)
    r = torch.ones(N - 1, dtype=torch.float64)
    pairs = Pairs(i, i + 1, r, torch.zeros(N - 1, 2, dtype=torch.float64), None, N)
    rows, one = torch.ones(N, dtype=torch.bool), torch.ones(N, dtype=torch.float64)

    def left(t: int) -> Left:
        z = torch.from_numpy(noise[t])
        place = torch.zeros(N, 2, dtype=torch.float64)
        who = torch.arange(N)
        later = (both - 4 * sigma**2) * one
        return Left(
            z,
            2 * z,
            z,
            known * torch.from_numpy(second[t]),
            one,
            later,
            0 * r,
            pairs,
            rows,
            who,
            place,
            who,
        )

    return measure(left, np.arange(STEPS - 1), Order(np.arange(STEPS)))


@pytest.mark.parametrize("sigma", [0.0, 0.2])
def test_noise_is_noise(sigma: float) -> None:
    found = steps(sigma)
    for name, expected in (("chi2", 1.0), ("memory", 0.0), ("neighbours", 0.0)):
        value, error = found[name]
        assert abs(value - expected) < 4 * error
        assert error < 0.03
    assert found["explained"][0] == pytest.approx(0.75)


def test_what_two_steps_are_known_to_share_is_no_memory() -> None:
    value, error = steps(both=0.25)["memory"]
    assert abs(value) < 4 * error


def test_what_errors_do_through_forces_is_no_memory() -> None:
    """Residuals and simulated echoes of the same law, e(t + 1) - 1.6 e(t) + e(t - 1)."""
    value, error = steps(echoed=0.2)["memory"]
    assert abs(value) < 4 * error
    assert steps(echoed=0.2, known=False)["memory"][0] < -10 * error


def test_each_fault_shows_where_it_belongs() -> None:
    assert steps(memory=0.3)["memory"][0] == pytest.approx(0.3, abs=0.05)
    assert steps(flow=0.5)["neighbours"][0] == pytest.approx(0.25, abs=0.1)
    assert steps(size=1.5)["chi2"][0] == pytest.approx(2.25, rel=0.1)


def test_correlations_are_of_the_variance_that_is_there() -> None:
    """Residuals three times as large as the noise of the model remember no more for that."""
    assert steps(size=3.0, memory=0.5)["memory"][0] == pytest.approx(0.5, abs=0.06)
