"""Training from a trajectory and its graphs to a model on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn

from pipeline.analysis.drag import Drag
from pipeline.arrays import stretches
from pipeline.files import reading, whole
from pipeline.graphs import Graphs
from pipeline.learn import bond_memory, solid_forces, trained_model
from pipeline.learn.callbacks import Bar, Clock, Overflow, Stability, Table
from pipeline.learn.choice import Trial, choose
from pipeline.learn.data import SnapshotData
from pipeline.learn.learned_curves import traits
from pipeline.learn.learned_curves import write as write_learned
from pipeline.learn.learner import Learner
from pipeline.learn.memory import remember
from pipeline.learn.refinement import refine
from pipeline.learn.settings import Training
from pipeline.learn.substeps import LONGEST
from pipeline.learn.substeps import choose as choose_substeps
from pipeline.learn.task import Task, by_error, by_optimizer, prepare
from pipeline.learn.trainee import Diverged
from pipeline.trajectory import Trajectory


def fingerprint(
    trajectory: Trajectory, graphs: Graphs, settings: Training, learner: nn.Module
) -> str:
    """SHA-256 of everything that decides the course of a training."""
    digest = hashlib.sha256()
    # A time limit does not change the course, only its end.
    plain = {name: v for name, v in settings.record().items() if name != "max_minutes"}
    shapes = {name: list(value.shape) for name, value in learner.state_dict().items()}
    error = float(trajectory.attributes["localisation_error"])
    digest.update(json.dumps([plain, shapes, error], sort_keys=True).encode())
    arrays = (trajectory.position, trajectory.velocity, trajectory.present, trajectory.driven)
    held = () if trajectory.occupant is None else (trajectory.occupant,)
    for array in (*arrays, *held, trajectory.run, graphs.offset, graphs.i, graphs.j):
        for some in stretches(array.shape, array.dtype):
            digest.update(np.ascontiguousarray(array[some]).data)
    return digest.hexdigest()


def checkpoint_to_resume(folder: Path, mark: str) -> Path | None:
    """The checkpoint to go on from, or None; clears away those of other data or settings.

    One that is damaged is set aside, with a warning, and the best one before it taken. Where that
    is damaged training begins anew, for the weights it would end with are lost.

    Args:
        folder: of the training; its checkpoints/ carries the fingerprint of what made it.
        mark: fingerprint of the training about to start.
    """
    place = folder / "checkpoints"
    note, last = place / "fingerprint", place / "last.ckpt"
    if last.exists() and note.exists() and note.read_text(errors="replace") == mark:
        best, damage = place / "best.ckpt", {path: _damage(path) for path in place.glob("*.ckpt")}
        for path, found in damage.items():
            if found:
                os.replace(path, folder / f"{path.name}.damaged")
        if not damage.get(best, "it is missing"):
            kept = best if damage[last] else last
            if damage[last]:
                _warn(f"{last} is damaged ({damage[last]}) and set aside: going on from {best}.")
            return kept
        _warn(f"{best} is damaged ({damage.get(best)}): training begins anew.")
    for name in ("checkpoints", "tensorboard"):
        shutil.rmtree(folder / name, ignore_errors=True)
    place.mkdir(parents=True)
    with whole(note) as partial:
        partial.write_text(mark)
    return None


def _damage(path: Path) -> str:
    """What is wrong with a checkpoint, "" where nothing is."""
    try:
        with zipfile.ZipFile(path) as archive:
            if part := archive.testzip():
                return f"{part} in it does not have its checksum"
        content = torch.load(path, map_location="cpu", weights_only=True)
        needed = {"state_dict", "optimizer_states", "loops", "callbacks", "epoch", "global_step"}
        return ", ".join(f"it lacks {name}" for name in sorted(needed - content.keys()))
    except (MemoryError, OSError):  # the machine is to blame, and the checkpoint may be good
        raise
    except Exception as error:  # the unpickler fails in many ways
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr)


def train(
    trajectory: Trajectory,
    graphs: Graphs,
    settings: Training,
    folder: Path,
    seed: int,
    threads: int = 1,
    drag: Drag | None = None,
) -> None:
    """Trains one model and writes model.safetensors, model.yaml, training.csv and checkpoints/.

    If ``folder`` holds checkpoints/last.ckpt of an interrupted run on the same data with the same
    settings, goes on from there: the result is the one an uninterrupted run would have had, since
    batches depend on seed and epoch alone and checkpoints are written between epochs.

    Args:
        trajectory: snapshots in the units of the data, see `h5md.on_disk`.
        graphs: their neighbours, which set the cutoff and the reduced units, see `graphs.on_disk`.
        settings: of the training.
        folder: results/<name>/<model>/seed<k>.
        seed: of initial weights and the order of batches.
        threads: of torch.
        drag: of the medium, for a uniform bath to hold; see `pipeline.analysis.drag`.

    Raises:
        InputError: if the data cannot be learned from, or training diverges
            before its first checkpoint. Later, what diverges ends with the best checkpoint so far.
    """
    torch.set_num_threads(threads)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if trajectory.occupant is not None:  # looked up all over, unlike positions
        trajectory = trajectory._replace(occupant=np.asarray(trajectory.occupant))
    trials: list[Trial] = []
    before: Task | None = None
    settings = by_optimizer(by_error(settings, trajectory), trajectory)
    if settings.model == "metriplectic":
        settings, trials, before = choose(trajectory, graphs, settings, seed, drag)
    task = prepare(trajectory, graphs, settings, seed, before, drag)
    table = Table(folder / "training.csv")
    trainer = _trainer(task, folder, table, Stability(task, trajectory))
    data = SnapshotData(task.sample, task.validation, task.settings)
    mark = fingerprint(trajectory, graphs, task.settings, task.learner)
    last = checkpoint_to_resume(folder, mark)
    ended = _fit(trainer, task, data, last, table)
    best = folder / "checkpoints" / "best.ckpt"
    with reading(best, "a checkpoint"):
        state = torch.load(best, map_location="cpu", weights_only=True)["state_dict"]
        task.learner.cpu().load_state_dict(state)
    refined = refine(task)
    finish(task, trajectory, folder, table, {"ended": ended, "refined": refined}, trials)


def _fit(
    trainer: lightning.Trainer, task: Task, data: SnapshotData, last: Path | None, table: Table
) -> str | None:
    """Why training ended early by itself, None if it did not."""
    with warnings.catch_warnings():
        # Batches are slices of memory: worker processes would only slow them down.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists.*")
        # Lightning's own affair with torch.
        warnings.filterwarnings("ignore", ".*isinstance\\(treespec, LeafSpec\\).*")
        try:
            trainer.fit(task.learner, data, ckpt_path=last, weights_only=True)
        except SIGTERMException:
            # By itself it would end the process as if all were well.
            sys.exit(
                "error: training was terminated: run again, it goes on from its last checkpoint."
            )
        except Diverged as diverged:
            if not table.rows:
                raise
            print(f"{diverged} The best checkpoint so far is kept.", file=sys.stderr)
            return str(diverged)
    return None


def _trainer(task: Task, folder: Path, table: Table, stability: Stability) -> lightning.Trainer:
    settings = task.settings
    epochs = -(-settings.steps // settings.validate_every)
    keep = ModelCheckpoint(
        folder / "checkpoints",
        "best",
        monitor="validation_score",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_wanted)
    watch = [Overflow(), stability, table, Bar(epochs * settings.validate_every)]
    if settings.max_minutes is not None:
        watch.append(Clock(table, settings.max_minutes))
    stop = EarlyStopping(
        "validation_score",
        patience=settings.patience,
        check_on_train_epoch_end=True,
        check_finite=False,
    )
    return lightning.Trainer(
        accelerator="gpu" if task.snapshots.device.type == "cuda" else "cpu",
        devices=1,
        # Within a Slurm job lightning would take part in the scheduling and let SIGTERM pass.
        plugins=[LightningEnvironment()],
        max_epochs=epochs,
        callbacks=[*watch, stop, keep],
        logger=TensorBoardLogger(folder, name="tensorboard", version=0),
        gradient_clip_val=settings.clip,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=settings.validate_every,
        reload_dataloaders_every_n_epochs=1,
    )


def _wanted(record: logging.LogRecord) -> bool:
    """Lightning advertises a service of its makers at the start of every training."""
    return "litlogger" not in record.getMessage()


def unseen(task: Task) -> np.ndarray:
    """Snapshots of the test block; of the validation block where training took longer steps."""
    if task.settings.span > 1:
        return task.validation
    return task.snapshots.usable(task.parts["test"])


def substeps(learner: Learner, task: Task, trajectory: Trajectory) -> dict[str, Any]:
    """See `pipeline.learn.substeps.choose`, from the beginning of the training block on."""
    first, stop = int(task.sample.times[0]), task.parts["train"].stop
    window = trajectory.followed(slice(first, min(stop, first + LONGEST)))
    who = np.flatnonzero(np.isin(trajectory.particle, window.particle))
    conditions = learner.conditions(task.sample, task.measured, who)
    return choose_substeps(
        learner.model, conditions, window, len(trajectory.time[task.parts["test"]])
    )


def recollect(learner: Learner, task: Task) -> dict[str, Any]:
    """See `pipeline.learn.memory.remember`; with what residuals remembered without modes.

    Of a solid it is the bonds that remember, see `pipeline.learn.bond_memory`.
    """
    solid = solid_forces.applies(learner)
    before = learner.tested(task.snapshots, unseen(task)).get("residuals", {})
    sought = bond_memory.remember if solid else remember
    found = sought(learner, task.sample, task.validation)
    found["without"] = before["memory"].tolist() if "memory" in before else None
    return {"bond_memory" if solid else "memory": found}


def finish(
    task: Task,
    trajectory: Trajectory,
    folder: Path,
    table: Table,
    end: dict[str, Any],
    trials: list[Trial],
) -> None:
    """Writes the model with its units, the ranges it saw and how it came about.

    Args:
        end: why training ended early by itself, if it did, and whether it was refined.
    """
    # A run resumed after its last epoch has its table from the checkpoint alone.
    table.write()
    learner, settings = task.learner, task.settings
    remembered: dict[str, Any] = {}
    if isinstance(learner, Learner) and settings.memory != "none":
        remembered = recollect(learner, task)
    best = min(table.rows, key=lambda row: row["validation_score"])
    record = {
        "units": {
            **task.snapshots.units._asdict(),
            "length_unit": trajectory.attributes["length_unit"],
            "time_unit": trajectory.attributes["time_unit"],
        },
        "parameters": sum(p.numel() for p in learner.model.parameters()),
        **learner.record(task.sample),
        "measured": {
            name: None if value is None else float(value)
            for name, value in task.measured._asdict().items()
        },
        "training": {
            **settings.record(),
            "dataset": trajectory.attributes["dataset"],
            "source": f"{folder.parent.name}_{folder.name}",
            "hole_distance_used": float(task.snapshots.hole_distance),
            "rows": int(task.snapshots.mask[task.sample.times].sum()),
            "best_step": int(best["step"]),
            "validation_nll": float(best["validation_nll"]),
            "seconds": float(table.rows[-1]["seconds"]),
            **end,
        },
        "choice": [trial._asdict() for trial in trials],
        **remembered,
    }
    if isinstance(learner, Learner):
        record["substeps"] = substeps(learner, task, trajectory)
    groups = learner.inspect(task.sample, traits(trajectory))
    groups |= learner.tested(task.snapshots, unseen(task))
    write_learned(folder / "learned.h5", groups)
    trained_model.save(folder, learner, record)
