"""The drift (paper, A.1 to A.3): L grad E, M grad S and k_B div M, summed pair by pair.

Reversible part L grad E of the drift (paper, A.1).

Irreversible part M grad S of the drift (paper, A.2 and A.3).

Both parts are linear in the squared amplitudes, so they are given as what multiplies them; the
pair tensor is then applied once to their sum with the divergence terms.

The terms k_B div M of the drift (paper, A.2 and A.3), arranged so that energy balances by eye.

With theta = 1/T, kappa = -d theta/dS = 1/(T C) and d_i = d/dT_i at fixed T_j:

    friction     -k_B/2 (kappa_i + kappa_j) (a^2, b^2) + k_B/2 [d_i/C_i + d_j/C_j] (a^2, b^2)
    conduction   -k_B (kappa_i - kappa_j) c^2 + k_B [d_i/C_i - d_j/C_j] c^2
    heat of i    -m/2 tr Sigma_vv,i - 1/2 (dT_i/dS_i) Sigma_SS,i

Friction enters the force as -G(v_ij) and heats each side with half its work; conduction is
antisymmetric. What is left is Ito's correction: the kinetic and the thermal energy that the noise
puts in, per unit time, taken out of the heat of the same particle. The paper's printed form
follows by collecting the terms in kappa_i: 2 kappa_i + kappa_j in q, 2 kappa_i - kappa_j in c^2.

The deterministic part of the dynamics: every pair's forces and heats, summed once (A.3).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pipeline.closures.friction import Amplitudes, Friction
from pipeline.closures.pair_energy import PairEnergy
from pipeline.closures.volume import Kernel
from pipeline.metriplectic.bath import BathDrift
from pipeline.metriplectic.pair_tensor import apply, pair_tensor, quadratic, trace
from pipeline.metriplectic.thermo import Side, Thermo
from pipeline.pairs import Pairs, dot, sum_mixed


def pressure_force(kernel: Kernel, i: Side, j: Side) -> Tensor:
    """Force of j on i along e_ij (P,): f_ij = -(P_i/d_i^2 + P_j/d_j^2) w'(r_ij) (paper, A.3).

    symbol        variable        meaning
    P_i/d_i^2     i.pressure      -dU_i/dd_i
    w'            kernel.dwdr     negative for a decreasing kernel: the force then repels
    """
    return -(i.pressure + j.pressure) * kernel.dwdr


def friction_amplitudes(A: Amplitudes, i: Side, j: Side) -> tuple[Tensor, Tensor]:
    """(a^2, b^2) of the friction force -G(v_ij): 1/2 (theta_i + theta_j) (a^2, b^2).

    Half of the work v_ij.G(v_ij) it does on the pair heats i, half j.
    """
    mean = 0.5 * (i.theta + j.theta)
    return mean * A.a2, mean * A.b2


def conduction(A: Amplitudes, i: Side, j: Side) -> Tensor:
    """Heat (P,) that flows from j to i: (theta_i - theta_j) c^2, from hot to cold."""
    return (i.theta - j.theta) * A.c2


def friction_divergence(
    f: Friction, i: Side, j: Side, k_B: Tensor | float
) -> tuple[Tensor, Tensor]:
    """(a^2, b^2) of the friction that div M adds to that of M grad S."""
    mean = 0.5 * (i.kappa + j.kappa)

    def one(value: Tensor, in_T_i: Tensor, in_T_j: Tensor) -> Tensor:
        slope = 0.5 * (i.inverse_C * in_T_i + j.inverse_C * in_T_j)
        return k_B * (slope - mean * value)

    A, A_i, A_j = f
    return one(A.a2, A_i.a2, A_j.a2), one(A.b2, A_i.b2, A_j.b2)


def conduction_divergence(f: Friction, i: Side, j: Side, k_B: Tensor | float) -> Tensor:
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


class Balance(NamedTuple):
    """What pairs give each particle per unit time, and the sums its noise is made of."""

    force: Tensor  # (N, D) m dv/dt
    heat: Tensor  # (N,) T dS/dt
    kinetic: Tensor  # (N,) sum_j tr K_ij
    thermal: Tensor  # (N,) sum_j (q_ij/4 + c_ij^2) [+ c_i^2 of the bath]
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
    psi: PairEnergy | None = None,
) -> Balance:
    """Forces and heats of all pairs, without the Ito correction (paper, A.3).

        m dv_i/dt   = sum_j f_ij,     f_ij = f^P_ij e_ij - G(v_ij)           odd in i, j
        T_i dS_i/dt = sum_j [ 1/2 v_ij.G(v_ij)                               even
                              + J_ij ]                                      odd

    G is the friction of M grad S and k_B div M together: the pair tensor is linear in (a^2, b^2).
    J is the conduction of both. f^P holds the force -psi' of a pair energy, where there is one.
    """
    D = v_ij.shape[1]
    i, j = ends
    A = friction.value
    a2, b2 = friction_amplitudes(A, i, j)
    da2, db2 = friction_divergence(friction, i, j, k_B)
    G = apply(pair_tensor(a2 + da2, b2 + db2, D), pairs.e, v_ij)
    J = conduction(A, i, j) + conduction_divergence(friction, i, j, k_B)
    f_P = pressure_force(kernel, i, j)
    f_P = f_P if psi is None else f_P - psi.dpsidr
    f = f_P[:, None] * pairs.e - G
    K = pair_tensor(A.a2, A.b2, D)
    thermal = 0.25 * quadratic(K, pairs.e, v_ij) + A.c2
    odd, even = (*f.unbind(1), J), (0.5 * dot(v_ij, G), trace(K, D), thermal)
    sums = sum_mixed(pairs, odd, even)
    conducted, dissipated, kinetic, thermal = sums[:, D:].unbind(1)
    return Balance(sums[:, :D], conducted + dissipated, kinetic, thermal, G, J, f_P)


def with_bath(total: Balance, bath: BathDrift, m: Tensor | float) -> Balance:
    """The balance with what the bath gives: force, heat, and the square c^2 of its heat noise.

    ``kinetic`` is for pairs alone: the kinetic energy that the bath's noise puts in, it gives.
    """
    return total._replace(
        force=total.force + m * bath.drag,
        heat=total.heat + bath.conduction,
        thermal=total.thermal + bath.contact.c2,
    )


def heat(total: Balance, thermo: Thermo, k_B: Tensor | float, m: Tensor | float) -> Tensor:
    """T_i dS_i/dt (N,) with the Ito correction."""
    kappa = thermo.dTdS / thermo.T.square()
    return total.heat + ito_heat(total.kinetic, total.thermal, kappa, k_B, m)
