"""What training needs of a model, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from pipeline.dynamics.steppers import Setting
from pipeline.learn.anchor import Measured
from pipeline.learn.carried import Group
from pipeline.learn.data import Transition
from pipeline.learn.schedule import rate
from pipeline.learn.snapshots import Snapshots


class Diverged(ValueError):
    """Loss or gradient is no number any more: nothing better will come of going on."""


class Trainee(lightning.LightningModule, ABC):
    """A model with its loss: one trainer, one stability check and one checkpoint serve them all.

    Args:
        model: to be trained.
        settings: complete settings of the training.
    """

    def __init__(self, model: nn.Module, settings: dict[str, Any]) -> None:
        super().__init__()
        self.model: Any = model
        self.options = settings

    @abstractmethod
    def terms(self, item: Transition) -> dict[str, Tensor]:
        """Every term of the loss, weighted, each a scalar; their sum is the loss. One is nll."""

    @abstractmethod
    def validate(self, item: Transition, index: int) -> dict[str, Tensor]:
        """Scalars to log on the validation block; one is nll."""

    @abstractmethod
    def conditions(self, snapshots: Snapshots, times: np.ndarray, measured: Measured) -> Setting:
        """How the model, as it is now, is rolled out on the trajectory it is trained on."""

    @abstractmethod
    def record(self, snapshots: Snapshots, times: np.ndarray) -> dict[str, Any]:
        """What model.yaml says besides settings, units and measured scales: ``seen`` ranges."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What model.safetensors holds besides the model's own state."""

    @abstractmethod
    def inspect(
        self, snapshots: Snapshots, times: np.ndarray, traits: dict[str, np.ndarray]
    ) -> dict[str, Group]:
        """Curves of what was learned, for learned.h5."""

    def groups(self) -> list[dict[str, Any]]:
        """Groups of trained parameters with their learning rates."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return [{"params": trained, "lr": self.options["learning_rate"]}]

    def training_step(self, item: Transition, index: int) -> Tensor:
        terms = self.terms(item)
        loss = torch.stack([torch.as_tensor(term) for term in terms.values()]).sum()
        if not bool(torch.isfinite(loss)):
            bad = [name for name, term in terms.items() if not bool(torch.isfinite(term))]
            raise Diverged(
                f"The training loss became non-finite at step {self.global_step} (terms: "
                f"{', '.join(bad)}): lower train.learning_rate, with few frames train.steps, or "
                "look for coincident particles."
            )
        rows = int(item.now.mask.sum())
        named = {("train_nll" if name == "nll" else name): term for name, term in terms.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=rows)
        return loss

    def validation_step(self, item: Transition, index: int) -> None:
        found = self.validate(item, index)
        values = {("validation_nll" if k == "nll" else k): value for k, value in found.items()}
        self.log_dict(values, on_epoch=True, batch_size=int(item.now.mask.sum()))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.groups(), betas=(0.9, 0.99))
        steps = self.options["steps"]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def evenly(times: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of the given snapshots, evenly spread."""
    return times[np.unique(np.linspace(0, len(times) - 1, count).astype(int))]
