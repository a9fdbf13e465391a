"""The kinetic temperature is what is left of velocities without flow and without error."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.trajectory import Box, Trajectory, mean_flow, temperature

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
