"""The drift (paper, A.1 to A.3): L grad E, M grad S and k_B div M, summed pair by pair.

L grad E is the force of the pressures. Friction and conduction, M grad S, are linear in the squared
amplitudes, so they are given as what multiplies them; the pair tensor is then applied once to their
sum with the terms of k_B div M. Those are arranged so that energy balances by eye. With theta =
1/T, kappa = -d theta/dS = 1/(T C) and d_i = d/dT_i at fixed T_j:

    friction     -k_B/2 (kappa_i + kappa_j) (a^2, b^2) + k_B/2 [d_i/C_i + d_j/C_j] (a^2, b^2)
    conduction   -k_B (kappa_i - kappa_j) c^2 + k_B [d_i/C_i - d_j/C_j] c^2
    heat of i    -m/2 tr Sigma_vv,i - 1/2 (dT_i/dS_i) Sigma_SS,i

Friction enters the force as -G(v_ij) and heats each side with half its work; conduction is
antisymmetric. What is left is Ito's correction: the kinetic and the thermal energy that the noise
puts in, per unit time, taken out of the heat of the same particle. The paper's printed form
follows by collecting the terms in kappa_i: 2 kappa_i + kappa_j in q, 2 kappa_i - kappa_j in c^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from pipeline.closures.bath import Contact
from pipeline.closures.friction import Amplitudes, Friction
from pipeline.closures.neighbourhood import Messages, Weight
from pipeline.closures.volume import Kernel
from pipeline.metriplectic.pair_tensor import apply, pair_tensor, quadratic, trace
from pipeline.metriplectic.thermo import BathDrift, Side, Thermo
from pipeline.pairs import Pairs, dot, sum_even, sum_mixed


class Ends(NamedTuple):
    """The two particles of every pair."""

    i: Side
    j: Side


def pressure_force(kernel: Kernel, i: Side, j: Side) -> Tensor:
    """Force of j on i along e_ij (P,): f_ij = -(P_i/d_i^2 + P_j/d_j^2) w'(r_ij) (paper, A.3).

    symbol        variable        meaning
    P_i/d_i^2     i.pressure      dU_i/dd_i
    w'            kernel.dwdr     negative for a decreasing kernel: the force then repels
    """
    return -(i.pressure + j.pressure) * kernel.dwdr


def neighbourhood_force(
    pairs: Pairs, kernel: Kernel, messages: Messages, weight: Weight, ends: Ends
) -> Tensor:
    """Force of j on i along e_ij (P,) that comes from the weights: -sum_k (q_i^k + q_j^k) u_k'(r).

    q_i^k = dE/drho_i^k: with a_i a_j w(r_ij) in d_i and in d_j, and dU = (P/d^2) dd,

        q_i^k = (d ln a_i / d rho_i^k) sum_j a_i a_j w(r_ij) (P_i/d_i^2 + P_j/d_j^2).

    Args:
        kernel: weighted by a_i a_j.
    """
    i, j = ends
    q = weight.slope * sum_even(pairs, kernel.w * (i.pressure + j.pressure))[:, None]
    both = q.index_select(0, pairs.i) + q.index_select(0, pairs.j)
    return -(both * messages.dudr).sum(1)


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


def balance(
    pairs: Pairs,
    v_ij: Tensor,
    kernel: Kernel,
    friction: Friction,
    ends: Ends,
    k_B: Tensor | float,
    more: Sequence[Tensor] = (),
) -> Balance:
    """Forces and heats of all pairs, without the Ito correction (paper, A.3).

        m dv_i/dt   = sum_j f_ij,     f_ij = f^P_ij e_ij - G(v_ij)           odd in i, j
        T_i dS_i/dt = sum_j [ 1/2 v_ij.G(v_ij)                               even
                              + J_ij ]                                      odd

    G is the friction of M grad S and k_B div M together: the pair tensor is linear in (a^2, b^2).
    J is the conduction of both. f^P holds ``more``, what else pairs push
    each other with, (P,) each.
    """
    D = v_ij.shape[1]
    i, j = ends
    A = friction.value
    a2, b2 = friction_amplitudes(A, i, j)
    da2, db2 = friction_divergence(friction, i, j, k_B)
    G = apply(pair_tensor(a2 + da2, b2 + db2, D), pairs.e, v_ij)
    J = conduction(A, i, j) + conduction_divergence(friction, i, j, k_B)
    f_P = pressure_force(kernel, i, j)
    f_P = sum(more, f_P)
    f = f_P[:, None] * pairs.e - G
    K = pair_tensor(A.a2, A.b2, D)
    thermal = 0.25 * quadratic(K, pairs.e, v_ij) + A.c2
    odd, even = (*f.unbind(1), J), (0.5 * dot(v_ij, G), trace(K, D), thermal)
    sums = sum_mixed(pairs, odd, even)
    conducted, dissipated, kinetic, thermal = sums[:, D:].unbind(1)
    return Balance(sums[:, :D], conducted + dissipated, kinetic, thermal, G, J, f_P)


def bath_drift(
    contact: Contact,
    T_b: Tensor,
    v: Tensor,
    flow: Tensor | None,
    thermo: Thermo,
    constants: tuple[Tensor, Tensor],
) -> BathDrift:
    """Friction and conduction with the bath, M grad S and k_B div M together.

    The bath's entropy S_b and the momentum p_b it was given enter the energy as T_b S_b + u . p_b,
    so that T_b and u stay what they are. From the noise of `closures.bath`,

        m dv_i = sqrt(2 k_B) g dW_i        dp_b = -sqrt(2 k_B) g dW_i
        T_i dS_i = sqrt(2 k_B) c dV_i      T_b dS_b = -sqrt(2 k_B) [g (v_i - u_i) . dW_i + c dV_i]

    follows M as for pairs, and M grad E = 0 with the bath's own entries:

        dv/dt = -gamma (v - u)                 no div M: g depends on positions alone
        heat  = c^2 (1/T - 1/T_b) + k_B (1/C dc^2/dT - kappa c^2)

    as between the two ends of a pair (`conduction_divergence`), the other end with C infinite.
    Ito's correction, -k_B kappa c^2 again, is that of `heat`.

    Args:
        contact: amplitudes.
        T_b: temperature of the bath.
        v: (N, D) velocities.
        flow: (N, D) velocity of the medium at each particle; None where it rests.
        thermo: fields of the particles.
        constants: k_B and m.
    """
    k_B, m = constants
    rate = contact.g2 / (m * T_b)
    relative = v if flow is None else v - flow
    theta, inverse_C = 1.0 / thermo.T, thermo.dTdS / thermo.T
    ito = k_B * (inverse_C * contact.c2_in_T - inverse_C * theta * contact.c2)
    conduction = (theta - 1.0 / T_b) * contact.c2 + ito
    return BathDrift(contact, T_b, rate, -rate[:, None] * relative, conduction, flow)


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
