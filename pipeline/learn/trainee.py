"""What is asked of any model in training: its loss, what it leaves behind, and its schedule."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from pipeline.dynamics.steppers import Setting
from pipeline.errors import InputError
from pipeline.learn.data import Transition
from pipeline.learn.learned_curves import Group
from pipeline.learn.scales import Measured
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Sample, Snapshots

WARMUP = 0.03  # fraction of the steps over which the learning rate rises
FINAL = 0.01  # fraction of the peak at which it ends


def rate(step: int, steps: int, steady: float = 0.0) -> float:
    """Factor on the learning rate: linear rise, the peak, then a cosine down to FINAL.

    Args:
        step: number of the step, from 0.
        steps: of the training.
        steady: fraction of them after which the fall begins.
    """
    rise = max(1, round(WARMUP * steps))
    if step < rise:
        return (step + 1) / rise
    top = max(rise, round(steady * steps))
    x = min(1.0, max(0, step - top) / max(1, steps - top))
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * x))


class Diverged(InputError):
    """Loss or gradient is no number any more: nothing better will come of going on."""


class Trainee(lightning.LightningModule, ABC):
    """A model with its loss: one trainer, one stability check and one checkpoint serve them all.

    Args:
        model: to be trained.
        settings: of the training.
    """

    def __init__(self, model: nn.Module, settings: Training) -> None:
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
    def conditions(
        self, sample: Sample, measured: Measured, who: np.ndarray | slice = slice(None)
    ) -> Setting:
        """How the model, as it is now, is rolled out on its trajectory, ``who`` taking part."""

    @abstractmethod
    def record(self, sample: Sample) -> dict[str, Any]:
        """What model.yaml says besides settings, units and measured scales: ``seen`` ranges."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What model.safetensors holds besides the model's own state."""

    @abstractmethod
    def inspect(self, sample: Sample, traits: dict[str, np.ndarray]) -> dict[str, Group]:
        """Curves of what was learned, for learned.h5."""

    def tested(self, snapshots: Snapshots, times: np.ndarray) -> dict[str, Group]:
        """Tests of the residuals on snapshots not trained on, for learned.h5; none by default."""
        return {}

    def groups(self) -> list[dict[str, Any]]:
        """Groups of trained parameters with their learning rates."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        return [{"params": trained, "lr": self.options.learning_rate}]

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

    def optimizer(self) -> torch.optim.Optimizer:
        """What takes the steps, at the peak of its rates."""
        return torch.optim.Adam(self.groups(), betas=(0.9, 0.99))

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer()
        steps, steady = self.options.steps, self.options.steady
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate(step, steps, steady)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
