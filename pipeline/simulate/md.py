"""Molecular dynamics of the simulated monolayer, compiled: neighbours, forces, clock.

Lengths in a (mean spacing), time in frames, mass 1. Positions are unwrapped: a pair of the Verlet
list carries the offset of its periodic image, fixed when the list is built and valid until the next
build.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

SKIN = 0.35  # a; how far a list reaches beyond the longest interaction


class Pairs(NamedTuple):
    """Half list of P pairs: i, j (P,) and the offset (P, 2) of the image of j [a]."""

    i: np.ndarray
    j: np.ndarray
    shift: np.ndarray


class Neighbours(NamedTuple):
    """A list, the positions (N, 2) it was built at, and what is needed to build it again."""

    pairs: Pairs
    built: np.ndarray
    reach: float  # a, skin included
    lengths: np.ndarray  # (2,) a; x is always periodic
    periodic_y: bool


@njit(cache=True)
def neighbours_of(r, reach, lengths, periodic_y):
    """The list of all pairs closer than reach [a]; periodic lengths must exceed 2 reach."""
    return Neighbours(sweep(r, reach, lengths, periodic_y), r.copy(), reach, lengths, periodic_y)


@njit(cache=True)
def renewed(neighbours, r):
    """The list built again at r."""
    return neighbours_of(r, neighbours.reach, neighbours.lengths, neighbours.periodic_y)


@njit(cache=True)
def outgrown(neighbours, r):
    """Whether some particle has moved by more than half the skin since the list was built."""
    built = neighbours.built
    for i in range(r.shape[0]):
        if (r[i, 0] - built[i, 0]) ** 2 + (r[i, 1] - built[i, 1]) ** 2 > 0.25 * SKIN * SKIN:
            return True
    return False


@njit(cache=True)
def sweep(r, reach, lengths, periodic_y):
    """Every pair closer than reach, once: a cyclic sweep along x, which is always periodic.

    A jammed sample holds some 25 pairs per particle at the longest reach; the room for them
    doubles where a dense fluctuation, as in the random start, asks for more.
    """
    n = r.shape[0]
    image = np.floor(r[:, 0] / lengths[0])
    x = r[:, 0] - image * lengths[0]
    order = np.argsort(x)
    room = 32 * n
    i, j, shift = np.empty(room, np.int32), np.empty(room, np.int32), np.empty((room, 2))
    count = 0
    for p in range(n):
        a = order[p]
        for step in range(1, n):
            q = p + step
            turn = 0.0
            if q >= n:
                q -= n
                turn = lengths[0]
            b = order[q]
            dx = x[b] + turn - x[a]
            if dx >= reach:
                break
            dy = r[b, 1] - r[a, 1]
            sy = -lengths[1] * np.round(dy / lengths[1]) if periodic_y else 0.0
            if dx * dx + (dy + sy) ** 2 < reach * reach:
                if count == i.size:
                    i, j = np.append(i, i), np.append(j, j)
                    shift = np.concatenate((shift, shift))
                i[count], j[count] = a, b
                shift[count, 0] = turn + (image[a] - image[b]) * lengths[0]
                shift[count, 1] = sy
                count += 1
    return Pairs(i[:count], j[:count], shift[:count])


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


class Sample(NamedTuple):
    """The state of N particles; r is unwrapped. The arrays are advanced in place."""

    r: np.ndarray  # (N, 2) a
    v: np.ndarray  # (N, 2) a/frame
    strength: np.ndarray  # (N,) s, the factor in the force
    mobile: np.ndarray  # (N,) 1/m: 1.0, or 0.0 for frozen and driven particles
    needle: np.ndarray  # (N,) bool, driven with the velocity of the drive


class Drive(NamedTuple):
    """The needle moves as amplitude sin(frequency t) along x and shears the channel above it.

    The channel flow u(y) is linear: zero at y = wall, the needle's velocity at y = wall + height.
    """

    amplitude: float  # a
    frequency: float  # 1/frame
    wall: float  # a
    height: float  # a


class Span(NamedTuple):
    """steps of length dt (frames) from time start (frames) on."""

    start: float
    dt: float
    steps: int


@njit(cache=True)
def advance(sample, neighbours, law, drive, span, rng):
    """Splitting steps A B O B A over a span of time, in place; returns the current Verlet list.

    A: drift by dt/2. B: kick by dt/2 of the pair forces. O: drag and pair friction with their
    noise, each exact over dt. The needle stands where the drive says after every drift.
    Stationary averages are right to second order in dt
    (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34).

    rng: a numpy Generator, the only source of noise.
    """
    r, v, dt = sample.r, sample.v, span.dt
    force, near = np.empty_like(r), np.empty((neighbours.pairs.i.size, 3))
    for step in range(span.steps):
        time = span.start + step * dt
        drift(sample, drive, time, 0.5 * dt)
        if outgrown(neighbours, r):
            neighbours = renewed(neighbours, r)
            near = np.empty((neighbours.pairs.i.size, 3))
        close = pair_force(r, sample.strength, law, neighbours.pairs, force, near)
        kick(sample, force, 0.5 * dt)
        channel_drag(sample, law, drive, time + 0.5 * dt, dt, rng)
        pair_friction(v, sample.mobile, law, neighbours.pairs, near, close, dt, rng)
        kick(sample, force, 0.5 * dt)
        drift(sample, drive, time + 0.5 * dt, 0.5 * dt)
    return neighbours


@njit(cache=True)
def kick(sample, force, dt):
    """v += f dt / m."""
    for i in range(force.shape[0]):
        sample.v[i, 0] += dt * sample.mobile[i] * force[i, 0]
        sample.v[i, 1] += dt * sample.mobile[i] * force[i, 1]


@njit(cache=True)
def drift(sample, drive, time, dt):
    """Moves everything by v dt, and the needle exactly as the drive does from time to time + dt."""
    phase, end = drive.frequency * time, drive.frequency * (time + dt)
    stride = drive.amplitude * (np.sin(end) - np.sin(phase))
    speed = drive.amplitude * drive.frequency * np.cos(end)
    for i in range(sample.r.shape[0]):
        if sample.needle[i]:
            sample.r[i, 0] += stride
            sample.v[i, 0] = speed
        else:
            sample.r[i, 0] += dt * sample.v[i, 0]
            sample.r[i, 1] += dt * sample.v[i, 1]


@njit(cache=True)
def channel_drag(sample, law, drive, time, dt, rng):
    """Relaxes mobile particles towards the linear channel flow at rate drag, with its noise."""
    if law.drag == 0.0:
        return
    keep = np.exp(-law.drag * dt)
    noise = np.sqrt(law.kT * (1.0 - keep * keep))
    speed = drive.amplitude * drive.frequency * np.cos(drive.frequency * time)
    for i in range(sample.r.shape[0]):
        if sample.mobile[i] > 0.0:
            flow = speed * (sample.r[i, 1] - drive.wall) / drive.height
            sample.v[i, 0] = flow + keep * (sample.v[i, 0] - flow) + noise * rng.standard_normal()
            sample.v[i, 1] = keep * sample.v[i, 1] + noise * rng.standard_normal()


@njit(cache=True)
def quench(r, strength, law, neighbours, steps, mobility, cap):
    """Overdamped descent, in place: r += mobility f, at most cap (a) per step."""
    force, near = np.empty_like(r), np.empty((neighbours.pairs.i.size, 3))
    for _ in range(steps):
        if outgrown(neighbours, r):
            neighbours = renewed(neighbours, r)
            near = np.empty((neighbours.pairs.i.size, 3))
        pair_force(r, strength, law, neighbours.pairs, force, near)
        for i in range(r.shape[0]):
            size = mobility * np.hypot(force[i, 0], force[i, 1])
            r[i] += mobility * force[i] * min(1.0, cap / (size + 1e-300))
