"""What a rollout needs of a model, with an entropy or without."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.dynamics.boundary import Account, Path
from pipeline.pairs import Pairs, State
from pipeline.units import ReducedUnits


class Law(Protocol):
    """How the particles now present get from one step to the next, in reduced units.

    ``index`` (n,) says which of the trajectory's particles the rows of a state are; ``dynamics``
    is whatever `evaluate` returned for that state.
    """

    @property
    def m(self) -> Tensor:
        """Mass of a particle."""

    @property
    def cutoff(self) -> float:
        """Range h of the pair interactions [a]."""

    @property
    def speed(self) -> float:
        """Largest |v| in the training data [a / dt]; a rollout may triple it."""

    def enter(self, state: State, pairs: Pairs, index: np.ndarray) -> Tensor:
        """Entropies (n,) of particles whose r and v come from the data."""

    def evaluate(
        self, state: State, pairs: Pairs, index: np.ndarray, force: Tensor | None, dt: float
    ) -> Any:
        """Everything deterministic at a state, an external force (n, D) included."""

    def step(
        self, state: State, dynamics: Any, path: Path, dt: float, generator: torch.Generator
    ) -> tuple[State, Account]:
        """The state a step later, driven rows led along their path, and what that took."""

    def check(self, state: State, dynamics: Any, rows: Tensor, dt: float) -> str:
        """A sentence where the given rows have left what the model can be trusted with, or ""."""

    def energy(self, state: State, dynamics: Any) -> float:
        """Energy of all particles, kinetic where the model knows no other."""

    def totals(self, state: State, dynamics: Any) -> dict[str, float]:
        """What is logged of every snapshot besides kinetic energy and momentum."""

    def fields(self, state: State, dynamics: Any) -> dict[str, Tensor]:
        """What is recorded of every particle (n,) besides position and velocity."""


class Setting(Protocol):
    """What a rollout needs besides data and model."""

    @property
    def units(self) -> ReducedUnits:
        """Reduced units of the model in the trajectory's."""

    @property
    def substeps(self) -> int:
        """Integrator steps per snapshot interval, whatever the unit of time."""

    @property
    def skin(self) -> float:
        """Of the neighbour list [a]."""

    @property
    def thermal_period(self) -> float | None:
        """Of the motion taken out of driven paths [dt]."""

    def law(self, model: nn.Module) -> Law:
        """The law by which ``model`` moves particles under these conditions."""
