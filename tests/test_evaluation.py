"""The window on which models are judged, and what is known before it begins."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import trajectory
from pipeline.trajectory import Box, Trajectory

HOT, COLD = 4.0, 0.25  # variances of velocities before the test block and in it


def data(frames: int = 10, particles: int = 8) -> Trajectory:
    rng = np.random.default_rng(0)
    known = np.ones((frames, particles), bool)
    velocity = rng.normal(size=(*known.shape, 2))
    velocity[:6] *= HOT**0.5
    velocity[6:] *= COLD**0.5
    return Trajectory(
        position=rng.uniform(0, 20, velocity.shape),
        velocity=velocity,
        present=known,
        driven=~known,
        time=np.arange(frames) * 0.0125,
        run=np.zeros(frames, np.int32),
        particle=np.arange(particles),
        species=np.full(particles, -1, np.int32),
        box=Box(np.full(2, 20.0), (False, False), np.zeros(2)),
        attributes={"dt": 0.0125, "velocity": "measured", "localisation_error": 0.0},
        extra={},
    )


def test_it_ends_where_half_of_the_tracks_have_ended() -> None:
    made = data()
    made.present[6:, :5] = False
    assert trajectory.rows(made, slice(2, 10)) == slice(2, 6)
    assert trajectory.rows(made, slice(2, 10), frames=3) == slice(2, 5)


def test_without_free_particles_it_is_refused() -> None:
    made = data()._replace(driven=np.ones((10, 8), bool))
    with pytest.raises(ValueError, match="No particle is free"):
        trajectory.rows(made, slice(0, 5))


def test_the_temperature_is_of_the_time_before_it() -> None:
    made = data(particles=4000)
    made.driven[:, 3000:] = True
    made.velocity[:, 3000:] *= 100.0  # of particles that are driven
    split = {"train": 4, "validation": 2}
    window = trajectory.window(made, split, 3)
    assert len(window.time) == 3
    assert window.attributes["temperature_before"] == pytest.approx(HOT, rel=0.05)
