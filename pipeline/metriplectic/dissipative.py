"""Irreversible part M grad S of the drift (paper, A.2 and A.3).

Both parts are linear in the squared amplitudes, so they are given as what multiplies them; the
pair tensor is then applied once to their sum with the divergence terms.
"""

from __future__ import annotations

from torch import Tensor

from pipeline.closures.friction import Amplitudes
from pipeline.metriplectic.thermo import Side


def friction(A: Amplitudes, i: Side, j: Side) -> tuple[Tensor, Tensor]:
    """(a^2, b^2) of the friction force -G(v_ij): 1/2 (theta_i + theta_j) (a^2, b^2).

    Half of the work v_ij.G(v_ij) it does on the pair heats i, half j.
    """
    mean = 0.5 * (i.theta + j.theta)
    return mean * A.a2, mean * A.b2


def conduction(A: Amplitudes, i: Side, j: Side) -> Tensor:
    """Heat (P,) that flows from j to i: (theta_i - theta_j) c^2, from hot to cold."""
    return (i.theta - j.theta) * A.c2
