"""The terms k_B div M of the drift (paper, A.2 and A.3), arranged so that energy balances by eye.

With theta = 1/T, kappa = -d theta/dS = 1/(T C) and d_i = d/dT_i at fixed T_j:

    friction     -k_B/2 (kappa_i + kappa_j) (a^2, b^2) + k_B/2 [d_i/C_i + d_j/C_j] (a^2, b^2)
    conduction   -k_B (kappa_i - kappa_j) c^2 + k_B [d_i/C_i - d_j/C_j] c^2
    heat of i    -m/2 tr Sigma_vv,i - 1/2 (dT_i/dS_i) Sigma_SS,i

Friction enters the force as -G(v_ij) and heats each side with half its work; conduction is
antisymmetric. What is left is Ito's correction: the kinetic and the thermal energy that the noise
puts in, per unit time, taken out of the heat of the same particle. The paper's printed form
follows by collecting the terms in kappa_i: 2 kappa_i + kappa_j in q, 2 kappa_i - kappa_j in c^2.
"""

from __future__ import annotations

from torch import Tensor

from pipeline.closures.friction import Friction
from pipeline.metriplectic.thermo import Side


def friction(f: Friction, i: Side, j: Side, k_B: Tensor | float) -> tuple[Tensor, Tensor]:
    """(a^2, b^2) of the friction that div M adds to that of M grad S."""
    mean = 0.5 * (i.kappa + j.kappa)

    def one(value: Tensor, in_T_i: Tensor, in_T_j: Tensor) -> Tensor:
        slope = 0.5 * (i.inverse_C * in_T_i + j.inverse_C * in_T_j)
        return k_B * (slope - mean * value)

    A, A_i, A_j = f
    return one(A.a2, A_i.a2, A_j.a2), one(A.b2, A_i.b2, A_j.b2)


def conduction(f: Friction, i: Side, j: Side, k_B: Tensor | float) -> Tensor:
    """Heat (P,) that div M sends from j to i."""
    A, A_i, A_j = f
    slope = i.inverse_C * A_i.c2 - j.inverse_C * A_j.c2
    return k_B * (slope - (i.kappa - j.kappa) * A.c2)


def ito_heat(
    kinetic: Tensor, thermal: Tensor, kappa: Tensor, k_B: Tensor | float, m: Tensor | float
) -> Tensor:
    """Heat (N,) given up by each particle for the energy its noise puts in.

    symbol                     variable    shape
    sum_j tr K_ij              kinetic     (N,)   m^2 tr Sigma_vv / (2 k_B)
    sum_j (q_ij/4 + c_ij^2)    thermal     (N,)   T^2 Sigma_SS / (2 k_B)
    """
    return -k_B * (kinetic / m + kappa * thermal)
