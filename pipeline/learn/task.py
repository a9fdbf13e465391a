"""One training made ready: tensors, measured scales and a model to start from."""

from __future__ import annotations

from typing import Any, NamedTuple

import lightning
import numpy as np
import torch

from pipeline.dynamics.driven import thermal_period
from pipeline.graphs import Graphs
from pipeline.learn import anchor, start
from pipeline.learn.anchor import Measured, Noise
from pipeline.learn.baseline import BaselineLearner, start_baseline
from pipeline.learn.conduction import equal_noise
from pipeline.learn.latent import Latent
from pipeline.learn.module import Learner
from pipeline.learn.settings import complete
from pipeline.learn.snapshots import Snapshots
from pipeline.learn.stride import strided
from pipeline.learn.trainee import Trainee
from pipeline.learn.warm import start_from_regression
from pipeline.metriplectic.model import build
from pipeline.trajectory import Trajectory, blocks


class Task(NamedTuple):
    """Everything one training needs."""

    snapshots: Snapshots
    train: np.ndarray  # of these snapshots, those of the training block
    validation: np.ndarray
    parts: dict[str, slice]  # the blocks of the whole trajectory
    measured: Measured
    learner: Trainee
    settings: dict[str, Any]


def prepare(trajectory: Trajectory, graphs: Graphs, settings: dict[str, Any], seed: int) -> Task:
    """Tensors, measured scales and a model to start from."""
    settings = {**complete(settings), "seed": seed}
    device = settings["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = getattr(torch, settings["precision"])
    parts = blocks(trajectory, settings["train"], settings["validation"])
    steps = strided(trajectory, graphs, parts, settings["stride"])
    snapshots = Snapshots(steps.trajectory, steps.graphs, settings["hole_distance"], dtype, device)
    train, validation = (snapshots.usable(steps.parts[name]) for name in ("train", "validation"))
    for name, times in (("training", train), ("validation", validation)):
        if len(times) == 0:
            raise ValueError(
                f"The {name} block has no pair of successive snapshots with a free particle: "
                f"change the split (train, validation) or record more frames."
            )
    sigma = float(trajectory.attributes["localisation_error"]) / snapshots.units.length
    sigma = 0.0 if settings["localisation"] == "none" else sigma
    # A solid's edges are led as they were, and its motion is none that is thermal.
    solid = trajectory.reference is not None
    period = None if solid else thermal_period(trajectory, parts["train"])
    measured = anchor.measure(snapshots, train, sigma)._replace(thermal_period=period)
    floor, shake = settings["floor"] * measured.change, settings["shake"]
    pace = max(1.0, settings["rollout_substeps"] / 2)
    moved = anchor.shaken(measured, shake, pace)
    clean = measured.unexplained / moved.change
    spread = (sigma, floor, measured.temperature, clean, settings["localisation"])
    noise, measured = Noise(*spread, 1 / settings["stride"], shake, pace), moved
    lightning.seed_everything(seed, verbose=False)
    learner: Trainee
    if settings["model"] == "metriplectic":
        met = steps.trajectory.present[train].any(axis=0)
        learner = _metriplectic(
            snapshots, train, (measured, noise), settings, trajectory.particle, met
        )
    else:
        model = start_baseline(snapshots, train, measured, settings)
        learner = BaselineLearner(model, settings, noise)
    return Task(snapshots, train, validation, parts, measured, learner, settings)


def _metriplectic(
    snapshots: Snapshots,
    train: np.ndarray,
    known: tuple[Measured, Noise],
    settings: dict[str, Any],
    labels: np.ndarray,
    met: np.ndarray,
) -> Learner:
    """Model and latents to start from; ``met`` (N,) bool says who is in the training block."""
    measured, noise = known
    scales = start.model_settings(snapshots, train, measured, settings)
    torch.manual_seed(settings["seed"])
    model = build(scales).to(snapshots.device, snapshots.dtype)
    # What brings shaken particles back is not in the velocities that are regressed on.
    if settings["warm_start"] and not noise.shake:
        start_from_regression(model, snapshots, train, measured)
    equal_noise(model, snapshots.batch(train[:1]))
    mask = snapshots.mask[train]
    latent = Latent(labels, mask.any(axis=0), met if settings["strength"] else None)
    latent.to(snapshots.device, snapshots.dtype)
    return Learner(model, latent, settings, noise, int(mask.sum()))
