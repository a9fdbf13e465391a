"""A law whose volumes know of the neighbours' neighbours: learned better by a closure that may."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.learn.settings import Training
from pipeline.learn.train import train
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.split import Split
from tests.dynamics.systems import CUTOFF, LENGTH, conditions, gas, lattice

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
    settings = gas(friction=0.001).settings()
    settings["closures"]["neighbourhood"] = {"kind": "messages"}
    made = build(settings).double()
    torch.manual_seed(3)
    made.neighbourhood.network.output.weight.data.normal_(0.0, 3.0)
    return made.requires_grad_(False)


@pytest.mark.slow
def test_messages_learn_what_volumes_of_distances_cannot(tmp_path: Path) -> None:
    truth, start = law(), lattice(130)
    data = rollout(start, truth, conditions(), 0, progress=False).trajectory.window(slice(30, 130))
    neighbours = graphs.build(data, CUTOFF * LENGTH)
    likelihood = {}
    for closures in ("splines", "many_body"):
        folder = tmp_path / closures
        folder.mkdir()
        train(data, neighbours, SETTINGS.replace(closures=closures), folder, seed=0)
        with open(folder / "training.csv", newline="") as file:
            likelihood[closures] = [float(x["validation_nll"]) for x in csv.DictReader(file)][-1]
    assert likelihood["many_body"] < likelihood["splines"] - 0.05
