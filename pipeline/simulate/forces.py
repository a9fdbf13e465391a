"""Compiled pair forces and pair friction with its noise, of the simulated monolayer.

Lengths in a (mean spacing), time in frames, mass 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class Law(NamedTuple):
    """The law of force of a pair at distance r, e_ij from j to i (f_ij acts on i).

    f_ij = A s_i s_j (r^-4 - cutoff^-4) e_ij                        [a/frame^2], r < cutoff
    friction: - g(r) (v_ij . e_ij) e_ij, g = friction (1 - r/friction_cutoff)^2  [1/frame]
    drag: - drag (v_i - u(y_i, t)) towards the linear channel flow u             [1/frame]
    Friction and drag carry the noise of the fluctuation-dissipation theorem at kT [a^2/frame^2].
    """

    amplitude: float
    cutoff: float
    friction: float
    friction_cutoff: float
    drag: float
    kT: float


@njit(cache=True, fastmath=True)
def pair_force(r, strength, law, pairs, force, near):
    """Adds up f_ij into force (N, 2) [a/frame^2]; lists in near (P, 3) = (pair, e_x, e_y) and
    returns how many pairs lie within the friction's reach; e_ij points from j to i."""
    force[:] = 0.0
    cut2, reach2 = law.cutoff**2, law.friction_cutoff**2
    tail = law.cutoff**-4
    close = 0
    for p in range(pairs.i.size):
        i, j = pairs.i[p], pairs.j[p]
        dx = r[i, 0] - r[j, 0] - pairs.shift[p, 0]
        dy = r[i, 1] - r[j, 1] - pairs.shift[p, 1]
        d2 = dx * dx + dy * dy
        if d2 < cut2:
            inverse2 = 1.0 / d2
            f = law.amplitude * strength[i] * strength[j] * (inverse2 * inverse2 - tail)
            f *= np.sqrt(inverse2)
            force[i, 0] += f * dx
            force[i, 1] += f * dy
            force[j, 0] -= f * dx
            force[j, 1] -= f * dy
        if d2 < reach2:
            near[close, 0], near[close, 1], near[close, 2] = p, dx, dy
            close += 1
    return close


@njit(cache=True)
def pair_energy(r, strength, law, pairs):
    """Potential energy, sum of A s_i s_j (r^-3/3 + r rc^-4 - 4/3 rc^-3) [a^2/frame^2]."""
    total = 0.0
    for p in range(pairs.i.size):
        i, j = pairs.i[p], pairs.j[p]
        d = np.hypot(r[i, 0] - r[j, 0] - pairs.shift[p, 0], r[i, 1] - r[j, 1] - pairs.shift[p, 1])
        if d < law.cutoff:
            well = d**-3 / 3 + d * law.cutoff**-4 - 4 / 3 * law.cutoff**-3
            total += law.amplitude * strength[i] * strength[j] * well
    return total


@njit(cache=True)
def pair_friction(v, mobile, law, pairs, near, close, dt, rng):
    """Friction and noise along e_ij, pair after pair, each solved exactly over dt (in place).

    The relative velocity of a pair is an Ornstein-Uhlenbeck process of rate g (1/m_i + 1/m_j) and
    stationary variance kT (1/m_i + 1/m_j), so kT holds for any dt and momentum is kept to round-off
    (Peters, Europhys. Lett. 66, 311 (2004)). mobile (N,): 1/m, 0 for driven particles.
    """
    for k in range(close):
        p = int(near[k, 0])
        i, j = pairs.i[p], pairs.j[p]
        inertia = mobile[i] + mobile[j]
        if inertia == 0.0:
            continue
        d = np.sqrt(near[k, 1] ** 2 + near[k, 2] ** 2)
        ex, ey = near[k, 1] / d, near[k, 2] / d
        g = law.friction * (1.0 - d / law.friction_cutoff) ** 2
        keep = np.exp(-g * inertia * dt)
        relative = (v[i, 0] - v[j, 0]) * ex + (v[i, 1] - v[j, 1]) * ey
        noise = np.sqrt(law.kT * inertia * (1.0 - keep * keep)) * rng.standard_normal()
        change = ((keep - 1.0) * relative + noise) / inertia
        v[i, 0] += mobile[i] * change * ex
        v[i, 1] += mobile[i] * change * ey
        v[j, 0] -= mobile[j] * change * ex
        v[j, 1] -= mobile[j] * change * ey
