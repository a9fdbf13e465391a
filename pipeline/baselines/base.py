"""What a baseline is: a drift and a noise for velocities, and no entropy."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor

from pipeline.pairs import Pairs, State


class Motion(NamedTuple):
    """Everything deterministic that one evaluation of a baseline yields."""

    pairs: Pairs
    dv: Tensor  # (N, D) drift of the velocity [a / dt^2]
    amplitude: Tensor  # of the noise per sqrt(dt), shaped as its increments


class Baseline(Protocol):
    """A model of velocities alone, in reduced units; an nn.Module."""

    @property
    def m(self) -> Tensor:
        """Mass of a particle."""

    @property
    def cutoff(self) -> float:
        """Range h of the pair interactions [a]."""

    def dynamics(self, state: State, pairs: Pairs) -> Motion:
        """Drift and noise amplitude at a state; its entropies are ignored."""

    def fluctuation(self, motion: Motion, increments: Tensor) -> Tensor:
        """dv (N, D) for given Wiener increments N(0, dt), shaped as ``motion.amplitude``."""

    def covariance(self, motion: Motion) -> Tensor:
        """Covariance (N, D, D) of each particle's velocity change per unit time, as scored."""

    def settings(self) -> dict[str, Any]:
        """Plain values from which `pipeline.baselines.build.build` makes the same model."""
