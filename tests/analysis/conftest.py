"""Trajectories built from arrays, for the tests of the statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.trajectory import Box, Trajectory


@pytest.fixture(scope="session")
def recording() -> Callable[..., Trajectory]:
    """A factory: positions (T, N, D) and what differs from a single complete open recording."""

    def build(
        position: np.ndarray,
        lengths: float | list[float] = 1.0,
        periodic: bool = False,
        dt: float = 1.0,
        **fields: np.ndarray,
    ) -> Trajectory:
        steps, count, dimension = position.shape
        velocity = np.zeros_like(position)
        velocity[1:] = np.diff(position, axis=0) / dt
        shape = (steps, count)
        box = Box(
            np.broadcast_to(np.asarray(lengths, float), dimension).copy(),
            (periodic,) * dimension,
            np.zeros(dimension),
        )
        attributes = {
            "dataset": "test",
            "length_unit": "1",
            "time_unit": "1",
            "dt": dt,
            "velocity": "backward difference",
            "localisation_error": 0.0,
            "synthetic": True,
        }
        built = Trajectory(
            position=position,
            velocity=velocity,
            present=np.ones(shape, bool),
            driven=np.zeros(shape, bool),
            time=dt * np.arange(steps),
            run=np.zeros(steps, np.int32),
            particle=np.arange(count),
            species=np.full(count, -1, np.int32),
            box=box,
            attributes=attributes,
            extra={},
        )
        return built._replace(**fields)

    return build
