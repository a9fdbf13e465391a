"""What a rollout needs of a model, one step; of baselines, which have no entropy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.baselines.base import Baseline, Motion
from pipeline.dynamics.accounts import Account, by_leading
from pipeline.dynamics.driven import Path, lead_velocity
from pipeline.dynamics.limits import outruns
from pipeline.pairs import NeighbourList, Pairs, State
from pipeline.space import Space
from pipeline.units import ReducedUnits


class Moment(NamedTuple):
    """The particles present at one moment, in reduced units, and what acts on them.

    Fields:
        state: of the particles. who: (n,) which of the trajectory's they are.
        time: where the images of a sheared box, and a flow that changes, have got to.
        force: (n, D) from outside. flow: (n, D) velocity of the medium. None where there is none.
    """

    state: State
    who: np.ndarray
    time: float
    force: Tensor | None = None
    flow: Tensor | None = None


class Law(ABC):
    """How the particles now present get from one step to the next, in reduced units.

    ``dynamics`` is whatever `evaluate` returned for a state. What is not said otherwise is so for
    a model without entropy, medium or potential energy.
    """

    neighbours: NeighbourList
    engine = "torch"  # what computes the step

    def __init__(self, model: Any) -> None:
        self.model = model
        self.generator = torch.Generator()

    def seed(self, seed: int) -> None:
        """Begins the random numbers of a run."""
        self.generator.manual_seed(seed)

    def settle(self, space: Space, skin: float) -> None:
        """Takes the space that particles move in; who are neighbours is found anew.

        Args:
            space: in reduced units.
            skin: see `NeighbourList`.

        Raises:
            InputError: if the cutoff is too long for the box.
        """
        self.neighbours = NeighbourList(space, self.cutoff, skin)

    def pairs(self, here: Moment) -> Pairs:
        """Pairs closer than the cutoff."""
        return self.neighbours.pairs(here.state.r, here.time)

    @property
    def m(self) -> Tensor:
        """Mass of a particle."""
        return self.model.m

    @property
    def cutoff(self) -> float:
        """Range h of the pair interactions [a]."""
        return self.model.cutoff

    @property
    @abstractmethod
    def speed(self) -> float:
        """Largest |v| in the training data [a / dt]; a rollout may triple it."""

    @property
    def medium(self) -> str:
        """none | inertial | active | brownian: in the last, velocities are forgotten within a step;
        what is active feeds motion, and gives no heat that belongs to a temperature."""
        return "none"

    def flow(self, r: Tensor, time: float) -> Tensor | None:
        """Velocity (n, D) of the medium at r (n, D); None where it rests or there is none."""
        return None

    def enter(self, here: Moment) -> Tensor:
        """Entropies (n,) of particles whose r and v come from the data."""
        return torch.zeros_like(here.state.S)

    @abstractmethod
    def evaluate(self, here: Moment, dt: float) -> Any:
        """Everything deterministic at a moment."""

    @abstractmethod
    def step(self, state: State, dynamics: Any, path: Path, dt: float) -> tuple[State, Account]:
        """The state a step later, driven rows led along their path, and what that took."""

    @abstractmethod
    def check(self, state: State, dynamics: Any, rows: Tensor, dt: float) -> str:
        """A sentence where the given rows have left what the model can be trusted with, or ""."""

    def energy(self, state: State, dynamics: Any) -> float:
        """Energy of all particles, kinetic where the model knows no other."""
        return float(0.5 * self.m * state.v.square().sum())

    def half_kick(self, state: State, dynamics: Any) -> float:
        """What half a step of the conservative forces adds to the kinetic energy, to first order.

        Velocities of a leapfrog are half a step behind positions; with it the energy is that of one
        moment, and its balance closes to second order in the step.
        """
        return 0.0

    def totals(self, state: State, dynamics: Any) -> dict[str, float]:
        """What is logged of every snapshot besides kinetic energy and momentum."""
        return {}

    def fields(self, state: State, dynamics: Any) -> dict[str, Tensor]:
        """What is recorded of every particle (n,) besides position and velocity."""
        return {}


@dataclass(frozen=True, eq=False)
class Setting(ABC):
    """What a rollout needs besides data and model."""

    units: ReducedUnits  # reduced units of the model in the trajectory's
    substeps: int = field(default=1, kw_only=True)  # integrator steps per snapshot interval
    skin: float = field(default=0.3, kw_only=True)  # of the neighbour list [a]
    # Of the motion taken out of driven paths [dt].
    thermal_period: float | None = field(default=None, kw_only=True)

    @abstractmethod
    def law(self, model: Any) -> Law:
        """The law by which ``model`` moves particles under these conditions."""


@dataclass(frozen=True, eq=False)
class Plain(Setting):
    """What a rollout of a baseline needs besides the data and the model."""

    speed: float = 1e30  # largest |v| met in training [a / dt]

    def law(self, model: Any) -> Law:
        return Mechanical(model, self.speed)


class Mechanical(Law):
    """v' = v + dv, r' = r + v' dt with drift and noise at the beginning.

    The driving particles' work counts what they give to kinetic energy, the only one there is.
    """

    model: Baseline

    def __init__(self, model: Baseline, speed: float) -> None:
        super().__init__(model)
        self._speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    def evaluate(self, here: Moment, dt: float) -> Motion:
        motion = self.model.dynamics(here.state, self.pairs(here))
        return motion if here.force is None else motion._replace(dv=motion.dv + here.force / self.m)

    def step(self, state: State, dynamics: Motion, path: Path, dt: float) -> tuple[State, Account]:
        like = dynamics.amplitude
        normal = torch.randn(
            like.shape, generator=self.generator, dtype=like.dtype, device=like.device
        )
        free = state.v + dynamics.dv * dt + self.model.fluctuation(dynamics, normal * dt**0.5)
        v = lead_velocity(free, path)
        r = (state.r + v * dt).index_copy(0, path.rows, path.r)
        k = path.rows
        return State(r, v, state.S), by_leading(self.m, state.v[k], free[k], v[k])

    def check(self, state: State, dynamics: Motion, rows: Tensor, dt: float) -> str:
        return outruns(state.v[rows], self.speed)
