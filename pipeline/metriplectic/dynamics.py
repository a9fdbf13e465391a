"""What one evaluation of the model yields; drift, noise and integrators all start from it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pipeline.closures.friction import Amplitudes
from pipeline.metriplectic.thermo import Thermo
from pipeline.pairs import Pairs, Rates


class Dynamics(NamedTuple):
    """Everything deterministic that one evaluation of the model yields."""

    pairs: Pairs
    v_ij: Tensor  # (P, D) relative velocities
    thermo: Thermo  # (N,) fields
    amplitudes: Amplitudes  # (P,) squared noise amplitudes
    thermal: Tensor  # (N,) sum_j (q_ij/4 + c_ij^2)
    drift: Rates  # dv/dt (N, D), dS/dt (N,)
    friction: Tensor  # (P, D) friction force of each pair, which i loses and j gains
    conduction: Tensor  # (P,) heat from j to i per unit time
    pressure: Tensor  # (P,) conservative force of j on i along e_ij
