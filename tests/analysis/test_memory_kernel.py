"""The memory kernel is that of motions whose memory is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from pipeline.analysis.memory_kernel import integrated_kernel, memory, successive


def embedded(gamma: float, coupling: float, rate: float, time: np.ndarray) -> np.ndarray:
    """C(t) / C(0) of dv = -gamma v + s, ds = -coupling v - rate s: K = 2 gamma delta + coupling
    exp(-rate t)."""
    drift = np.array([[-gamma, 1.0], [-coupling, -rate]])
    return np.array([expm(drift * t)[0, 0] for t in time])


def test_friction_that_acts_at_once_is_there_from_the_first_step():
    time = np.arange(200) * 0.01
    kernel = integrated_kernel(np.exp(-3.0 * time), 0.01)
    np.testing.assert_allclose(kernel, 3.0, rtol=1e-3)


@pytest.mark.parametrize(("gamma", "coupling", "rate"), [(0.5, 4.0, 2.0), (0.0, 1.0, 1.0)])
def test_a_mode_of_memory_grows_by_its_own_rate(gamma, coupling, rate):
    dt = 0.01
    kernel = integrated_kernel(embedded(gamma, coupling, rate, np.arange(300) * dt), dt)
    middle = (np.arange(299) + 0.5) * dt
    expected = gamma + coupling / rate * (1 - np.exp(-rate * middle))
    np.testing.assert_allclose(kernel, expected, atol=0.02)


def sums(curve: np.ndarray, units: int = 20, noise: float = 0.002):
    rng = np.random.default_rng(0)
    number = np.full((units, len(curve)), 1000.0)
    return number * (curve + noise * rng.normal(size=(units, len(curve)))), number


def test_the_share_that_comes_later_than_a_step_is_told_with_its_interval():
    time = np.arange(150) * 0.02
    slow = memory(*sums(embedded(0.5, 4.0, 2.0, time)), 0.02, step=5)
    at_once = memory(*sums(np.exp(-2.0 * time)), 0.02, step=5)
    assert slow is not None
    assert at_once is not None
    grown = 0.5 + 2.0 * (1 - np.exp(-2.0 * 0.1))
    end = 0.5 + 2.0 * (1 - np.exp(-2.0 * slow.time))
    expected = 1 - grown / end[len(end) // 2 :].mean()
    assert slow.late[0] == pytest.approx(expected, abs=0.05)
    assert slow.late[1] < expected < slow.late[2]
    assert at_once.late[1] < 0 < at_once.late[2]
    assert abs(at_once.late[0]) < 0.05


def test_a_velocity_that_is_forgotten_within_a_few_steps_tells_no_memory():
    assert memory(*sums(np.exp(-np.arange(20.0))), 1.0, step=2) is None


def test_only_successive_lags_count():
    assert successive(np.array([0, 1, 2, 3, 5, 8])) == 4
    assert successive(np.arange(7)) == 7
