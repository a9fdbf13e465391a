"""Diffusion coefficient and localisation error from the steps of tracked particles.

Independent steps with white localisation error have variance 2 D dt + 2 sigma^2 and covariance
- sigma^2 with the next one, so that D = <dx^2> / (2 dt) + <dx_t dx_t+1> / dt: the covariance
estimator of Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E 89, 022726 (2014), without motion
blur. It needs no fit and no choice of lags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.analysis.uncertainty import draws, percentiles
from pipeline.errors import InputError
from pipeline.trajectory import Trajectory


class Diffusion(NamedTuple):
    """Coefficient with its 95 % interval over particles [length^2 / time]."""

    value: float
    low: float
    high: float


def diffusion(trajectory: Trajectory) -> Diffusion:
    """D of the free particles, relative to their mean motion in each snapshot.

    Raises:
        InputError: if no particle has two successive steps.
    """
    free, dt = trajectory.free, trajectory.dt
    count = np.maximum(free.sum(axis=1), 1)[:, None]
    mean = np.where(free[..., None], trajectory.velocity, 0.0).sum(axis=1) / count
    step = np.where(free[..., None], trajectory.velocity - mean[:, None], 0.0) * dt
    both = free[1:] & free[:-1] & trajectory.successive()[:, None]
    if not both.any():
        raise InputError("No particle has two successive steps: there is no diffusion to measure.")
    product = np.where(both, (step[1:] * step[:-1]).mean(axis=2), 0.0)
    sums = np.stack(
        [(step**2).mean(axis=2).sum(0), free.sum(0), product.sum(0), both.sum(0)], axis=1
    )
    who = sums[:, 1] > 0

    def coefficient(total: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            variance, covariance = total[..., 0] / total[..., 1], total[..., 2] / total[..., 3]
        return variance / (2 * dt) + covariance / dt

    samples = coefficient(draws(int(who.sum())) @ sums[who])
    low, high = percentiles(samples[:, None])
    return Diffusion(float(coefficient(sums.sum(axis=0))), float(low[0]), float(high[0]))
