"""What residuals remember is told apart: errors of positions, a force that lasts, the ground."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.learn.lasting import lasting, remembers
from pipeline.learn.order import Order
from pipeline.learn.residuals import Left
from pipeline.pairs import Pairs

N, STEPS, SIDE = 60, 250, 6.0


def made(
    sigma: float = 0.0,
    force: float = 0.0,
    tau: float = 4.0,
    ground: float = 0.0,
    gaps: bool = False,
):
    """Residuals of noise 0.5, an error of positions, a force with memory and one of the place."""
    rng = np.random.default_rng(1)
    rest = 0.5 * rng.normal(size=(STEPS, N, 2))
    error = sigma * rng.normal(size=(STEPS + 2, N, 2))
    rest += error[2:] - 2 * error[1:-1] + error[:-2]
    now, keep = rng.normal(size=(N, 2)), np.exp(-1 / tau)
    place = rng.uniform(0, SIDE, (N, 2)) + 0.2 * rng.normal(size=(STEPS, N, 2)).cumsum(axis=0)
    place %= SIDE
    for t in range(STEPS):
        now = keep * now + (1 - keep**2) ** 0.5 * rng.normal(size=(N, 2))
        rest[t] += force * now + ground * 2**0.5 * np.sin(2 * np.pi * place[t])
    empty = torch.zeros(0, dtype=torch.int64)
    pairs = Pairs(empty, empty, torch.zeros(0), torch.zeros(0, 2), None, N)
    rows, who = torch.ones(N, dtype=torch.bool), torch.arange(N)

    def left(t: int) -> Left:
        z = torch.from_numpy(rest[t])
        at = torch.from_numpy(place[t])
        return Left(
            z,
            4 * z,
            z,
            0 * z,
            torch.ones(N),
            torch.zeros(N),
            torch.zeros(0),
            pairs,
            rows,
            who,
            at,
            who,
        )

    times = np.arange(STEPS)
    # Four snapshots of eight: no two of them are four apart.
    times = times[times % 8 < 4] if gaps else times
    return lasting(left, times, Order(np.arange(STEPS))), (rest**2).mean()


def test_white_errors_are_no_force() -> None:
    found, size = made(sigma=0.3)
    assert found["sigma"][0] == pytest.approx(0.3, rel=0.05)
    assert found["error"][0] == pytest.approx(6 * 0.09 / size, rel=0.1)
    assert found["force"][0] < 0.05
    assert abs(found["place"][0]) < 0.03


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_a_force_that_lasts_is_found_beside_errors(sigma: float, gaps: bool) -> None:
    found, size = made(sigma=sigma, force=0.6, gaps=gaps)
    assert np.isnan(found["covariance"]).any() == gaps
    assert found["force"][0] == pytest.approx(0.36 / size, rel=0.15)
    assert found["time"][0] == pytest.approx(4.0 * np.log(2), rel=0.4)
    assert found["share"][0] == pytest.approx(0.36 / size / 16, rel=0.15)
    assert found["sigma"][0] == pytest.approx(sigma, abs=0.06)
    assert abs(found["place"][0]) < 0.05


def test_a_ground_with_structure_is_found_by_its_places() -> None:
    found, size = made(ground=0.6)
    assert 0.4 * 0.36 / size < found["place"][0] < 1.1 * 0.36 / size


@pytest.mark.parametrize(("value", "error", "asked"), [(0.2, 0.02, True), (0.2, 0.1, False)])
def test_it_is_asked_where_there_is_memory(value: float, error: float, asked: bool) -> None:
    assert remembers({"memory": np.array([value, error])}) is asked
    assert not remembers({"chi2": np.array([2.0, 0.1])})
