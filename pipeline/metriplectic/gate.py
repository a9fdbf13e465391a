"""A bound on the friction of a pair, for rollouts: amplitudes saturate, and every law still holds.

A learned b^2 can be huge where no close pair was ever seen; friction times step then exceeds one
and the rollout explodes. Saturating the amplitudes themselves, derivatives
included, bounds drift and noise together: fluctuation-dissipation, energy and momentum are kept.
"""

from __future__ import annotations

from torch import Tensor

from pipeline.closures.friction import Amplitudes, Friction
from pipeline.metriplectic.thermo import Side

GATE = 0.5  # of a pair's friction rate per step in rollouts


def saturated(f: Friction, i: Side, j: Side, m: Tensor | float, limit: float) -> Friction:
    """Amplitudes scaled by (1 + rho^4)^(-1/4): untouched below the limit, held at it above.

        rho = (theta_i + theta_j)(a^2 + b^2) / (2 m limit)   for a^2, b^2
        rho = theta_i theta_j c^2 / limit                    for c^2

    Args:
        f: amplitudes and their temperature derivatives.
        i, j: the two ends of every pair.
        m: mass.
        limit: greatest friction rate of one pair [1/time], and conductance [k_B/time]; a few
            tenths of 1/dt for Euler steps of length dt.
    """
    A, A_i, A_j = f
    mean = 0.5 * (i.theta + j.theta) / (m * limit)
    total = A.a2 + A.b2
    slope_i = mean * (A_i.a2 + A_i.b2) - 0.5 * i.theta.square() * total / (m * limit)
    slope_j = mean * (A_j.a2 + A_j.b2) - 0.5 * j.theta.square() * total / (m * limit)
    drag = _factor(mean * total, slope_i, slope_j)
    both = i.theta * j.theta / limit
    rho = both * A.c2
    heat = _factor(rho, both * A_i.c2 - i.theta * rho, both * A_j.c2 - j.theta * rho)
    a, b, c = (
        _product((A[k], A_i[k], A_j[k]), factor) for k, factor in enumerate((drag, drag, heat))
    )
    return Friction(*(Amplitudes(a[k], b[k], c[k]) for k in range(3)))


Triple = tuple[Tensor, Tensor, Tensor]  # a function of T_i and T_j with its two derivatives


def _factor(rho: Tensor, rho_i: Tensor, rho_j: Tensor) -> Triple:
    """s = (1 + rho^4)^(-1/4) with its derivatives; written so that a large rho cannot overflow."""
    u = rho.clamp(max=1e6)
    u2 = u * u
    s4 = 1.0 / (1.0 + u2 * u2)
    s = s4.sqrt().sqrt()  # several times faster than a power of -1/4
    ds = -u2 * u * s4 * s
    return s, ds * rho_i, ds * rho_j


def _product(x: Triple, y: Triple) -> Triple:
    return x[0] * y[0], x[1] * y[0] + x[0] * y[1], x[2] * y[0] + x[0] * y[2]
