"""The trajectory, its flow, and its kinetic temperature: what velocities leave without it."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_the_density_of_a_solid_is_that_of_its_undeformed_lattice():
    side = np.arange(6) * 0.5
    lattice = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    solid = example()._replace(reference=lattice)
    assert solid.number_density() == pytest.approx(1 / 0.5**2)


def test_successive_snapshots_stop_at_runs_and_gaps():
    two = example()._replace(run=np.array([0, 0, 1, 1, 1]), time=np.array([0, 1, 0, 1, 3]) * 0.0125)
    np.testing.assert_array_equal(two.successive(), [True, False, True, False])


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
