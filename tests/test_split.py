"""Blocks of a data set in time, and the window on which models are judged."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import split
from pipeline.trajectory import Box, Trajectory
from tests.test_trajectory import example


def lasting(frames: int) -> Trajectory:
    """A trajectory whose first snapshot has no velocities, like that of a video."""
    present = np.ones((frames, 7), bool)
    present[0] = False
    return example()._replace(time=np.arange(float(frames)), present=present)


def test_blocks_are_contiguous_and_cover_everything():
    parts = split.blocks(lasting(100), 0.5, 0.2)
    assert parts == {"train": slice(0, 50), "validation": slice(50, 70), "test": slice(70, 100)}


def test_blocks_may_be_given_as_numbers_of_snapshots():
    parts = split.blocks(lasting(100), 30, 10)
    assert parts == {"train": slice(0, 30), "validation": slice(30, 40), "test": slice(40, 100)}
    with pytest.raises(ValueError, match="at least 6"):
        split.blocks(lasting(6), 30, 10)


@pytest.mark.parametrize("frames", range(7, 15))
def test_a_short_video_is_split_so_that_every_block_has_a_step(frames):
    parts = split.blocks(lasting(frames), 0.375, 0.125)
    assert split.too_short(lasting(9), 0.375, 0.125)
    assert not split.too_short(lasting(16), 0.375, 0.125)
    assert parts["train"].stop - 1 >= 2  # the first snapshot has no velocity
    assert parts["validation"].stop - parts["validation"].start >= 2
    assert parts["test"].stop - parts["test"].start >= 2
    assert (parts["train"].stop, parts["validation"].stop, parts["test"].stop) == (
        parts["validation"].start,
        parts["test"].start,
        frames,
    )


def test_a_video_too_short_for_three_blocks_is_refused():
    with pytest.raises(ValueError, match="at least 6 of these are needed"):
        split.blocks(lasting(6), 0.375, 0.125)


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
    assert split.rows(made, slice(2, 10)) == slice(2, 6)
    assert split.rows(made, slice(2, 10), frames=3) == slice(2, 5)


def test_nobody_leaves_a_closed_container_and_it_begins_where_all_are_seen() -> None:
    made = data().noting(edge={"closed": True})
    made.present[2, 3] = False
    made.present[7:, :5] = False
    assert split.rows(made, slice(2, 10)) == slice(3, 10)
    assert split.rows(made, slice(2, 10), frames=3) == slice(3, 6)
    assert made.window(slice(3, 10)).lasting.all()
    assert made.window(slice(2, 10)).lasting.sum(axis=1).tolist() == [7] * 8  # one unseen at first
    # Where particles come and go within the container, who is gone is gone.
    turnover = made.noting(edge={"closed": True, "stays": False})
    assert not turnover.window(slice(3, 10)).lasting[-1].all()


def test_without_free_particles_it_is_refused() -> None:
    made = data()._replace(driven=np.ones((10, 8), bool))
    with pytest.raises(ValueError, match="No particle is free"):
        split.rows(made, slice(0, 5))


def test_the_temperature_is_of_the_time_before_it() -> None:
    made = data(particles=4000)
    made.driven[:, 3000:] = True
    made.velocity[:, 3000:] *= 100.0  # of particles that are driven
    window, before = split.evaluation(made, split.Split(train=4, validation=2), 3)
    assert len(window.time) == 3
    assert before == window.attributes["temperature_before"] == pytest.approx(HOT, rel=0.05)
