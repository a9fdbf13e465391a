"""Seen through the microscope: the noise of positions and of their differences is as stated."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.microscope import blur


def test_noise_on_positions_and_velocities_has_the_right_size(recording):
    still = np.full((200, 100, 2), 5.0)
    run = np.repeat([0, 1], 100).astype(np.int32)
    trajectory = recording(still, 10.0, dt=0.5, run=run, time=np.tile(0.5 * np.arange(100), 2))
    seen = blur(trajectory, 0.1, np.random.default_rng(0))
    np.testing.assert_allclose((seen.position - still).std(), 0.1, rtol=0.02)
    step = np.diff(seen.position, axis=0) / 0.5
    inside = trajectory.successive()
    np.testing.assert_allclose(seen.velocity[1:][inside], step[inside], atol=1e-12)
    # 2 sigma^2 / dt^2, at the first snapshot of a run too.
    np.testing.assert_allclose(seen.velocity.var(), 2 * 0.01 / 0.25, rtol=0.03)
    np.testing.assert_allclose(seen.velocity[[0, 100]].var(), 2 * 0.01 / 0.25, rtol=0.2)
    assert seen.attributes["localisation_error"] == 0.1


def test_no_noise_changes_no_tracked_trajectory(recording):
    generator = np.random.default_rng(1)
    position = (5 + np.cumsum(generator.standard_normal((20, 9, 2)), axis=0)) % 10.0
    trajectory = recording(position, 10.0, periodic=True)
    step = np.diff(position, axis=0)
    trajectory.velocity[1:] = step - 10.0 * np.round(step / 10.0)
    seen = blur(trajectory, 0.0, generator)
    np.testing.assert_array_equal(seen.position, position)
    np.testing.assert_allclose(seen.velocity, trajectory.velocity, atol=1e-12)


def test_driven_particles_are_left_alone_and_sigma_is_checked(recording):
    driven = np.zeros((5, 3), bool)
    driven[:, 0] = True
    trajectory = recording(np.ones((5, 3, 2)), 10.0, driven=driven)
    seen = blur(trajectory, 0.3, np.random.default_rng(0))
    np.testing.assert_array_equal(seen.position[:, 0], 1.0)
    np.testing.assert_array_equal(seen.velocity[:, 0], 0.0)
    with pytest.raises(ValueError, match="must not be negative"):
        blur(trajectory, -0.1, np.random.default_rng(0))
