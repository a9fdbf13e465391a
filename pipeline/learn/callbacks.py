"""What watches the training: the log table, the progress bar, the clock, short rollouts."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from tqdm import tqdm

from pipeline.dynamics.rollout import rollout
from pipeline.files import whole
from pipeline.learn.task import Task
from pipeline.learn.trainee import Diverged
from pipeline.trajectory import Trajectory

UNSTABLE = 1e3  # added to the validation score of a model whose rollout stopped early
OVERFLOWS = 10  # steps in a row that may be left out for a non-finite gradient


class Table(lightning.Callback):
    """Writes training.csv: one row per validation, with every term of the loss.

    The rows travel in the checkpoint, so that a resumed run goes on with the table it had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []
        self.spent = 0.0
        self._start = time.process_time()

    def seconds(self) -> float:
        """CPU time of training so far, all sessions together.

        Wall time would make a model worse for what else its machine had to do.
        """
        return self.spent + time.process_time() - self._start

    def on_fit_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._start = time.process_time()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        row = {
            "step": trainer.global_step,
            "epoch": trainer.current_epoch,
            "seconds": round(self.seconds(), 3),
        }
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row.update((name, values[name]) for name in ("train_nll", "validation_nll"))
        row.update((name, value) for name, value in values.items() if name not in row)
        self.rows.append(row)
        self.write()

    def write(self) -> None:
        """Writes all rows; the file appears whole or not at all."""
        with whole(self.path) as partial, open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": [dict(row) for row in self.rows], "seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = [dict(row) for row in state["rows"]]
        self.spent = float(state["seconds"])


class Bar(lightning.Callback):
    """A progress bar on stderr over all steps, which also reads well in a log file."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.bar: tqdm | None = None

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.bar = tqdm(
            total=self.steps,
            initial=trainer.global_step,
            desc="training",
            unit="step",
            mininterval=2,
        )

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if self.bar is not None:
            self.bar.update(1)

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if self.bar is not None and "validation_nll" in trainer.callback_metrics:
            value = float(trainer.callback_metrics["validation_nll"])
            self.bar.set_postfix(validation_nll=f"{value:.4f}")

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if self.bar is not None:
            self.bar.close()


class Clock(lightning.Callback):
    """Stops after ``minutes`` of CPU time, sessions before an interruption included."""

    def __init__(self, table: Table, minutes: float) -> None:
        self.table, self.minutes = table, minutes

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if self.table.seconds() > 60 * self.minutes:
            trainer.should_stop = True


class Overflow(lightning.Callback):
    """Leaves out a step whose gradient overflowed; too many of them are an error."""

    def __init__(self) -> None:
        self.count = 0

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if bool(torch.isfinite(torch.stack([g.sum() for g in gradients])).all()):
            self.count = 0
            return
        self.count += 1
        if self.count > OVERFLOWS:
            raise Diverged(
                f"The gradient was non-finite {self.count} times in a row, last at step "
                f"{trainer.global_step}: lower learning_rate or train in float64 (precision)."
            )
        for g in gradients:
            g.zero_()


class Stability(lightning.Callback):
    """A short rollout on the validation block: the likelihood alone does not see a blow-up.

    Logs validation_score: the validation likelihood, or far worse if the rollout stopped.
    """

    def __init__(self, task: Task, trajectory: Trajectory) -> None:
        self.task = task
        rows = task.parts["validation"]
        last = min(rows.stop, rows.start + task.settings.rollout_steps + 1)
        self.window = trajectory.followed(slice(rows.start, last))
        self.who = np.flatnonzero(np.isin(trajectory.particle, self.window.particle))

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        task, learner = self.task, self.task.learner
        conditions = learner.conditions(task.sample, task.measured, self.who)
        done = rollout(self.window, learner.model, conditions, task.settings.seed, False)
        share = len(done.trajectory.time) / len(self.window.time)
        penalty = UNSTABLE * (1.0 - share) if done.stopped else 0.0
        nll = trainer.callback_metrics["validation_nll"]
        module.log("rollout_share", share)
        module.log("validation_score", float(nll) + penalty)
