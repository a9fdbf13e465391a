"""A short rollout on the validation block: the likelihood alone does not see a blow-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightning

from pipeline.dynamics.rollout import rollout
from pipeline.trajectory import Trajectory

if TYPE_CHECKING:
    from pipeline.learn.task import Task

UNSTABLE = 1e3  # added to the validation score of a model whose rollout stopped early


class Stability(lightning.Callback):
    """Logs validation_score: the validation likelihood, or far worse if the rollout stopped."""

    def __init__(self, task: Task, trajectory: Trajectory) -> None:
        self.task = task
        rows = task.parts["validation"]
        last = min(rows.stop, rows.start + task.settings["rollout_steps"] + 1)
        self.window = trajectory.window(slice(rows.start, last))

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        task, learner = self.task, self.task.learner
        conditions = learner.conditions(task.snapshots, task.train, task.measured)
        done = rollout(self.window, learner.model, conditions, task.settings["seed"], False)
        share = len(done.trajectory.time) / len(self.window.time)
        penalty = UNSTABLE * (1.0 - share) if done.stopped else 0.0
        nll = trainer.callback_metrics["validation_nll"]
        module.log("rollout_share", share)
        module.log("validation_score", float(nll) + penalty)
