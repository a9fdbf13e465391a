"""Quantities logged along a rollout, from which the laws can be audited."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.dynamics.boundary import Account
from pipeline.pairs import State


def kinetic_temperature(r: Tensor, v: Tensor) -> float:
    """Variance of v per component about the affine flow fitted to v (n, D) at r (n, D)."""
    n, dimension = v.shape
    if n < 2 * (dimension + 1):
        return float(v.var(0, correction=0).mean()) if n else float("nan")
    basis = torch.cat([torch.ones_like(r[:, :1]), r - r.mean(0)], 1)
    flow = basis @ torch.linalg.solve(basis.T @ basis, basis.T @ v)
    return float((v - flow).square().sum() / ((n - dimension - 1) * dimension))


class Log:
    """Totals at each snapshot, in reduced units.

    ``energy`` counts all particles then present, driven ones too; ``work`` and ``impulse`` are
    what driving and the coming and going of particles have given since the start. Energy minus
    work and momentum minus impulse are therefore constant, momentum to round-off. A model
    without energy or entropy logs none.
    """

    def __init__(self, count: int, dimension: int) -> None:
        self.scalars: dict[str, np.ndarray] = {}
        self.count = count
        self.momentum = np.full((count, dimension), np.nan)
        self.impulse = np.full((count, dimension), np.nan)

    def record(
        self,
        t: int,
        m: Tensor,
        state: State,
        totals: dict[str, float],
        given: Account,
        free: Tensor,
    ) -> None:
        """Notes the totals of snapshot ``t``; ``free`` are the rows that are not driven."""
        values = {
            **totals,
            "kinetic": float(0.5 * m * state.v.square().sum()),
            "work": given.work,
            "temperature": float(m) * kinetic_temperature(state.r[free], state.v[free]),
        }
        for name, value in values.items():
            self.scalars.setdefault(name, np.full(self.count, np.nan))[t] = value
        self.momentum[t] = (m * state.v.sum(0)).numpy()
        self.impulse[t] = given.impulse.numpy()

    def arrays(self, time: np.ndarray, last: int) -> dict[str, np.ndarray]:
        """The first ``last`` snapshots as arrays, with their times."""
        arrays = {"time": time, **self.scalars, "momentum": self.momentum, "impulse": self.impulse}
        return {name: value[:last] for name, value in arrays.items()}
