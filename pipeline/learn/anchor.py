"""What is measured before training: the temperature that anchors the gauge, and first scales.

The likelihood barely determines the temperature, so the mean T of the model is held at the
measured kinetic one, T0 = var v per component, mean flow and localisation noise taken off. This
is exact in equilibrium. Where the system is driven, T0 is the kinetic temperature of the motion
relative to the flow fitted to each snapshot: an anchor of the scale by convention, which says
how strong fluctuations are and not that the system is in equilibrium.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.learn.snapshots import Snapshots
from pipeline.trajectory import fluctuation

FLOOR = 0.05  # smallest fraction of the velocity variance that is believed to be motion
COLDEST = 1e-8  # T0 of data without any fluctuation [a^2 / dt^2]


class Measured(NamedTuple):
    """Scales in reduced units (length a, time dt)."""

    temperature: float  # T0, variance of v per component, flow and noise removed [a^2 / dt^2]
    velocity_variance: float  # the same with the noise left in
    flow_variance: float  # variance of the flow that was removed, per component
    noise: float  # 2 sigma^2, the part due to localisation
    acceleration: float  # rms of v' - v, external force removed, per component [a / dt]
    change: float  # variance of v' - v per component
    unexplained: float  # the same with 6 sigma^2 of localisation taken off
    neighbours: float  # mean number within the cutoff
    thermal_period: float | None = None  # of thermal motion, if it oscillates [dt]


class Noise(NamedTuple):
    """What the velocities hold that is not the model's, and the anchor."""

    sigma: float  # localisation error [a]
    floor: float  # numerical, so that an isolated particle has a finite score
    temperature: float  # T0
    clean: float  # fraction of var(v' - v) that is not localisation error
    treatment: str  # corrected | covariance | none, see the setting localisation
    step: float = 1.0  # of a rollout, in steps of training
    shake: float = 0.0  # error put on the inputs alone, see `twin.shaken` [a]
    pace: float = 1.0  # at which it is to be taken off [1 / dt]

    @property
    def corrected(self) -> bool:
        """Whether a simulated localisation error takes the bias off."""
        return self.treatment == "corrected" and self.sigma > 0

    @property
    def known(self) -> float:
        """6 sigma^2 / dt^2, the error of a second difference, where it is added to variances."""
        return 6 * self.sigma**2 if self.treatment == "covariance" else 0.0


def shaken(measured: Measured, shake: float, pace: float) -> Measured:
    """The scales of inputs with an error ``shake`` of their own, see `twin.shaken`.

    Its part in v' - v is -(pace^2 + pace) eps(t) + pace eps(t-1), in v it is eps(t) - eps(t-1).
    """
    asked = ((pace**2 + pace) ** 2 + pace**2) * shake**2
    change = measured.change + asked
    return measured._replace(
        velocity_variance=measured.velocity_variance + 2 * shake**2,
        acceleration=change**0.5,
        change=change,
        unexplained=measured.unexplained + asked,
    )


def target(T0: float, gamma: Tensor, force: Tensor) -> Tensor:
    """Temperature of the anchor (scalar): T0 (1 - gamma dt / 2) (1 - <F^2> dt^2 / 4 m T0).

    dt is the step of the rollouts, as everywhere below.

    T0 is the variance of velocities one dt apart, which explicit steps at temperature T keep
    at T / (1 - gamma dt / 2) for friction and, in leapfrog, at T / (1 - (omega dt / 2)^2) for
    springs, whose <F^2> is m omega^2 T.

    Args:
        T0: measured.
        gamma: friction rate times dt, scalar.
        force: (n, D) conservative forces times dt [a m / time].
    """
    springs = force.square().mean() / (4 * T0)
    return T0 * (1 - gamma.clamp(0.0, 1.0) / 2) * (1 - springs.clamp(0.0, 0.5))


def measure(snapshots: Snapshots, times: np.ndarray, localisation_error: float) -> Measured:
    """Scales of the training block.

    Args:
        snapshots: the data in reduced units.
        times: snapshots to use; at most 200 of them, evenly spread, are read.
        localisation_error: sigma per component [a], 0 where velocities are exact.
    """
    times = times[np.unique(np.linspace(0, len(times) - 1, min(len(times), 200)).astype(int))]
    thermal, flow, count, change, pairs, particles = 0.0, 0.0, 0, [], 0, 0
    for t in times:
        batch = snapshots.batch(np.array([t]))
        rows = batch.mask.cpu().numpy()
        r, v = (x.double().cpu().numpy()[rows] for x in (batch.r, batch.v))
        disordered, ordered = fluctuation(r, v)
        thermal, flow, count = thermal + disordered, flow + ordered, count + r.size
        change.append(batch.change()[batch.mask].double().square().mean())
        pairs, particles = pairs + len(batch.pairs.i), particles + len(batch.r)
    variance, noise = thermal / count, 2 * localisation_error**2
    moved = float(torch.stack(change).mean())
    return Measured(
        temperature=max(variance - noise, FLOOR * variance, COLDEST),
        velocity_variance=variance,
        flow_variance=flow / count,
        noise=noise,
        acceleration=moved**0.5,
        change=moved,
        unexplained=max(moved - 6 * localisation_error**2, FLOOR * moved),
        neighbours=2 * pairs / particles,
    )
