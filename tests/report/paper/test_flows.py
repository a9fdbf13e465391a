"""Figures of the gas in space show the numbers that were put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline import h5md
from pipeline.report.paper import flows
from pipeline.report.results import Results
from pipeline.trajectory import Box, Trajectory

RATE, COUNT, FRAMES = 2.0, 4000, 12


def gas(seed: int) -> Trajectory:
    """Particles that follow the imposed shear about a resting middle, jittering in y."""
    rng = np.random.default_rng(seed)
    position = np.repeat(rng.uniform(0, 1, (1, COUNT, 3)), FRAMES, axis=0)
    position[..., 1] += np.cumsum(rng.normal(0, 0.06, (FRAMES, COUNT)), axis=0)
    velocity = np.zeros_like(position)
    velocity[..., 0] = RATE * (position[..., 1] - 0.5)
    known = np.ones((FRAMES, COUNT), bool)
    attributes = {
        "dataset": "gas", "length_unit": "1", "time_unit": "1", "dt": 0.1, "velocity": "measured",
        "localisation_error": 0.0, "synthetic": True, "shear_rate": RATE,
    }  # fmt: skip
    return Trajectory(
        position, velocity, known, ~known, np.arange(FRAMES) * 0.1, np.zeros(FRAMES, np.int32),
        np.arange(COUNT), np.zeros(COUNT, np.int32), Box(np.ones(3), (True,) * 3, np.zeros(3)),
        attributes, {},
    )  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Results:
    (tmp_path / "metriplectic" / "seed0").mkdir(parents=True)
    h5md.write(tmp_path / "trajectory.h5", gas(0))
    h5md.write(tmp_path / "metriplectic" / "seed0" / "rollout.h5", gas(1).window(slice(2, FRAMES)))
    return Results(tmp_path)


def test_the_profile_is_the_imposed_one_and_the_truth_is_cut_to_the_rollout(results):
    assert len(flows.sources(results)["experiment"].time) == FRAMES - 2
    table = flows.shear_profile(results).table
    assert set(table["source"]) == {"experiment", "metriplectic_seed0"}
    np.testing.assert_allclose(table["v_x"], RATE * (table["y"] - 0.5), atol=0.02)


def test_halves_start_apart_and_mix(results):
    table = flows.mixing(results).table
    start = table[table["time"] == 0]
    np.testing.assert_allclose(start["share"], start["y"] < 0.5)
    last = table[table["time"] == table["time"].max()]
    assert 0.1 < last["share"].min() < last["share"].max() < 0.95
