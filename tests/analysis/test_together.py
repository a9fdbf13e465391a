"""Neighbours that move together, and diffusion of those that do not, against what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.diffusion import diffusion
from pipeline.analysis.runs import runs
from pipeline.analysis.together import together
from pipeline.trajectory import Box, Trajectory

T, N, DT = 100, 400, 0.04


def moving(path: np.ndarray) -> Trajectory:
    """Free particles on these paths (T, N, 2), with backward differences as velocities."""
    present = np.ones(path.shape[:2], bool)
    present[0] = False
    attributes = {"dt": DT}
    count = path.shape[1]
    return Trajectory(
        position=path,
        velocity=np.diff(path, axis=0, prepend=path[:1]) / DT,
        present=present,
        driven=np.zeros_like(present),
        time=DT * np.arange(len(path)),
        run=np.zeros(len(path), np.int32),
        particle=np.arange(count),
        species=np.full(count, -1, np.int32),
        box=Box(np.full(2, 20.0), (False, False), np.zeros(2)),
        attributes=attributes,
        extra={},
    )


@pytest.fixture(scope="module")
def walk() -> np.ndarray:
    rng = np.random.default_rng(0)
    steps = rng.normal(0, np.sqrt(2 * 0.4 * DT), (T, N, 2))
    return rng.uniform(0, 20, (1, N, 2)) + np.cumsum(steps, axis=0)


def test_the_diffusion_coefficient_is_that_of_the_walk(walk):
    rng = np.random.default_rng(1)
    drift = 3.0 * DT * np.arange(T)[:, None, None]
    found = diffusion(moving(walk + drift + rng.normal(0, 0.05, walk.shape)))
    assert found.low < 0.4 < found.high
    assert found.value == pytest.approx(0.4, rel=0.03)


def test_error_alone_is_no_diffusion():
    rng = np.random.default_rng(1)
    found = diffusion(moving(rng.normal(0, 0.05, (T, N, 2))))
    assert found.value == pytest.approx(0.0, abs=0.05 * 0.05**2 / DT)


def test_particles_on_their_own_do_not_move_together(walk):
    assert together(runs(moving(walk)), 10, 1.5) == pytest.approx(0.0, abs=0.03)


def test_a_body_that_turns_moves_together(walk):
    angle = 0.001 * np.arange(T)
    turn = np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    place = walk[0] - 10
    path = np.einsum("abt,nb->tna", turn, place) + 10
    assert together(runs(moving(path)), 10, 1.5) > 0.9
