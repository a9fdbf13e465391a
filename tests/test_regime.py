"""Steps of known motion: the regime, D and the error of the positions that covariances tell."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pipeline import regime
from pipeline.simulate.langevin import simulate
from pipeline.simulate.settings import BROWNIAN, DISCS
from pipeline.video.velocity import resolution

RATE = 0.2 / 25 / 0.12**2  # D of `brownian` [px^2/frame]


def measured(position, error=0.0, seed=0):
    noisy = position + error * np.random.default_rng(seed).standard_normal(position.shape)
    everybody = np.ones(position.shape[:2], bool)
    return regime.covariances(noisy, everybody, np.zeros(len(position), int))


@pytest.fixture(scope="module")
def brownian():
    return simulate(BROWNIAN.replace(frames=600, substeps=20), seed=1, progress=False).position


@pytest.fixture(scope="module")
def seen(brownian):
    """The particles of `brownian` that never cross a face of the box."""
    jump = np.abs(np.diff(brownian, axis=0)).max(axis=(0, 2))
    return brownian[:, jump < 100]


def test_the_push_of_neighbours_is_not_taken_for_error(seen):
    steps = measured(seen)
    naive = np.sqrt(-steps.value[1].mean())
    found = regime.fit_pushed_back(steps)
    assert naive > 0.13  # px; what successive steps alone say of exact positions
    assert (found.variance[:, 0] < 0.07**2).all()
    assert (found.variance[:, 1] == 0.0).all()


@pytest.mark.parametrize("error", [0.04 / 0.12, 0.08 / 0.12])
def test_error_and_diffusion_are_told_apart(seen, error):
    found = regime.fit_pushed_back(measured(seen, error))
    np.testing.assert_allclose(np.sqrt(found.variance[:, 0]), error, rtol=0.1)
    assert (found.variance[:, 1] <= error**2).all()
    assert (found.variance[:, 2] >= error**2).all()
    D, low, high = found.diffusion
    assert pytest.approx(RATE, rel=0.06) == D
    assert low < RATE < high


def test_diffusion_of_exact_positions_within_two_percent(seen):
    D, low, high = regime.fit_pushed_back(measured(seen)).diffusion
    assert pytest.approx(RATE, rel=0.02) == D
    assert low < RATE < high
    assert (high - low) < 0.05 * D


def test_regimes(seen):
    rng = np.random.default_rng(0)
    discs = simulate(DISCS.replace(frames=300), seed=1, progress=False).position
    rest = 50 * rng.random((1, 200, 2)) + rng.normal(0, 0.1, (300, 200, 2))
    for position, name in ((seen, "overdamped"), (discs, "inertial"), (rest, "unknown")):
        told = regime.classified(measured(position))
        assert told.name == name, told.why
    # The answer is about the motion, whatever the error of the positions.
    assert regime.classified(measured(seen, 0.8)).name == "overdamped"
    assert regime.classified(measured(discs, 1.0)).name == "inertial"


def test_a_velocity_that_lives_for_a_frame_lies_between():
    rng = np.random.default_rng(1)
    fine, decay = 20, np.exp(-1 / (0.85 * 20))
    v = np.zeros((300, 2))
    steps = np.zeros((200, 300, 2))
    for t in range(200 * fine):
        v = decay * v + np.sqrt(1 - decay**2) * rng.standard_normal(v.shape)
        steps[t // fine] += v / fine
    told = regime.classified(measured(500 * rng.random((1, 300, 2)) + np.cumsum(steps, axis=0)))
    assert told.name == "unknown"
    assert "between the regimes" in told.why


def test_a_flow_is_no_memory():
    rng = np.random.default_rng(2)
    r = 100 * rng.random((1, 300, 2))
    walk = r + np.cumsum(rng.normal(0, 0.3, (150, 300, 2)), axis=0)
    shear = 0.01 * (walk[..., 1] - 50)  # much faster at the edges than a random step
    walk[..., 0] += np.cumsum(shear, axis=0)
    told = regime.classified(measured(walk))
    assert told.name == "overdamped"
    D, low, high = regime.fit_pushed_back(measured(walk)).diffusion
    assert low < 0.045 < high
    assert pytest.approx(0.045, rel=0.03) == D


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(40):
        walk = np.cumsum(rng.normal(0, 0.3, (100, 60, 2)), axis=0) + 80 * rng.random((1, 60, 2))
        walk += rng.normal(0, 0.1, walk.shape)
        _, low, high = regime.fit_pushed_back(measured(walk)).diffusion
        inside += low <= 0.045 <= high
    assert inside >= 35


def averaged(walk, share):
    """Positions that a shutter blurs which is open for a share of the frame interval."""
    count = max(round(20 * share), 1)
    return np.stack([walk[k : len(walk) - 20 + k : 20] for k in range(count)]).mean(axis=0)


def errors_named(position):
    everybody = np.ones(position.shape[:2], bool)
    found = resolution(position, everybody, np.zeros(len(position), np.int32))
    return found, " ".join(found.warnings)


def test_an_open_shutter_is_named_and_leaves_d_alone():
    rng = np.random.default_rng(4)
    fine = np.cumsum(rng.normal(0, 0.5 / np.sqrt(20), (20 * 201, 200, 2)), axis=0)
    start = 100 * rng.random((1, 200, 2))
    sharp, said = errors_named(start + averaged(fine, 0.05))
    assert "shutter" not in said
    blurred, said = errors_named(start + averaged(fine, 0.8))
    share = re.search(r"the shutter was open for at least (\d+) %", said)
    assert share
    assert float(share[1]) == pytest.approx(80, abs=8)
    assert blurred.motion.diffusion[0] == pytest.approx(0.125, rel=0.03)
    assert sharp.motion.diffusion[0] == pytest.approx(0.125, rel=0.03)


def averaged_frames(hold: float, error: float, frames: int = 400) -> np.ndarray:
    """Random steps of variance 1/4 as a codec shows them that keeps ``hold`` of the last frame."""
    rng = np.random.default_rng(6)
    walk = np.cumsum(rng.normal(0, 0.5, (frames, 300, 2)), axis=0)
    held = walk.copy()
    for t in range(1, frames):
        held[t] = hold * held[t - 1] + (1 - hold) * walk[t]
    return 100 * rng.random((1, 300, 2)) + held + rng.normal(0, error, held.shape)


def test_frames_that_a_codec_averages_are_named_and_d_is_the_sum_over_lags():
    found, said = errors_named(averaged_frames(0.3, 0.1, 200))
    assert "two frames apart are alike" in said
    assert found.motion.diffusion[0] == pytest.approx(0.125, rel=0.05)


def test_too_few_steps_are_said():
    with pytest.raises(ValueError, match="too few to tell how particles move"):
        measured(np.zeros((3, 10, 2)))


@pytest.mark.parametrize(("hold", "steps"), [(0.0, 1), (0.1, 1), (0.3, 2)])
def test_a_step_learned_from_is_as_long_as_averaging_asks_for(hold, steps):
    """Averaging takes <u^2> h (1 - h^k) / (1 - h^2) from half the variance of k steps."""
    track = averaged_frames(hold, 0.05)
    told = regime.motion(measured(track))
    C, D = told.regime.covariance, told.diffusion[0]
    assert pytest.approx(0.125, rel=0.04) == D
    for k in (1, 2, 5):
        taken = 0.25 * hold * (1 - hold**k) / (1 - hold**2)
        assert regime.beyond(C, 0.125, k) == pytest.approx(0.0025 - taken, abs=0.004 * k)
    assert regime.stride(C, D) == steps
    assert ("steps_alike" in told.attributes(1.0, 1.0)) == (hold > 0)
