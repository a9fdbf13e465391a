"""A training step, batch of 5: loss, backward pass and optimiser step on one thread."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from benchmarks.nested_autograd import NestedAutograd
from benchmarks.nested_steps import training_step
from benchmarks.systems import System
from benchmarks.timing import Run, medians
from pipeline.learn.data import SnapshotData, Transition
from pipeline.learn.settings import VARIANTS, Training
from pipeline.learn.task import prepare

NESTED = "nested autograd, the paper's loss"
SMALL = Training(rollout_steps=2, validation_snapshots=2, validate_every=20)


def alternatives(system: System) -> dict[str, Mapping[str, Any]]:
    """Settings of the trainings that are compared, by what the table calls them."""
    plain = {"strength": False, "localisation": "covariance"}
    rows: dict[str, Mapping[str, Any]] = {
        "splines": plain,
        "networks": {**plain, "closures": "networks"},
        "networks, the paper's loss": VARIANTS["metriplectic_paper"].changes,
    }
    if system.trajectory.attributes["localisation_error"] > 0:
        rows = {"splines, corrected score and strengths (default)": {}, **rows}
    return rows


def batches(system: System, settings: Mapping[str, Any]) -> tuple[Any, Iterator[Transition]]:
    """A learner ready to train and an endless stream of its batches, as tensors are made."""
    task = prepare(system.trajectory, system.graphs, SMALL.replace(**settings), seed=0)
    data = SnapshotData(task.sample, task.validation, task.settings)
    order = itertools.cycle(list(data.sampler))
    return task.learner, (data.transitions[times] for times in order)


def ours(system: System, settings: Mapping[str, Any]) -> Run:
    """The step of the Learner, which lightning would call."""
    learner, items = batches(system, settings)
    optimizer = learner.configure_optimizers()["optimizer"]

    def step() -> None:
        optimizer.zero_grad()
        sum(learner.terms(next(items)).values()).backward()
        learner.on_before_optimizer_step(optimizer)
        torch.nn.utils.clip_grad_norm_(learner.parameters(), learner.options.clip)
        optimizer.step()

    return step


def nested(system: System) -> Run:
    """The same in nested autograd, on the same batches."""
    learner, items = batches(system, {})
    torch.manual_seed(0)
    model = NestedAutograd(system.trajectory.dimension, learner.model.cutoff)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return lambda: training_step(model, optimizer, next(items))


def measure(system: System, repeats: int) -> dict[str, float]:
    """Median milliseconds per step of each alternative."""
    runs = {name: ours(system, settings) for name, settings in alternatives(system).items()}
    return medians({**runs, NESTED: nested(system)}, repeats)
