"""Which terms the data support: each is tried, and kept where it predicts what it has not seen.

A term more always fits better what it was fitted to. What counts is the validation block: with the
term, the velocities there must be likelier by more than twice the standard error of the gain,
which comes from blocks of time, since successive snapshots are alike. A trial costs a short
training; tried is what the tracks leave possible: walls, a smooth field and a medium that feeds
motion where nobody enters or leaves; attraction of Brownian particles where a regression of the
force shows it, and strengths of their own. Without inertia a strength is known from many snapshots
to a fifth at best, and hundreds of them, each fitted to its noise, make the mean force wrong by a
tenth.
"""

from __future__ import annotations

from typing import NamedTuple

import lightning
import numpy as np
import torch

from pipeline.analysis.drag import Drag
from pipeline.graphs import Graphs
from pipeline.learn.brownian_regression import attracts
from pipeline.learn.data import SnapshotData, Transitions
from pipeline.learn.settings import Training
from pipeline.learn.task import Task, by_regime, prepare
from pipeline.trajectory import Trajectory

STEPS = 150  # of each trial
BLOCKS = 10  # of the validation block
ERRORS = 2.0  # standard errors that a gain must exceed


class Trial(NamedTuple):
    """A term and what it brought on the validation block."""

    setting: str
    value: str
    gain: float  # in log-likelihood per particle and step
    error: float  # standard error of the gain over blocks of time
    kept: bool


class Candidate(NamedTuple):
    """What is to be tried, by settings."""

    setting: str
    value: str | bool
    alone: str = ""  # the value to be tried where the setting holds none so far; "": the same


def candidates(settings: Training, trajectory: Trajectory) -> list[Candidate]:
    """What is to be tried, in this order; a later one on top of those kept.

    Args:
        settings: as given, with "auto" where the data are to decide.
        trajectory: says whether nobody enters or leaves.
    """
    closed = trajectory.closed
    brownian = by_regime(settings, trajectory).bath == "brownian"
    offered: list[Candidate] = []
    if settings.closures != "splines" or trajectory.reference is not None:
        return offered  # the paper's model as printed, and solids, which their strain holds
    if settings.external == "auto" and closed and not all(trajectory.box.periodic):
        offered.append(Candidate("external", "walls"))
        if not any(trajectory.box.periodic):
            offered.append(Candidate("external", "walls_field", alone="field"))
    if settings.bath == "auto" and closed and not brownian:
        offered.append(Candidate("bath", "active"))
    # A mixture of sizes with inertia looks as if it attracted, to a regression of one pair law.
    if settings.pair_energy == "auto" and brownian:
        offered.append(Candidate("pair_energy", "splines"))
    if settings.strength and brownian:
        offered.append(Candidate("strength", True))
    return offered


def gain(without: np.ndarray, with_term: np.ndarray, block: np.ndarray) -> tuple[float, float]:
    """Mean gain and its standard error over blocks of time.

    Args:
        without, with_term: (T,) negative log-likelihoods of the same snapshots.
        block: (T,) of time that each is in.
    """
    gained = without - with_term
    means = np.array([gained[block == b].mean() for b in np.unique(block)])
    error = means.std(ddof=1) / len(means) ** 0.5 if len(means) > 1 else float("inf")
    return float(gained.mean()), float(error)


def choose(
    trajectory: Trajectory,
    graphs: Graphs,
    settings: Training,
    seed: int,
    drag: Drag | None = None,
) -> tuple[Training, list[Trial], Task | None]:
    """The settings with every "auto" decided, what decided, and a task of the trials, if any.

    Args:
        trajectory, graphs: see `pipeline.learn.train.train`.
        settings: as given.
        seed: of the trials.
        drag: see `prepare`.
    """
    trials: list[Trial] = []
    offered, settings = candidates(settings, trajectory), by_regime(settings, trajectory)
    if not offered:
        return settings, trials, None
    settings = settings.replace(
        strength=settings.strength and Candidate("strength", True) not in offered
    )
    task = prepare(trajectory, graphs, short(settings), seed, drag=drag)
    reference: np.ndarray | None = None
    for name, value, alone in offered:
        if alone and getattr(settings, name) == "none":
            value = alone
        if name == "pair_energy" and not attracts(task.sample, task.measured):
            continue
        # Where bonds relax within a step the likelihood halfway takes what it lacks for strengths.
        if name == "strength" and settings.pair_energy != "none":
            continue
        reference = tried(task) if reference is None else reference
        changed = settings.replace(**{name: value}).complete()
        with_term = prepare(trajectory, graphs, short(changed), seed, task, drag)
        scores = tried(with_term)
        block = task.snapshots.order.blocks(task.validation, BLOCKS)
        found, error = gain(reference, scores, block)
        # That particles attract was seen already, and of stiff bonds the determinant of the
        # likelihood halfway, a series, says nothing.
        kept = found > ERRORS * error or name == "pair_energy"
        trials.append(Trial(name, str(value), found, error, kept))
        if kept:
            settings, reference, task = changed, scores, with_term
    return settings, trials, task


def short(settings: Training) -> Training:
    """Settings of a trial."""
    steps = min(STEPS, settings.steps)
    return settings.replace(steps=steps, validate_every=steps)


def tried(task: Task) -> np.ndarray:
    """What is `scored` after a short training."""
    data = SnapshotData(task.sample, task.validation, task.settings)
    trainer = lightning.Trainer(
        accelerator="gpu" if task.snapshots.device.type == "cuda" else "cpu",
        devices=1,
        max_epochs=1,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=task.settings.clip,
    )
    trainer.fit(task.learner, data)
    return scored(task)


def scored(task: Task) -> np.ndarray:
    """(T,) negative log-likelihoods of the snapshots of the validation block."""
    transitions = Transitions(task.snapshots)
    with torch.no_grad():
        found = [
            float(task.learner.validate(transitions[[t]], k)["nll"])
            for k, t in enumerate(task.validation)
        ]
    return np.array(found)
