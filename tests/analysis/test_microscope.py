"""Seen through the microscope: the noise of positions and of their differences is as stated."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.microscope import blur, view


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


def simulated(recording):
    """A truth in px and frames in a box of 40 px closed along x, of which 20 px are in view."""
    generator = np.random.default_rng(4)
    start = np.stack(np.meshgrid(np.arange(20) * 2.0, np.arange(10) * 2.0), axis=-1).reshape(-1, 2)
    path = start + np.cumsum(0.02 * generator.standard_normal((30, 200, 2)), axis=0) - [35.0, 0.0]
    truth = recording(path, [40.0, 40.0])
    box = truth.box._replace(periodic=(True, False), origin=np.array([-10.0, 0.0]))
    attributes = truth.attributes | {"length_unit": "px", "time_unit": "frame"}
    return truth._replace(box=box, attributes=attributes)


def test_the_truth_is_seen_of_the_same_particles_in_the_same_units(recording):
    truth = simulated(recording)
    generator = np.random.default_rng(5)
    inside = (truth.position[0, :, 0] + 40) % 40 < 20
    who = generator.permutation(np.flatnonzero(inside))
    exact = (truth.position[:, who] + [40.0, 0.0]) * 0.5
    exact[..., 0] %= 20.0
    tracked = exact[10:] + 0.01 * generator.standard_normal(exact[10:].shape)
    swapped = tracked.copy()
    swapped[10:, [0, 1]] = tracked[10:, [1, 0]]
    time = 0.1 * np.arange(10, 30)
    experiment = recording(swapped, 20.0, dt=0.1, time=time)
    units = {"length_unit": "um", "time_unit": "s", "mpp": 0.5, "fps": 10.0}
    experiment = experiment._replace(attributes=experiment.attributes | units)
    seen = view(truth, experiment, 0.3)
    assert not seen.present[:, :2].any()
    assert seen.present[:, 2:].all()
    np.testing.assert_allclose(seen.position[:, 2:], exact[10:, 2:], atol=1e-9)
    step = np.diff(exact, axis=0)[9:, 2:] / 0.1
    np.testing.assert_allclose(seen.velocity[:, 2:], step, atol=1e-9)
    assert seen.attributes["length_unit"] == "um"


def test_a_film_without_scale_is_seen_in_pixels_and_frames(recording):
    truth = simulated(recording)
    units = {name: truth.attributes[name] for name in ("length_unit", "time_unit")}
    experiment = recording(truth.position, 40.0)
    experiment = experiment.noting(**units, mpp=None, fps=None)
    np.testing.assert_allclose(view(truth, experiment, 0.3).position, truth.position)


def test_a_truth_without_scale_or_of_other_times_is_refused(recording):
    truth = simulated(recording)
    experiment = recording(truth.position[:5], 40.0)
    with pytest.raises(ValueError, match="set mpp and fps"):
        view(truth, experiment, 0.3)
    late = truth._replace(time=truth.time + 10)
    with pytest.raises(ValueError, match="which has 30"):
        view(truth, late, 0.3)
