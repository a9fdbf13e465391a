"""The memory kernel is that of motions whose memory is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from pipeline.analysis.memory_kernel import Memory, integrated_kernel, memory, remembered


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


EVERY = np.arange(150)
SOME = np.array([0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 18, 23, 30, 38, 50, 65, 84, 109, 149])


@pytest.mark.parametrize("lag", [EVERY, SOME], ids=["every", "some"])
def test_the_share_that_comes_later_than_a_step_is_told_with_its_interval(lag):
    time = lag * 0.02
    slow = memory(*sums(embedded(0.5, 4.0, 2.0, time)), lag, step=5)
    at_once = memory(*sums(np.exp(-2.0 * time)), lag, step=5)
    assert slow is not None
    assert at_once is not None
    grown = 0.5 + 2.0 * (1 - np.exp(-2.0 * 0.1))
    end = 0.5 + 2.0 * (1 - np.exp(-2.0 * slow.time * 0.02))
    last = end[len(end) // 2 :].mean()
    expected = 1 - grown / last
    assert slow.late[0] == pytest.approx(expected, abs=0.05)
    assert slow.late[1] < expected < slow.late[2]
    assert slow.end[0] == pytest.approx(0.02 * last, rel=0.02)
    assert slow.end[1] < slow.end[0] < slow.end[2]
    assert at_once.late[1] < 0 < at_once.late[2]
    assert abs(at_once.late[0]) < 0.05


def test_a_velocity_that_is_forgotten_within_a_few_steps_tells_no_memory():
    assert memory(*sums(np.exp(-np.arange(20.0))), np.arange(20), step=2) is None


@pytest.mark.parametrize("step", [5, 20, 80])
def test_impulses_of_steps_remember_the_overlap_of_a_force_that_lasts(step):
    """Of an Ornstein-Uhlenbeck force: tau (1 - e)^2 / 2 (W - tau (1 - e)), e = exp(-W / tau)."""
    tau, time = 10.0, np.arange(150) + 0.5
    grown = 1 - np.exp(-time / tau)
    one = Memory(time, grown, grown, grown, (0.0,) * 3, (1.0, 1.0, 1.0))
    ended = 1 - np.exp(-step / tau)
    expected = tau * ended**2 / (2 * (step - tau * ended))
    assert remembered(one, step) == pytest.approx(expected, rel=0.01)
    white = one._replace(value=np.ones(150))
    assert remembered(white, step) == pytest.approx(0.0, abs=1e-12)
