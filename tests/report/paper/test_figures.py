"""Figures of the page beside the paper.

Figures of the gas in space show the numbers that were put in.

The figure of the solid shows every model at the moment in which the body is bent and moves.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline import h5md
from pipeline.analysis import statistics
from pipeline.analysis.metric import Sample
from pipeline.analysis.plan import plan
from pipeline.analysis.profiles import across
from pipeline.report.paper import figures
from pipeline.report.results import Absent, Results
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
    (tmp_path / "statistics").mkdir()
    h5md.write(tmp_path / "trajectory.h5", gas(0))
    truth, model = (gas(seed).window(slice(2, FRAMES)) for seed in (0, 1))
    h5md.write(tmp_path / "metriplectic" / "seed0" / "rollout.h5", model)
    settings = plan(truth, COUNT ** (-1 / 3))
    for source, made in (("experiment", truth), ("metriplectic_seed0", model)):
        found = across(Sample(made, made.present[0], [], np.zeros(COUNT, int), settings))
        statistics.write(tmp_path / "statistics" / f"{source}.h5", found, {})
    return Results(tmp_path)


def test_the_profile_is_the_imposed_one_and_the_truth_is_cut_to_the_rollout(results):
    assert len(figures.sources(results)["experiment"].time) == FRAMES - 2
    table = figures.shear_profile(results).table
    assert set(table["source"]) == {"experiment", "metriplectic_seed0"}
    np.testing.assert_allclose(table["v_x"], RATE * (table["y"] - 0.5), atol=0.02)


def test_halves_start_apart_and_mix(results):
    table = figures.mixing(results).table
    start = table[table["time"] == 0]
    np.testing.assert_allclose(start["share"], start["y"] < 0.5)
    last = table[table["time"] == table["time"].max()]
    assert 0.1 < last["share"].min() < last["share"].max() < 0.95


SIDE, SOLID_FRAMES = 6, 41


def body(stiffness: float, frames: int = SOLID_FRAMES) -> Trajectory:
    """A square whose top goes sideways and back as sin^2; softer ones follow by less."""
    rest = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2) / (SIDE - 1)
    phase = np.pi * np.arange(frames) / (SOLID_FRAMES - 1)
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
    run = np.repeat(np.arange(2, dtype=np.int32), SOLID_FRAMES)
    h5md.write(root / "trajectory.h5", both[0]._replace(**joined, run=run))
    for model, made in rollouts.items():
        (root / model / "seed0").mkdir(parents=True)
        second = made._replace(run=np.ones(len(made.time), np.int32))
        h5md.write(root / model / "seed0" / "rollout.h5", second)
    return Results(root)


def test_bent_and_moving_is_between_rest_and_the_turning_point():
    made = body(1.0)
    row = figures.moment(made)
    for values in (made.position[..., 0] - made.position[0, :, 0], made.velocity[..., 0]):
        assert np.abs(values[row]).max() > 0.7 * np.abs(values).max()


def test_positions_and_speeds_are_those_of_one_snapshot(tmp_path):
    models = {"metriplectic": body(1.0), "metriplectic_no_udev": body(0.4), "gns": body(1.0, 4)}
    table = figures.deformed(folder(tmp_path, models)).table
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
        figures.deformed(folder(tmp_path, {}))
