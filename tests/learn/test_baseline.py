"""Baselines through the common trainer: what is written is enough, and noise is found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.learn.baseline import BaselineLearner
from pipeline.learn.settings import Training, variant
from pipeline.learn.task import prepare
from pipeline.learn.train import train
from pipeline.learn.trained_model import load
from pipeline.split import Split, blocks
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice, simulated

SETTINGS = Training(
    split=Split(train=0.5, validation=0.2),
    steps=12,
    validate_every=6,
    validation_snapshots=4,
    rollout_steps=3,
    width=8,
)


@pytest.fixture(scope="module")
def data() -> tuple[Trajectory, graphs.Graphs]:
    window = simulated(30).trajectory
    return window, graphs.build(window, CUTOFF * LENGTH)


@pytest.mark.parametrize("name", ["dpd", "gns", "gns_sde"])
def test_what_is_written_is_enough(data, tmp_path: Path, name: str) -> None:
    train(*data, variant(name, SETTINGS), tmp_path, seed=0)
    record = yaml.safe_load((tmp_path / "model.yaml").read_text())
    assert record["model"]["kind"] == name
    tensors = load_file(tmp_path / "model.safetensors")
    # A graph network's mass is a constant and no parameter.
    assert sum(x.numel() for k, x in tensors.items() if k != "model.m") == record["parameters"]
    learned = load(tmp_path)
    window = data[0].window(blocks(data[0], 0.5, 0.2)["test"])
    done = rollout(window, learned.model, learned.conditions(window, 1), 1, progress=False)
    again = rollout(window, load(tmp_path).model, learned.conditions(window, 1), 1, progress=False)
    assert np.array_equal(done.trajectory.position, again.trajectory.position)
    assert {"kinetic", "momentum", "temperature", "work", "impulse"} <= set(done.observables)
    assert not {"energy", "entropy"} & set(done.observables)


def test_driven_particles_follow_and_their_impulse_is_accounted(data) -> None:
    task = prepare(*data, SETTINGS.replace(model="dpd"), 0)
    window = lattice(20)
    window.driven[:, :8] = True
    window.velocity[:, :8] = np.array([0.02, 0.0]) * LENGTH / TIME
    window.position[:, :8] += window.velocity[:, :8] * TIME * np.arange(20)[:, None, None]
    conditions = task.learner.conditions(task.sample, task.measured)
    done = rollout(window, task.learner.model, conditions, 0, progress=False)
    assert np.allclose(done.trajectory.position[:, :8], window.position[:, :8], atol=1e-12)
    balance = done.observables["momentum"] - done.observables["impulse"]
    assert np.abs(balance - balance[0]).max() < 1e-12


def test_divergence_stops_with_a_sentence(data) -> None:
    task = prepare(*data, SETTINGS.replace(model="gns"), 0)
    assert isinstance(task.learner, BaselineLearner)
    for parameter in task.learner.model.parameters():
        parameter.data.mul_(4.0)
    conditions = task.learner.conditions(task.sample, task.measured)
    done = rollout(lattice(40), task.learner.model, conditions, 0, progress=False)
    assert "speed" in done.stopped
    assert 0 < len(done.trajectory.time) < 40


@pytest.mark.slow
def test_constant_diffusion_is_found_again(tmp_path: Path) -> None:
    """v' = 0.9 v + c xi: no forces, and noise that depends on nothing."""
    rng, frames, c = np.random.default_rng(0), 80, 0.02
    window = lattice(frames)
    v = rng.normal(size=window.velocity[0].shape) * c / 0.19**0.5
    for t in range(frames):
        window.velocity[t] = v * LENGTH / TIME
        if t:
            window.position[t] = window.position[t - 1] + window.velocity[t] * TIME
        v = 0.9 * v + c * rng.normal(size=v.shape)
    made = graphs.build(window, CUTOFF * LENGTH)
    split = Split(train=0.7, validation=0.2)
    settings = variant("gns_sde", SETTINGS.replace(steps=200, validate_every=20, split=split))
    train(window, made, settings, tmp_path, seed=0)
    task = prepare(window, made, settings, 0)
    task.learner.model = load(tmp_path).model
    batch = task.snapshots.batch(task.validation)
    motion, _ = task.learner.evaluate(batch)
    spread = motion.amplitude[batch.mask].detach() * made.neighbour_distance / LENGTH
    assert float(spread.mean()) == pytest.approx(c, rel=0.05)
    assert float(spread.std() / spread.mean()) < 0.1
