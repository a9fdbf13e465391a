"""The state of a particle system: what the dynamics evolves."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class State(NamedTuple):
    """Positions, velocities and entropies of N particles (paper, section 5.1).

    Reduced units throughout the model: length a (mean neighbour distance), time one snapshot
    interval, m = k_B = 1.
    """

    r: Tensor  # (N, D) positions [a]
    v: Tensor  # (N, D) velocities [a / dt]
    S: Tensor  # (N,)   entropies [k_B]


class Rates(NamedTuple):
    """Rates of change, or increments, of the velocity and entropy of N particles."""

    dv: Tensor  # (N, D) [a / dt^2] as a rate, [a / dt] as an increment
    dS: Tensor  # (N,)   [k_B / dt] as a rate, [k_B] as an increment
