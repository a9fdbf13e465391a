"""The loss of the baselines: the velocity part of the likelihood, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import baselines
from pipeline.baselines.base import DataSummary, Motion
from pipeline.dynamics.steppers import Plain
from pipeline.learn.data import Transition
from pipeline.learn.errors_in_variables import draws, spread, twin, with_noise
from pipeline.learn.learned_curves import Group
from pipeline.learn.likelihood import Velocity, isotropic, velocity_scores
from pipeline.learn.scales import Measured, Noise
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Sample
from pipeline.learn.trainee import Trainee
from pipeline.pairs import State


class BaselineLearner(Trainee):
    """Maximum likelihood of v' for a baseline, the localisation error treated as for ours.

    Args:
        model: an nn.Module that is a `pipeline.baselines.base.Baseline`.
        settings: of the training.
        noise: variances that are not the model's.
    """

    def __init__(self, model: Any, settings: Training, noise: Noise) -> None:
        super().__init__(model, settings)
        self.noise = noise

    def evaluate(self, now: Batch) -> tuple[Motion, Tensor]:
        """The model at a batch, and the residual v' - mu (n, D)."""
        still = torch.zeros_like(now.v[:, 0])
        motion = self.model.dynamics(State(now.r, now.v, still), now.pairs)
        return motion, now.change() - motion.dv

    def score(self, item: Transition, draw: int) -> Tensor:
        """Mean negative log-likelihood per row that counts: a scalar.

        Args:
            item: snapshots t and t + 1.
            draw: number of the simulated localisation error, where there is one.
        """
        now, extra = item.now, self.noise.floor + self.noise.known
        generator = draws(self.options.seed, draw, now.r.device)
        if self.noise.shake:
            now = with_noise(now, self.noise.shake, generator, self.noise.pace)
        motion, residual = self.evaluate(now)
        echo = None
        excess = residual.new_zeros(())
        if self.noise.shake:
            excess = spread(residual, now)
        if self.noise.corrected:
            echo = self.evaluate(twin(now, self.noise.sigma, generator))[1] - residual
            excess = spread(echo, now)
        vv = self.model.covariance(motion) + isotropic(extra + excess, residual)
        found: Velocity = velocity_scores(residual, vv, echo, excess)
        return found.value[now.mask].mean()

    def terms(self, item: Transition) -> dict[str, Tensor]:
        """The likelihood alone."""
        return {"nll": self.score(item, self.global_step)}

    def validate(self, item: Transition, index: int) -> dict[str, Tensor]:
        """The same on the validation block."""
        return {"nll": self.score(item, -1 - index)}

    def conditions(
        self, sample: Sample, measured: Measured, who: np.ndarray | slice = slice(None)
    ) -> Plain:
        """See `Trainee`."""
        return Plain(
            sample.snapshots.units,
            fastest(sample),
            substeps=self.options.rollout_substeps,
            thermal_period=measured.thermal_period,
        )

    def record(self, sample: Sample) -> dict[str, Any]:
        """The largest speed met in training."""
        return {"seen": {"speed": fastest(sample)}}

    def tensors(self) -> dict[str, Tensor]:
        """Nothing beside the model."""
        return {}

    def inspect(self, sample: Sample, traits: dict[str, np.ndarray]) -> dict[str, Group]:
        """No curves: a baseline has no closures."""
        return {}


def fastest(sample: Sample) -> float:
    """Largest |v| of the scored rows in at most 200 training snapshots."""
    batch = sample.batch(200)
    return float(batch.v[batch.mask].square().sum(1).max().sqrt())


def start_baseline(sample: Sample, measured: Measured, settings: Training) -> Any:
    """A baseline whose scales are measured, on the device and in the precision of the data."""
    name, snapshots = settings.model, sample.snapshots
    summary = DataSummary(
        sample.batch,
        snapshots.dimension,
        snapshots.cutoff,
        measured.unexplained,
        measured.acceleration,
        measured.temperature,
        settings,
    )
    plain = {"kind": name, "cutoff": snapshots.cutoff, **baselines.kind(name).start(summary)}
    return baselines.build(plain).to(snapshots.device, snapshots.dtype)
