"""The error of the positions, put on motion whose own differences are known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.localisation import design, localisation_error, of_particles
from pipeline.simulate import langevin, monolayer
from pipeline.simulate.settings import COLLOIDS, DISCS
from pipeline.trajectory import Box, Trajectory
from tests.video.test_velocity import ALL, RUN, N, T, oscillators


def everywhere(position: np.ndarray):
    """Of positions (T, M, D) seen in every frame of one run."""
    present = np.ones(position.shape[:2], bool)
    return localisation_error(position, present, np.zeros(len(position), int))


@pytest.mark.parametrize("sigma", [(0.03, 0.03), (0.1, 0.05)])
def test_error_of_resolved_motion(sigma):
    rng = np.random.default_rng(0)
    found = everywhere(oscillators(rng) + rng.normal(0, sigma, (T, N, 2)))
    np.testing.assert_allclose(found.sigma, sigma, rtol=0.02)
    assert found.warnings == []


def test_intervals_hold_the_error_nineteen_times_of_twenty():
    moving = [oscillators(np.random.default_rng(seed))[:200] for seed in range(3)]
    held = []
    for seed in range(30):
        error = np.random.default_rng(100 + seed).normal(0, 0.05, (200, N, 2))
        found = everywhere(moving[seed % 3] + error)
        held += list((found.interval[:, 0] <= 0.05) & (found.interval[:, 1] >= 0.05))
        assert (np.diff(found.interval, axis=1) < 0.02).all()
    assert 0.85 <= np.mean(held) <= 1.0


def test_positions_without_error_have_none():
    found = everywhere(oscillators(np.random.default_rng(0)))
    assert (found.interval[:, 0] == 0).all()
    assert (found.sigma < 0.003).all()


@pytest.fixture(scope="module")
def colloids():
    """(100, N, 2) px, without walls."""
    small = {"width": 14.0, "height": 12.0, "frames": 100, "preparation": 0, "view": (64, 64)}
    record = monolayer.simulate(COLLOIDS.replace(**small), progress=False)
    return record.position[:, ~record.driven[0]]


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1, 0.2])
def test_error_of_colloids_that_are_kicked_all_the_time(colloids, sigma):
    """Fourth differences alone find 13 % too much at 0.01 px, and 2.5 at 0.03."""
    found = everywhere(colloids + np.random.default_rng(1).normal(0, sigma, colloids.shape))
    np.testing.assert_allclose(found.sigma, sigma, rtol=0.04)
    assert ((found.interval[:, 0] < sigma) & (found.interval[:, 1] > sigma)).all()


@pytest.fixture(scope="module")
def discs():
    return langevin.simulate(DISCS.replace(frames=400), progress=False).position


@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_error_of_discs_whose_forces_change_within_a_frame(discs, sigma):
    """Fourth differences of the true positions are as large as those of an error of 0.044 px."""
    found = everywhere(discs + np.random.default_rng(1).normal(0, sigma, discs.shape))
    np.testing.assert_allclose(found.sigma, sigma, rtol=0.15)
    assert ((found.interval[:, 0] < sigma) & (found.interval[:, 1] > sigma)).all()
    assert found.order > 4


def test_the_design_is_the_mean_of_differences_of_known_motion():
    """Steps that are sums of white kicks, each seen in two frames by the average over them."""
    rng, orders = np.random.default_rng(0), np.arange(4, 11, 2)
    fine = 40
    velocity = np.cumsum(rng.normal(0, fine**-0.5, (200_000, fine)).ravel())
    position = np.cumsum(velocity)[::fine] / fine
    seen = [np.mean(np.diff(position, n=n) ** 2) for n in orders]
    errors = rng.normal(0, 1, 200_000)
    of_errors = [np.mean(np.diff(errors, n=n) ** 2) for n in orders]
    scale = np.array([70, 924, 12870, 184756])
    np.testing.assert_allclose(seen / scale, design(orders, 1)[:, 1], rtol=0.02)
    np.testing.assert_allclose(of_errors / scale, design(orders, 1)[:, 0], rtol=0.02)


def test_short_tracks_leave_the_order_low():
    rng = np.random.default_rng(0)
    noisy = oscillators(rng, omega=1.0)[:6] + rng.normal(0, 0.05, (6, N, 2))
    found = localisation_error(noisy, ALL[:6], RUN[:6])
    assert found.order == 4
    assert np.isfinite(found.sigma).all()
    assert np.isnan(found.interval).all()
    assert found.method.startswith("fourth differences")


def test_a_few_mistaken_particles_change_little_but_many_are_reported():
    rng = np.random.default_rng(0)
    noisy = oscillators(rng) + rng.normal(0, 0.05, (T, N, 2))
    few = noisy.copy()
    few[100:, 0] += 5.0
    found = localisation_error(few, ALL, RUN)
    np.testing.assert_allclose(found.sigma, 0.05, rtol=0.03)
    assert found.warnings == []
    many = noisy.copy()
    many[::40] += 5.0
    assert "jump six times farther" in localisation_error(many, ALL, RUN).warnings[0]


def test_absent_snapshots_do_not_count():
    rng = np.random.default_rng(0)
    noisy = rng.normal(0, 0.05, (T, N, 2))
    present = rng.random((T, N)) > 0.1
    noisy[~present] = 1e3
    found = localisation_error(noisy, present, RUN)
    np.testing.assert_allclose(found.sigma, 0.05, rtol=0.03)
    assert found.windows < present.sum()


def test_too_short_to_measure():
    found = everywhere(np.zeros((4, 50, 2)))
    assert np.isnan(found.sigma).all()
    assert "too few" in found.warnings[0]


def film(position: np.ndarray, error: float) -> Trajectory:
    """Positions (T, M, D) [px] as the trajectory of one run, off by ``error`` px."""
    T, M, D = position.shape
    flags = np.ones((T, M), bool)
    known = {"dataset": "film", "length_unit": "px", "time_unit": "frame", "dt": 1.0}
    known |= {"localisation_error": error}
    return Trajectory(
        position, np.zeros_like(position), flags, ~flags, np.arange(T, dtype=float),
        np.zeros(T, np.int32), np.arange(M), np.full(M, -1, np.int32),
        Box(np.full(D, 500.0), (False,) * D, np.zeros(D)), known, {},
    )  # fmt: skip


def test_particles_that_are_found_worse_than_others_are_told():
    rng = np.random.default_rng(0)
    sigma = np.where(np.arange(N) < N // 2, 0.08, 0.12)
    noisy = oscillators(rng) + sigma[:, None] * rng.normal(size=(T, N, 2))
    found = of_particles(film(noisy, 0.1), slice(0, T))
    true = sigma**2 / np.mean(sigma**2)
    for half in (slice(0, N // 2), slice(N // 2, N)):
        assert found[half].mean() == pytest.approx(true[half].mean(), rel=0.05)
        assert found[half].std() < 0.15


def test_equal_particles_are_left_equal():
    rng = np.random.default_rng(0)
    found = of_particles(film(oscillators(rng) + rng.normal(0, 0.1, (T, N, 2)), 0.1), slice(0, T))
    np.testing.assert_allclose(found, 1.0, atol=0.05)


def test_motion_that_differs_is_no_error_that_differs():
    """Of particles whose differences are motion for the most part nothing is told."""
    fast = oscillators(np.random.default_rng(0), omega=1.0)
    fast[:, : N // 2] *= 0.1
    found = of_particles(film(fast, 0.001), slice(0, T))
    np.testing.assert_array_equal(found, 1.0)


def test_particles_that_stand_still_have_no_error():
    found = everywhere(np.zeros((50, 20, 2)) + np.arange(20)[:, None])
    assert (found.sigma == 0).all()


def test_who_is_not_looked_at_is_taken_for_the_mean():
    rng = np.random.default_rng(0)
    noisy = oscillators(rng) + rng.normal(0, 0.1, (T, N, 2))
    noisy[:, 0] += rng.normal(0, 0.3, (T, 2))
    seen = film(noisy, 0.1)
    seen.present[:100, 0] = False
    assert of_particles(seen, slice(0, 100))[0] == 1.0
    assert of_particles(seen, slice(0, T))[0] > 5
