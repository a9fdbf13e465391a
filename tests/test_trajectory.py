"""The trajectory, its windows, its flow.

The trajectory: blocks of time, and the window on which models are judged.

The window on which models are judged, and what is known before it begins.

The kinetic temperature is what is left of velocities without flow and without error.
"""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import split
from pipeline import trajectory as tr
from pipeline.trajectory import Box, Trajectory, deviations, mean_flow, temperature, variance


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


def test_the_density_of_a_solid_is_that_of_its_undeformed_lattice():
    side = np.arange(6) * 0.5
    lattice = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    solid = example()._replace(reference=lattice)
    assert solid.number_density() == pytest.approx(1 / 0.5**2)


def test_a_video_too_short_for_three_blocks_is_refused():
    with pytest.raises(ValueError, match="at least 6 of these are needed"):
        split.blocks(lasting(6), 0.375, 0.125)


def test_successive_snapshots_stop_at_runs_and_gaps():
    two = example()._replace(run=np.array([0, 0, 1, 1, 1]), time=np.array([0, 1, 0, 1, 3]) * 0.0125)
    np.testing.assert_array_equal(two.successive(), [True, False, True, False])


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


COUNT, FRAMES, DT = 800, 20, 0.5


def gas(T: float, velocity: str = "measured", sigma: float = 0.0) -> Trajectory:
    """Thermal velocities on a sheared and cubic flow a hundred times as fast."""
    rng = np.random.default_rng(0)
    r = rng.uniform(-1, 1, (FRAMES, COUNT, 2))
    v = np.sqrt(T) * rng.normal(size=r.shape)
    v[..., 0] += 100 * r[..., 1] * T**0.5
    v[..., 1] += 50 * r[..., 0] ** 3 * T**0.5
    if velocity != "measured":
        v += sigma * np.sqrt(2) / DT * rng.normal(size=r.shape)
    known = np.ones(r.shape[:2], bool)
    attributes = {"dt": DT, "velocity": velocity, "localisation_error": sigma}
    box = Box(np.full(2, 2.0), (False, False), np.zeros(2))
    return Trajectory(
        r, v, known, ~known, np.arange(FRAMES) * DT, np.zeros(FRAMES, np.int32),
        np.arange(COUNT), np.zeros(COUNT, np.int32), box, attributes, {},
    )  # fmt: skip


def test_flow_is_taken_off() -> None:
    assert temperature(gas(2.5)) == pytest.approx(2.5, rel=0.03)


def test_localisation_error_is_taken_off_where_velocities_are_differences() -> None:
    assert temperature(gas(2.5, "backward", 1.0)) == pytest.approx(2.5, rel=0.15)
    assert temperature(gas(2.5, "measured", 1.0)) == pytest.approx(2.5, rel=0.03)
    assert temperature(gas(1e-3, "backward", 10.0)) < 4.0  # of an error of 800


def test_few_particles_get_a_simple_flow() -> None:
    r, v = np.zeros((5, 2)), np.arange(10.0).reshape(5, 2)
    field, spent = mean_flow(r, v)
    assert spent == 1
    np.testing.assert_allclose(field, np.broadcast_to(v.mean(axis=0), v.shape))


@pytest.mark.parametrize("count", [2, 3, 50])
def test_what_all_do_together_is_no_variance(count):
    """On a stage that shakes the variance is that of the particles, however few they are."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, [0.3, 0.1], (40_000 // count, count, 2))
    shaken = own + rng.normal(0, 2.0, (len(own), 1, 2))
    known = np.ones(own.shape[:2], bool)
    np.testing.assert_allclose(variance(shaken, known), [0.09, 0.01], rtol=0.05)
    np.testing.assert_allclose(deviations(shaken, known), deviations(own, known), atol=1e-12)
    shaken[::2, 0], known[::2, 0] = 1e6, False  # whoever is absent has no say
    np.testing.assert_allclose(variance(shaken, known), [0.09, 0.01], rtol=0.07)
