"""The bath as one more partner of every particle, of infinite mass and heat capacity.

Its entropy S_b and the momentum p_b it has been given enter the energy as T_b S_b + u . p_b, so
that its temperature T_b and velocity u stay what they are. From the noise of `closures.bath`,

    m dv_i = sqrt(2 k_B) g dW_i        dp_b = -sqrt(2 k_B) g dW_i
    T_i dS_i = sqrt(2 k_B) c dV_i      T_b dS_b = -sqrt(2 k_B) [g (v_i - u_i) . dW_i + c dV_i]

follows M as for pairs, and M grad E = 0 with the bath's own entries. The first and the second law
hold for particles and bath together. All heat of this friction stays in the bath.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pipeline.closures.bath import Contact
from pipeline.metriplectic.thermo import Thermo


class BathDrift(NamedTuple):
    """What the bath does to N particles per unit time, and the amplitudes of its noise."""

    contact: Contact  # squared amplitudes g^2, c^2
    T: Tensor  # temperature T_b, a scalar
    rate: Tensor  # (N,) gamma = g^2 / (m T_b)
    drag: Tensor  # (N, D) -gamma (v - u), part of dv/dt
    conduction: Tensor  # (N,) heat that each particle receives
    flow: Tensor | None  # (N, D) u, None where the medium rests


def bath_drift(
    contact: Contact,
    T_b: Tensor,
    v: Tensor,
    flow: Tensor | None,
    thermo: Thermo,
    constants: tuple[Tensor, Tensor],
) -> BathDrift:
    """Friction and conduction, M grad S and k_B div M together.

        dv/dt = -gamma (v - u)                 no div M: g depends on positions alone
        heat  = c^2 (1/T - 1/T_b) + k_B (1/C dc^2/dT - kappa c^2)

    as between the two ends of a pair (`divergence.conduction`), the other end with C infinite.
    Ito's correction, -k_B kappa c^2 again, is that of `drift.heat`.

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
