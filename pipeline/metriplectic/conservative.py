"""Reversible part L grad E of the drift (paper, A.1)."""

from __future__ import annotations

from torch import Tensor

from pipeline.closures.volume import Kernel
from pipeline.metriplectic.thermo import Side


def pressure_force(kernel: Kernel, i: Side, j: Side) -> Tensor:
    """Force of j on i along e_ij (P,): f_ij = -(P_i/d_i^2 + P_j/d_j^2) w'(r_ij) (paper, A.3).

    symbol        variable        meaning
    P_i/d_i^2     i.pressure      -dU_i/dd_i
    w'            kernel.dwdr     negative for a decreasing kernel: the force then repels
    """
    return -(i.pressure + j.pressure) * kernel.dwdr
