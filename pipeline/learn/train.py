"""Training from a trajectory and its graphs to a model on disk."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException

from pipeline.graphs import Graphs
from pipeline.learn import checkpoint
from pipeline.learn.callbacks import Bar, Clock, Overflow, Table
from pipeline.learn.carried import traits
from pipeline.learn.data import SnapshotData
from pipeline.learn.inspect import write as write_learned
from pipeline.learn.resume import checkpoint_to_resume, fingerprint
from pipeline.learn.stability import Stability
from pipeline.learn.task import Task, prepare
from pipeline.learn.trainee import Diverged
from pipeline.trajectory import Trajectory


def train(
    trajectory: Trajectory,
    graphs: Graphs,
    settings: dict[str, Any],
    folder: Path,
    seed: int,
    threads: int = 1,
) -> None:
    """Trains one model and writes model.safetensors, model.yaml, training.csv and checkpoints/.

    If ``folder`` holds checkpoints/last.ckpt of an interrupted run on the same data with the same
    settings, goes on from there: the result is the one an uninterrupted run would have had, since
    batches depend on seed and epoch alone and checkpoints are written between epochs.

    Args:
        trajectory: snapshots in the units of the data.
        graphs: their neighbours, which set the cutoff and the reduced units.
        settings: see `pipeline.learn.settings.DEFAULTS`.
        folder: results/<name>/<model>/seed<k>.
        seed: of initial weights and the order of batches.
        threads: of torch.

    Raises:
        ValueError: if a setting is unknown, the data cannot be learned from, or training diverges
            before its first checkpoint. Later, what diverges ends with the best checkpoint so far.
    """
    torch.set_num_threads(threads)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    task = prepare(trajectory, graphs, settings, seed)
    table = Table(folder / "training.csv")
    trainer = _trainer(task, folder, table, Stability(task, trajectory))
    data = SnapshotData(task.snapshots, task.train, task.validation, task.settings)
    mark = fingerprint(trajectory, graphs, task.settings, task.learner)
    last = checkpoint_to_resume(folder, mark)
    ended = _fit(trainer, task, data, last, table)
    best = folder / "checkpoints" / "best.ckpt"
    state = torch.load(best, map_location="cpu", weights_only=True)["state_dict"]
    task.learner.cpu().load_state_dict(state)
    finish(task, trajectory, folder, table, ended)


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
            sys.exit("training was terminated; it goes on from its last checkpoint when run again")
        except Diverged as diverged:
            if not table.rows:
                raise
            print(f"{diverged} The best checkpoint so far is kept.", file=sys.stderr)
            return str(diverged)
    return None


def _trainer(task: Task, folder: Path, table: Table, stability: Stability) -> lightning.Trainer:
    settings = task.settings
    epochs = -(-settings["steps"] // settings["validate_every"])
    keep = ModelCheckpoint(
        folder / "checkpoints",
        "best",
        monitor="validation_score",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_wanted)
    watch = [Overflow(), stability, table, Bar(epochs * settings["validate_every"])]
    if settings["max_minutes"] is not None:
        watch.append(Clock(table, float(settings["max_minutes"])))
    stop = EarlyStopping(
        "validation_score",
        patience=settings["patience"],
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
        gradient_clip_val=settings["clip"],
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=settings["validate_every"],
        reload_dataloaders_every_n_epochs=1,
    )


def _wanted(record: logging.LogRecord) -> bool:
    """Lightning advertises a service of its makers at the start of every training."""
    return "litlogger" not in record.getMessage()


def finish(
    task: Task, trajectory: Trajectory, folder: Path, table: Table, ended: str | None
) -> None:
    """Writes the model with its units, the ranges it saw and how it came about."""
    # A run resumed after its last epoch has its table from the checkpoint alone.
    table.write()
    learner, settings = task.learner, task.settings
    best = min(table.rows, key=lambda row: row["validation_score"])
    record = {
        "units": {
            **task.snapshots.units._asdict(),
            "length_unit": trajectory.attributes["length_unit"],
            "time_unit": trajectory.attributes["time_unit"],
        },
        "parameters": sum(p.numel() for p in learner.model.parameters()),
        **learner.record(task.snapshots, task.train),
        "measured": {
            name: None if value is None else float(value)
            for name, value in task.measured._asdict().items()
        },
        "training": {
            **settings,
            "dataset": trajectory.attributes["dataset"],
            "hole_distance_used": float(task.snapshots.hole_distance),
            "rows": int(task.snapshots.mask[task.train].sum()),
            "best_step": int(best["step"]),
            "validation_nll": float(best["validation_nll"]),
            "seconds": float(table.rows[-1]["seconds"]),
            "ended": ended,
        },
    }
    groups = learner.inspect(task.snapshots, task.train, traits(trajectory))
    write_learned(folder / "learned.h5", groups)
    checkpoint.save(folder, learner, record)
