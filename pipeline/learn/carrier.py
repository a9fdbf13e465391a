"""The metriplectic model with the latents of its particles: rollouts and files of the two."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.dynamics.steppers import Conditions
from pipeline.learn import start
from pipeline.learn.anchor import Measured
from pipeline.learn.carried import Group
from pipeline.learn.inspect import inspect
from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Snapshots
from pipeline.learn.trainee import Trainee
from pipeline.metriplectic.model import Metriplectic


class Carrier(Trainee):
    """What is done with the model and its latents whatever the loss.

    Args:
        model: to be trained.
        latent: entropies and strengths of the training particles.
        settings: complete settings of the training.
    """

    def __init__(self, model: Metriplectic, latent: Latent, settings: dict[str, Any]) -> None:
        super().__init__(model, settings)
        self.latent = latent

    def groups(self) -> list[dict[str, Any]]:
        """The model's parameters, the latents and the strengths, each at its own rate."""
        return [
            {"params": list(self.model.parameters()), "lr": self.options["learning_rate"]},
            {"params": [self.latent.z], "lr": self.options["latent_rate"]},
            {"params": [self.latent.log_s], "lr": self.options["strength_rate"]},
        ]

    def conditions(self, snapshots: Snapshots, times: np.ndarray, measured: Measured) -> Conditions:
        """See `Trainee`; the particles are those of the whole trajectory."""
        limits, mean = start.seen(self.model, self.latent, snapshots, times)
        z = (self.latent.z * self.latent.trained).detach().cpu().double().numpy()
        solid = snapshots.reference
        strength = self.latent.strength(torch.arange(len(z), device=self.latent.z.device))
        return Conditions(
            snapshots.units,
            z,
            mean,
            limits,
            strength=None if strength is None else strength.detach().cpu().double().numpy(),
            thermal_period=measured.thermal_period,
            substeps=self.options["rollout_substeps"],
            reference=None if solid is None else solid.to("cpu", torch.float64),
        )

    def record(self, snapshots: Snapshots, times: np.ndarray) -> dict[str, Any]:
        """Ranges of the state met in training and the laws of the latents."""
        limits, mean = start.seen(self.model, self.latent, snapshots, times)
        seen = {
            "S": list(limits.S),
            "V": list(limits.V),
            "T": list(limits.T),
            "speed": limits.speed,
            "mean_T": mean,
            "heat_capacity": limits.heat_capacity,
        }
        return {
            "seen": seen,
            "latent": {"std": float(self.latent.spread().detach()), "law": "normal"},
            "strength": {"std": float(self.latent.centred().detach().std()), "law": "log-normal"},
        }

    def tensors(self) -> dict[str, Tensor]:
        """The latents of trained particles and the strengths of those met, with their labels."""
        known, met = self.latent.trained.cpu(), self.latent.met.cpu()
        return {
            "latent.labels": self.latent.labels.cpu()[known],
            "latent.z": self.latent.z.detach().cpu()[known],
            "latent.met": self.latent.labels.cpu()[met],
            "latent.log_s": self.latent.centred().detach().cpu()[met],
        }

    def inspect(
        self, snapshots: Snapshots, times: np.ndarray, traits: dict[str, np.ndarray]
    ) -> dict[str, Group]:
        """See `pipeline.learn.inspect`."""
        return inspect(self.model, self.latent, snapshots, times, traits)
