"""The trajectory: blocks of time, and the window on which models are judged."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import trajectory as tr


def example(unit: str = "um", clock: str = "s", dimension: int = 2) -> tr.Trajectory:
    rng = np.random.default_rng(0)
    shape = (5, 7)
    return tr.Trajectory(
        position=rng.uniform(0, 20, (*shape, dimension)),
        velocity=rng.normal(size=(*shape, dimension)),
        present=rng.random(shape) > 0.2,
        driven=rng.random(shape) > 0.7,
        time=np.arange(5) * 0.0125,
        run=np.zeros(5, np.int32),
        particle=np.arange(7) * 3,
        species=np.full(7, -1, np.int32),
        box=tr.Box(np.full(dimension, 20.0), (False,) * dimension, np.zeros(dimension)),
        attributes={
            "dataset": "example",
            "length_unit": unit,
            "time_unit": clock,
            "dt": 0.0125,
            "velocity": "measured",
            "localisation_error": 0.02,
            "synthetic": True,
        },
        extra={"filled": rng.random(shape) > 0.9},
    )


def lasting(frames: int) -> tr.Trajectory:
    """A trajectory whose first snapshot has no velocities, like that of a video."""
    present = np.ones((frames, 7), bool)
    present[0] = False
    return example()._replace(time=np.arange(float(frames)), present=present)


def test_blocks_are_contiguous_and_cover_everything():
    parts = tr.blocks(lasting(100), 0.5, 0.2)
    assert parts == {"train": slice(0, 50), "validation": slice(50, 70), "test": slice(70, 100)}


def test_blocks_may_be_given_as_numbers_of_snapshots():
    parts = tr.blocks(lasting(100), 30, 10)
    assert parts == {"train": slice(0, 30), "validation": slice(30, 40), "test": slice(40, 100)}
    with pytest.raises(ValueError, match="at least 6"):
        tr.blocks(lasting(6), 30, 10)


@pytest.mark.parametrize("frames", range(7, 15))
def test_a_short_video_is_split_so_that_every_block_has_a_step(frames):
    parts = tr.blocks(lasting(frames), 0.375, 0.125)
    assert tr.too_short(lasting(9), 0.375, 0.125)
    assert not tr.too_short(lasting(16), 0.375, 0.125)
    assert parts["train"].stop - 1 >= 2  # the first snapshot has no velocity
    assert parts["validation"].stop - parts["validation"].start >= 2
    assert parts["test"].stop - parts["test"].start >= 2
    assert (parts["train"].stop, parts["validation"].stop, parts["test"].stop) == (
        parts["validation"].start,
        parts["test"].start,
        frames,
    )


def test_the_density_of_a_solid_is_that_of_its_undeformed_lattice():
    side = np.arange(6) * 0.5
    lattice = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    solid = example()._replace(reference=lattice)
    assert solid.number_density() == pytest.approx(1 / 0.5**2)


def test_a_video_too_short_for_three_blocks_is_refused():
    with pytest.raises(ValueError, match="at least 6 of these are needed"):
        tr.blocks(lasting(6), 0.375, 0.125)


def test_successive_snapshots_stop_at_runs_and_gaps():
    two = example()._replace(run=np.array([0, 0, 1, 1, 1]), time=np.array([0, 1, 0, 1, 3]) * 0.0125)
    np.testing.assert_array_equal(two.successive(), [True, False, True, False])
