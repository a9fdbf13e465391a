"""The deterministic part of the dynamics: every pair's forces and heats, summed once (A.3)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pipeline.closures.friction import Friction
from pipeline.closures.volume import Kernel
from pipeline.metriplectic import conservative, dissipative, divergence
from pipeline.metriplectic.pair_tensor import apply, pair_tensor, quadratic, trace
from pipeline.metriplectic.thermo import Side, Thermo
from pipeline.pairs import Pairs, dot, sum_mixed


class Balance(NamedTuple):
    """What pairs give each particle per unit time, and the sums its noise is made of."""

    force: Tensor  # (N, D) m dv/dt
    heat: Tensor  # (N,) T dS/dt
    kinetic: Tensor  # (N,) sum_j tr K_ij
    thermal: Tensor  # (N,) sum_j (q_ij/4 + c_ij^2)
    friction: Tensor  # (P, D) G(v_ij), which i loses and j gains
    conduction: Tensor  # (P,) J_ij, which i gains and j loses
    pressure: Tensor  # (P,) f^P_ij


class Ends(NamedTuple):
    """The two particles of every pair."""

    i: Side
    j: Side


def balance(
    pairs: Pairs,
    v_ij: Tensor,
    kernel: Kernel,
    friction: Friction,
    ends: Ends,
    k_B: Tensor | float,
) -> Balance:
    """Forces and heats of all pairs, without the Ito correction (paper, A.3).

        m dv_i/dt   = sum_j f_ij,     f_ij = f^P_ij e_ij - G(v_ij)           odd in i, j
        T_i dS_i/dt = sum_j [ 1/2 v_ij.G(v_ij)                               even
                              + J_ij ]                                      odd

    G is the friction of M grad S and k_B div M together: the pair tensor is linear in (a^2, b^2).
    J is the conduction of both.
    """
    D = v_ij.shape[1]
    i, j = ends
    A = friction.value
    a2, b2 = dissipative.friction(A, i, j)
    da2, db2 = divergence.friction(friction, i, j, k_B)
    G = apply(pair_tensor(a2 + da2, b2 + db2, D), pairs.e, v_ij)
    J = dissipative.conduction(A, i, j) + divergence.conduction(friction, i, j, k_B)
    f_P = conservative.pressure_force(kernel, i, j)
    f = f_P[:, None] * pairs.e - G
    K = pair_tensor(A.a2, A.b2, D)
    thermal = 0.25 * quadratic(K, pairs.e, v_ij) + A.c2
    odd, even = (*f.unbind(1), J), (0.5 * dot(v_ij, G), trace(K, D), thermal)
    sums = sum_mixed(pairs, odd, even)
    conducted, dissipated, kinetic, thermal = sums[:, D:].unbind(1)
    return Balance(sums[:, :D], conducted + dissipated, kinetic, thermal, G, J, f_P)


def heat(total: Balance, thermo: Thermo, k_B: Tensor | float, m: Tensor | float) -> Tensor:
    """T_i dS_i/dt (N,) with the Ito correction."""
    kappa = thermo.dTdS / thermo.T.square()
    return total.heat + divergence.ito_heat(total.kinetic, total.thermal, kappa, k_B, m)
