"""Rollouts of the baselines, which know velocities and no entropy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.baselines.motion import Baseline, Motion
from pipeline.dynamics.boundary import Account, Path, lead_velocity, pushed
from pipeline.dynamics.limits import outruns
from pipeline.pairs import Pairs, State
from pipeline.units import ReducedUnits


class Plain(NamedTuple):
    """What a rollout of a baseline needs besides the data and the model."""

    units: ReducedUnits  # reduced units of the model in the trajectory's
    speed: float = 1e30  # largest |v| met in training [a / dt]
    substeps: int = 1  # integrator steps per snapshot interval
    skin: float = 0.3  # of the neighbour list [a]
    thermal_period: float | None = None  # of the motion taken out of driven paths [dt]

    def law(self, model: Any) -> Mechanical:
        """See `pipeline.dynamics.law.Setting`."""
        return Mechanical(model, self.speed)


class Mechanical:
    """v' = v + dv, r' = r + v' dt with drift and noise at the beginning; see `law.Law`.

    The driving particles' work counts what they give to kinetic energy, the only one there is.
    """

    def __init__(self, model: Baseline, speed: float) -> None:
        self.model, self._speed = model, speed

    @property
    def m(self) -> Tensor:
        return self.model.m

    @property
    def cutoff(self) -> float:
        return self.model.cutoff

    @property
    def speed(self) -> float:
        return self._speed

    def enter(self, state: State, pairs: Pairs, index: np.ndarray) -> Tensor:
        return torch.zeros_like(state.S)

    def evaluate(
        self, state: State, pairs: Pairs, index: np.ndarray, force: Tensor | None, dt: float
    ) -> Motion:
        motion = self.model.dynamics(state, pairs)
        return motion if force is None else motion._replace(dv=motion.dv + force / self.m)

    def step(
        self, state: State, dynamics: Motion, path: Path, dt: float, generator: torch.Generator
    ) -> tuple[State, Account]:
        like = dynamics.amplitude
        normal = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
        free = state.v + dynamics.dv * dt + self.model.fluctuation(dynamics, normal * dt**0.5)
        v = lead_velocity(free, path)
        r = (state.r + v * dt).index_copy(0, path.rows, path.r)
        k = path.rows
        return State(r, v, state.S), pushed(self.m, state.v[k], free[k], v[k])

    def check(self, state: State, dynamics: Motion, rows: Tensor, dt: float) -> str:
        return outruns(state.v[rows], self.speed)

    def energy(self, state: State, dynamics: Motion) -> float:
        return float(0.5 * self.m * state.v.square().sum())

    def totals(self, state: State, dynamics: Motion) -> dict[str, float]:
        return {}

    def fields(self, state: State, dynamics: Motion) -> dict[str, Tensor]:
        return {}
