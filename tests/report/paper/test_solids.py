"""The figure of the solid shows every model at the moment in which the body is bent and moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline import h5md
from pipeline.report.paper import solids
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.trajectory import Box, Trajectory

SIDE, FRAMES = 6, 41


def body(stiffness: float, frames: int = FRAMES) -> Trajectory:
    """A square whose top goes sideways and back as sin^2; softer ones follow by less."""
    rest = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2) / (SIDE - 1)
    phase = np.pi * np.arange(frames) / (FRAMES - 1)
    position = np.repeat(rest[None], frames, axis=0)
    position[..., 0] += stiffness * np.sin(phase)[:, None] ** 2 * rest[:, 1]
    velocity = np.zeros_like(position)
    velocity[..., 0] = stiffness * np.sin(2 * phase)[:, None] * rest[:, 1]
    known = np.ones(position.shape[:2], bool)
    attributes = {
        "dataset": "body", "length_unit": "1", "time_unit": "1", "dt": 0.1, "velocity": "measured",
        "localisation_error": 0.0, "synthetic": True,
    }  # fmt: skip
    return Trajectory(
        position, velocity, known, ~known, np.arange(frames) * 0.1, np.zeros(frames, np.int32),
        np.arange(len(rest)), np.zeros(len(rest), np.int32),
        Box(np.full(2, 3.0), (False,) * 2, np.zeros(2)), attributes, {},
    )  # fmt: skip


def folder(root: Path, rollouts: dict[str, Trajectory]) -> Results:
    """Two cycles, each with a clock of its own, of which the second is rolled out."""
    both = [body(0.2), body(1.0)]
    joined = {
        name: np.concatenate([getattr(part, name) for part in both])
        for name in ("position", "velocity", "present", "driven", "time")
    }
    run = np.repeat(np.arange(2, dtype=np.int32), FRAMES)
    h5md.write(root / "trajectory.h5", both[0]._replace(**joined, run=run))
    for model, made in rollouts.items():
        (root / model / "seed0").mkdir(parents=True)
        second = made._replace(run=np.ones(len(made.time), np.int32))
        h5md.write(root / model / "seed0" / "rollout.h5", second)
    return Results(root)


def test_bent_and_moving_is_between_rest_and_the_turning_point():
    made = body(1.0)
    row = solids.moment(made)
    for values in (made.position[..., 0] - made.position[0, :, 0], made.velocity[..., 0]):
        assert np.abs(values[row]).max() > 0.7 * np.abs(values).max()


def test_positions_and_speeds_are_those_of_one_snapshot(tmp_path):
    models = {"metriplectic": body(1.0), "metriplectic_no_udev": body(0.4), "gns": body(1.0, 4)}
    table = solids.deformed(folder(tmp_path, models)).table
    # A rollout that ended before is left out.
    assert set(table["source"]) == {
        "experiment", "metriplectic_seed0", "metriplectic_no_udev_seed0"
    }  # fmt: skip
    ours, soft, truth = (
        table[table["source"] == source]
        for source in ("metriplectic_seed0", "metriplectic_no_udev_seed0", "experiment")
    )
    np.testing.assert_allclose(ours["x"], truth["x"])
    np.testing.assert_allclose(soft["speed"], 0.4 * truth["speed"])


def test_without_a_rollout_there_is_no_figure(tmp_path):
    with pytest.raises(Absent, match="No model was rolled out"):
        solids.deformed(folder(tmp_path, {}))
