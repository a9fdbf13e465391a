"""The loss of the baselines: the velocity part of the likelihood, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.baselines.base import Baseline, Motion
from pipeline.baselines.build import build
from pipeline.dynamics.steppers import Plain
from pipeline.learn.data import Transition
from pipeline.learn.errors_in_variables import draws, shaken, spread, twin
from pipeline.learn.learned_curves import Group
from pipeline.learn.likelihood import Velocity, velocity_scores
from pipeline.learn.modules import Trainee, evenly
from pipeline.learn.scales import Measured, Noise
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Snapshots
from pipeline.pairs import Pairs, State

SHARE = 0.5  # of the velocity change given to forces at the start, and to noise


class BaselineLearner(Trainee):
    """Maximum likelihood of v' for a baseline, the localisation error treated as for ours.

    Args:
        model: an nn.Module that is a `pipeline.baselines.motion.Baseline`.
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
            now = shaken(now, self.noise.shake, generator, self.noise.pace)
        motion, residual = self.evaluate(now)
        echo = None
        excess = residual.new_zeros(())
        if self.noise.shake:
            excess = spread(residual, now.mask)
        if self.noise.corrected:
            echo = self.evaluate(twin(now, self.noise.sigma, generator))[1] - residual
            excess = spread(echo, now.mask)
        unit = torch.eye(residual.shape[1], dtype=residual.dtype, device=residual.device)
        vv = self.model.covariance(motion) + (extra + excess) * unit
        found: Velocity = velocity_scores(residual, vv, echo, excess)
        return found.value[now.mask].mean()

    def terms(self, item: Transition) -> dict[str, Tensor]:
        """The likelihood alone."""
        return {"nll": self.score(item, self.global_step)}

    def validate(self, item: Transition, index: int) -> dict[str, Tensor]:
        """The same on the validation block."""
        return {"nll": self.score(item, -1 - index)}

    def conditions(self, snapshots: Snapshots, times: np.ndarray, measured: Measured) -> Plain:
        """See `Trainee`."""
        return Plain(
            snapshots.units,
            fastest(snapshots, times),
            substeps=self.options.rollout_substeps,
            thermal_period=measured.thermal_period,
        )

    def record(self, snapshots: Snapshots, times: np.ndarray) -> dict[str, Any]:
        """The largest speed met in training."""
        return {"seen": {"speed": fastest(snapshots, times)}}

    def tensors(self) -> dict[str, Tensor]:
        """Nothing beside the model."""
        return {}

    def inspect(
        self, snapshots: Snapshots, times: np.ndarray, traits: dict[str, np.ndarray]
    ) -> dict[str, Group]:
        """No curves: a baseline has no closures."""
        return {}


def fastest(snapshots: Snapshots, times: np.ndarray) -> float:
    """Largest |v| of the scored rows in at most 200 training snapshots."""
    batch = snapshots.batch(evenly(times, 200))
    return float(batch.v[batch.mask].square().sum(1).max().sqrt())


def start_baseline(
    snapshots: Snapshots, times: np.ndarray, measured: Measured, settings: Training
) -> Any:
    """A baseline whose scales are measured, on the device and in the precision of the data."""
    kind = settings.model
    scales = SCALES[kind](snapshots, times, measured, settings)
    plain = {"kind": kind, "cutoff": snapshots.cutoff, **scales}
    return build(plain).to(snapshots.device, snapshots.dtype)


def _network(
    snapshots: Snapshots, times: np.ndarray, measured: Measured, settings: Training
) -> dict[str, Any]:
    """Sizes of the layers, and the scales of what goes in and comes out."""
    batch = snapshots.batch(evenly(times, 20))
    return {
        "dimension": snapshots.dimension,
        "width": settings.width,
        "layers": settings.layers,
        "velocity": float((batch.v[batch.mask].square().mean() + 2 * settings.shake**2).sqrt()),
        "acceleration": measured.acceleration,
    }


def _dpd(
    snapshots: Snapshots, times: np.ndarray, measured: Measured, settings: Training
) -> dict[str, Any]:
    """Force and noise that each explain half of the velocity change, at the measured T0."""
    batch = snapshots.batch(evenly(times, 5))
    pairs: Pairs = batch.pairs
    unit: Baseline = build(
        {"kind": "dpd", "cutoff": snapshots.cutoff, "alpha": 1.0, "sigma": 1.0, "temperature": 1.0}
    ).to(snapshots.device, snapshots.dtype)
    still = torch.zeros_like(batch.v)
    with torch.no_grad():
        motion = unit.dynamics(State(batch.r, still, still[:, 0]), pairs)
        force = motion.dv[batch.mask].square().mean()
        noise = unit.covariance(motion).diagonal(dim1=1, dim2=2)[batch.mask].mean()
    return {
        "alpha": float((SHARE * measured.unexplained / force).sqrt()),
        # Not so much that friction, sigma^2 / 2 k_B T, reverses a velocity within a step.
        "sigma": float(
            (min(SHARE * measured.unexplained, 2 * measured.temperature) / noise).sqrt()
        ),
        "temperature": measured.temperature,
    }


# What each kind of baseline asks for besides its cutoff, measured where it is a scale.
SCALES: dict[str, Callable[..., dict[str, Any]]] = {
    "dpd": _dpd,
    "gns": _network,
    "gns_sde": _network,
}
