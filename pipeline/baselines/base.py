"""What a baseline is: a drift and a noise for velocities, and no entropy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from pipeline.pairs import Pairs, State


class Motion(NamedTuple):
    """Everything deterministic that one evaluation of a baseline yields."""

    pairs: Pairs
    dv: Tensor  # (N, D) drift of the velocity [a / dt^2]
    amplitude: Tensor  # of the noise per sqrt(dt), shaped as its increments


class DataSummary(NamedTuple):
    """What training has seen of its data, for a baseline to start from; in reduced units."""

    sample: Callable[[int], Any]  # so many of its snapshots as one batch: r, v, mask, pairs
    dimension: int
    cutoff: float  # h [a]
    unexplained: float  # variance per component of v' - v without localisation error
    acceleration: float  # root mean square [a / dt^2]
    temperature: float  # T0 [m a^2 / dt^2]
    settings: Any  # of the training


class Baseline(nn.Module, ABC):
    """A model of velocities alone, in reduced units; its arguments are plain numbers."""

    plain: Mapping[str, Any] = {}  # from which `pipeline.baselines.build` makes the same model
    m: Tensor  # mass of a particle
    cutoff: float  # range h of the pair interactions [a]

    @classmethod
    @abstractmethod
    def start(cls, summary: DataSummary) -> dict[str, float]:
        """Arguments of the class, but the cutoff, to begin a training with."""

    @abstractmethod
    def dynamics(self, state: State, pairs: Pairs) -> Motion:
        """Drift and noise amplitude at a state; its entropies are ignored."""

    @abstractmethod
    def fluctuation(self, motion: Motion, increments: Tensor) -> Tensor:
        """dv (N, D) for given Wiener increments N(0, dt), shaped as ``motion.amplitude``."""

    @abstractmethod
    def covariance(self, motion: Motion) -> Tensor:
        """Covariance (N, D, D) of each particle's velocity change per unit time, as scored."""

    def settings(self) -> Mapping[str, Any]:
        """What model.yaml keeps of the model, state dict apart."""
        return self.plain
