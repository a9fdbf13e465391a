"""Localisation error of resolved and of unresolved motion, against what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.simulate.monolayer import simulate
from pipeline.simulate.settings import COLLOIDS
from pipeline.video.velocity import resolution

T, N, SIGMA = 200, 300, 0.1
RUN, ALL = np.zeros(T, np.int32), np.ones((T, N), bool)


def test_the_error_of_diffusing_particles_is_not_over_read():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.3, (T, N, 2)), axis=0)
    found = resolution(walk + rng.normal(0, SIGMA, walk.shape), ALL, RUN)
    assert found.motion.fit is not None
    np.testing.assert_allclose(found.sigma, SIGMA, rtol=0.1)
    assert found.motion.regime.name == "overdamped"
    assert found.motion.diffusion[0] == pytest.approx(0.045, rel=0.05)


def test_particles_at_rest_show_nothing_but_their_error():
    rng = np.random.default_rng(0)
    found = resolution(rng.normal(0, SIGMA, (T, N, 2)), ALL, RUN)
    assert found.motion.fit is not None
    np.testing.assert_allclose(found.sigma, SIGMA, rtol=0.05)


def test_smooth_motion_is_resolved():
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, (1, N, 2))
    path = np.sin(0.2 * np.arange(T)[:, None, None] + phase)
    found = resolution(path + rng.normal(0, SIGMA, path.shape), ALL, RUN)
    assert found.motion.fit is None
    np.testing.assert_allclose(found.sigma, SIGMA, rtol=0.05)


def test_tracks_too_short_to_tell_are_not_called_unresolved():
    few = np.ones((3, 10), bool)
    found = resolution(np.zeros((3, 10, 2)), few, np.zeros(3, np.int32))
    assert np.isnan(found.sigma).all()
    assert found.warnings


def test_flight_is_resolved():
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 500, (1, N, 2))  # not from one place, which would be a flow
    path = start + 0.5 * rng.normal(size=(1, N, 2)) * np.arange(T)[:, None, None]
    noisy = path + rng.normal(0, SIGMA, path.shape)
    assert resolution(noisy, ALL, RUN).motion.regime.name == "inertial"


def test_a_few_wild_tracks_are_pointed_out():
    """Steps of whole spacings on a wall hide the slow motion of all the others."""
    rng = np.random.default_rng(0)
    path = np.cumsum(rng.normal(0, 0.1, (T, N, 2)), axis=0)
    assert not any("one track in twenty" in said for said in resolution(path, ALL, RUN).warnings)
    path[:, :10] += np.cumsum(rng.choice([-1.0, 0.0, 1.0], (T, 10, 2)), axis=0)
    said = [text for text in resolution(path, ALL, RUN).warnings if "one track in twenty" in text]
    assert len(said) == 1
    assert "video.crop" in said[0]


@pytest.mark.slow
@pytest.mark.parametrize("error", [0.03, 0.1, 0.2])
def test_the_error_of_the_sheared_monolayer_is_found_at_any_size(sheared, error):
    noisy = sheared + np.random.default_rng(0).normal(0, error, sheared.shape)
    everybody = np.ones(noisy.shape[:2], bool)
    found = resolution(noisy, everybody, np.zeros(len(noisy), np.int32))
    assert found.motion.regime.name == "inertial"
    np.testing.assert_allclose(found.sigma, error, rtol=0.05)


@pytest.fixture(scope="module")
def sheared():
    small = COLLOIDS.replace(width=20.0, height=24.0, view=(150, 150), frames=300, preparation=0)
    record = simulate(small, seed=1, progress=False)
    return record.position[:, ~record.driven[0]]
