"""Which interrupted run a training may go on from: only one of the same data and settings."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from pipeline.files import whole
from pipeline.graphs import Graphs
from pipeline.trajectory import Trajectory


def fingerprint(
    trajectory: Trajectory, graphs: Graphs, settings: dict[str, Any], learner: nn.Module
) -> str:
    """SHA-256 of everything that decides the course of a training."""
    digest = hashlib.sha256()
    # A time limit does not change the course, only its end.
    plain = {name: value for name, value in settings.items() if name != "max_minutes"}
    shapes = {name: list(value.shape) for name, value in learner.state_dict().items()}
    error = float(trajectory.attributes["localisation_error"])
    digest.update(json.dumps([plain, shapes, error], sort_keys=True).encode())
    arrays = (trajectory.position, trajectory.velocity, trajectory.present, trajectory.driven)
    for array in (*arrays, trajectory.run, graphs.offset, graphs.i, graphs.j):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def checkpoint_to_resume(folder: Path, mark: str) -> Path | None:
    """The checkpoint to go on from, or None; clears away those of other data or settings.

    Args:
        folder: of the training; its checkpoints/ carries the fingerprint of what made it.
        mark: fingerprint of the training about to start.
    """
    place = folder / "checkpoints"
    note, last = place / "fingerprint", place / "last.ckpt"
    if last.exists() and note.exists() and note.read_text() == mark:
        return last
    for name in ("checkpoints", "tensorboard"):
        shutil.rmtree(folder / name, ignore_errors=True)
    place.mkdir(parents=True)
    with whole(note) as partial:
        partial.write_text(mark)
    return None
