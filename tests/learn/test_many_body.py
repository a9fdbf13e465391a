"""A law whose volumes know of the neighbours' neighbours: learned better by a closure that may."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.learn.settings import Training
from pipeline.learn.train import train
from pipeline.learn.trained_model import load
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.pairs import State, find, sum_odd
from pipeline.space import periodic
from pipeline.split import Split
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, SIDE, TIME, conditions, gas, lattice

SETTINGS = Training(
    split=Split(train=0.6, validation=0.2),
    steps=200,
    batch=5,
    validate_every=50,
    validation_snapshots=20,
    rollout_steps=3,
    strength=False,
    localisation="none",
)


def law() -> Metriplectic:
    """The gas of `systems`, with little friction and weights between 1/e and e."""
    settings = gas(friction=0.01).settings()
    settings["closures"]["neighbourhood"] = {"kind": "messages"}
    made = build(settings).double()
    torch.manual_seed(3)
    made.neighbourhood.network.output.weight.data.normal_(0.0, 3.0)
    return made.requires_grad_(False)


def forces(model: Metriplectic, data: Trajectory, t: int) -> Tensor:
    """Conservative forces (N, 2) at a snapshot."""
    r = torch.from_numpy(data.position[t] / LENGTH)
    v = torch.from_numpy(data.velocity[t] * TIME / LENGTH)
    pairs = find(r, periodic([SIDE] * 2), CUTOFF)
    dynamics = model.dynamics(State(r, v, torch.zeros_like(r[:, 0])), pairs)
    return sum_odd(pairs, dynamics.pressure[:, None] * pairs.e)


@pytest.mark.slow
def test_messages_learn_what_volumes_of_distances_cannot(tmp_path: Path) -> None:
    truth, start = law(), lattice(130)
    data = rollout(start, truth, conditions(), 0, progress=False).trajectory.window(slice(30, 130))
    neighbours = graphs.build(data, CUTOFF * LENGTH)
    true = torch.cat([forces(truth, data, t) for t in range(60, 100, 5)])
    error, likelihood = {}, {}
    for closures in ("splines", "many_body"):
        folder = tmp_path / closures
        folder.mkdir()
        train(data, neighbours, SETTINGS.replace(closures=closures), folder, seed=0)
        model = load(folder).model.double().requires_grad_(False)
        found = torch.cat([forces(model, data, t) for t in range(60, 100, 5)])
        error[closures] = float((found - true).norm() / true.norm())
        with open(folder / "training.csv", newline="") as file:
            likelihood[closures] = [float(x["validation_nll"]) for x in csv.DictReader(file)][-1]
    assert error["many_body"] < 0.9 * error["splines"]
    assert likelihood["many_body"] < likelihood["splines"]
