"""Particles of one kind under a known pair law, in a liquid or on air, periodic or between walls.

Langevin's equation with friction gamma against a medium at rest, per unit mass:

    dv_i = [ T sum_j f(r_ij) e_ij + T f_wall(r_i) - gamma (v_i - v_0 n_i) ] dt
           + sqrt(2 gamma T) dW_i

f is the force over kT [1 / length], T = kT / m [length^2 / time^2]; free particles diffuse with
D = T / gamma. Active ones drive themselves with v_0 along n_i, whose angle diffuses with D_r. One
step serves every friction (Gronbech-Jensen and Farago, Mol. Phys. 111, 983 (2013), in leapfrog
form): it keeps <v^2> = T and D exactly for any gamma dt, at gamma = 0 it is the leapfrog, and at
gamma dt = 2 Brownian dynamics, r' = r + D f dt + sqrt(2 D dt) xi.

Parameters are in one length and one time of the user's choice (um and s, or px and frames);
`simulate` returns pixels and frames, in the coordinates of the video.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.simulate.md import SKIN, neighbours_of, outgrown, renewed
from pipeline.simulate.settings import BROWNIAN, Langevin
from pipeline.trajectory import Box, Trajectory
from pipeline.units import neighbour_distance

KNOTS = 8192  # of the force table; its interpolation errs by less than 1e-5 of the force
SETTLING = 0.1  # of the inverse frame interval, least friction while a sample is prepared


def force(parameters: Langevin, r: np.ndarray) -> np.ndarray:
    """The pair force over kT at distances r [1/length], positive where particles repel."""
    p = parameters
    if p.law == "exponential":
        f = p.strength * np.exp(-(r - p.place) / p.range)
    elif p.law == "morse":
        x = np.exp(-(r - p.place) / p.range)
        f = 2 * p.strength / p.range * (x**2 - x)
    else:
        f = p.strength * (r / p.place) ** -p.exponent
    return np.where(r < p.cutoff, f, 0.0)


def simulate(parameters: Langevin = BROWNIAN, seed: int = 0, progress: bool = True) -> Trajectory:
    """Pushes random particles apart, lets them come to equilibrium and records.

    Deterministic for a seed on one machine.

    Returns:
        Trajectory in px and frames: positions (T, N, 2) with (0, 0) the centre of the
        video's first pixel; velocity (T, N, 2) the mean over the frame before, as for tracks, since
        a Brownian particle has no other; all present, none driven. The attributes hold the law in
        units of a and frames, D in both units, and the parameters.

    Raises:
        InputError: if the box is too small for the force or for the view of the video.
    """
    p = parameters
    _check(p)
    rng = np.random.default_rng(seed)
    a = spacing(p)
    motion = _motion(p, a)
    table = force(p, np.maximum(np.linspace(0, p.cutoff, KNOTS), p.cutoff / KNOTS)) * a
    sides = np.array(p.length) / a
    wall = np.array([p.walls * a, p.wall_range / a])
    # Without periodic faces the images are set so far apart that none is seen.
    apart = sides + (2 * (p.cutoff / a + SKIN) if p.walls else 0.0)
    r = rng.random((p.particles, 2)) * sides
    v = np.sqrt(motion.T) * rng.standard_normal(r.shape)
    near = neighbours_of(r, p.cutoff / a + SKIN, apart, not p.walls)
    system = (table, p.cutoff / a, sides, wall)
    near = _push_apart(r, near, system, 2000)
    angle = 2 * np.pi * rng.random(p.particles) if p.speed else np.zeros(p.particles)
    settling = motion._replace(gamma=max(motion.gamma, SETTLING))
    position, velocity = np.empty((2, p.frames, p.particles, 2))
    for t in tqdm(range(-p.preparation, p.frames), desc="simulating", disable=not progress):
        before = r.copy()
        now = motion if t >= 0 else settling
        near = _advance((r, v, angle), near, system, now, p.substeps, rng)
        if t >= 0:
            position[t], velocity[t] = r, r - before
    if not p.walls:
        position %= sides
    corner = 0.5 * (np.array(p.length) / p.mpp - np.array(p.view[::-1])) + 0.5
    everybody = np.ones(position.shape[:2], dtype=bool)
    periodic = not p.walls
    return Trajectory(
        position=position * (a / p.mpp) - corner,
        velocity=velocity * (a / p.mpp),
        present=everybody,
        driven=~everybody,
        time=np.arange(p.frames, dtype=float),
        run=np.zeros(p.frames, dtype=np.int32),
        particle=np.arange(p.particles),
        species=np.zeros(p.particles, dtype=np.int32),
        box=Box(np.array(p.length) / p.mpp, (periodic, periodic), -corner),
        attributes=attributes(p),
        extra={},
    )


def attributes(parameters: Langevin) -> dict[str, object]:
    """What the truth says of itself: the parameters by name, and the bare law as a table.

    law_r [a] and law_force_kT [kT/a]; for inertial particles law_force [a/frame^2], mass 1, and
    law_friction [1/frame], which pairs have none of, as well. diffusion_px [px^2/frame] of a
    particle alone, NaN where nothing damps it.
    """
    p = parameters
    a = spacing(p)
    motion = _motion(p, a)
    r = np.linspace(0.5, 1.0, 400) * p.cutoff
    if p.law != "power":
        r = np.linspace(max(0.6 * p.place, 1e-3), p.cutoff, 400)
    law: dict[str, object] = {"law_r": (r / a).tolist(), "law_force_kT": (force(p, r) * a).tolist()}
    if p.diffusion is None:
        law["law_force"] = (motion.T * force(p, r) * a).tolist()
        law["law_friction"] = np.zeros(len(r)).tolist()
    D = motion.T / motion.gamma * (a / p.mpp) ** 2 if motion.gamma else np.nan
    chosen = {k: list(v) if isinstance(v, tuple) else v for k, v in p.parameters().items()}
    return {
        "dataset": "brownian",
        "length_unit": "px",
        "time_unit": "frame",
        "dt": 1.0,
        "velocity": "backward difference",
        "localisation_error": 0.0,
        "synthetic": True,
        **chosen,
        "a_px": a / p.mpp,
        "kT": motion.T,
        "diffusion_px": float(D),
        "regime": "inertial" if p.diffusion is None else "overdamped",
        "law_units": "a and frames, forces over kT",
        **law,
    }


def spacing(parameters: Langevin) -> float:
    """The mean neighbour distance a [length]."""
    return neighbour_distance(parameters.particles / float(np.prod(parameters.length)), 2)


class _Motion(NamedTuple):
    """How particles move by themselves, in a and frames."""

    T: float  # [a^2/frame^2]
    gamma: float  # [1/frame]
    dt: float  # step [frame]
    speed: float  # v_0 [a/frame]
    turning: float  # D_r [1/frame]


def _motion(p: Langevin, a: float) -> _Motion:
    dt, drive = 1.0 / p.substeps, (p.speed / (a * p.fps), p.turning / p.fps)
    if p.diffusion is None:
        return _Motion(p.temperature / (a * p.fps) ** 2, p.friction / p.fps, dt, *drive)
    gamma = 2.0 / dt
    return _Motion(p.diffusion / (a**2 * p.fps) * gamma, gamma, dt, *drive)


def _check(p: Langevin) -> None:
    a = spacing(p)
    least = 2 * (p.cutoff + SKIN * a)
    if not p.walls and min(p.length) <= least:
        raise InputError(
            f"The box of {p.length[0]:g} x {p.length[1]:g} is not wider than twice the reach of "
            f"the force, {least:g}: enlarge simulate.length or shorten simulate.cutoff."
        )
    width, height = (side / p.mpp for side in p.length)
    if p.view[1] > width + 0.5 or p.view[0] > height + 0.5:
        raise InputError(
            f"The view of {p.view[1]} x {p.view[0]} px is larger than the sample of {width:.0f} x "
            f"{height:.0f} px: enlarge simulate.length or choose a smaller simulate.view."
        )


@njit(cache=True)
def _add_forces(r, pairs, system, total):
    """Forces over kT of pairs and walls into total (N, 2) [1/a]."""
    table, cutoff, sides, wall = system
    total[:] = 0.0
    scale = (table.size - 1) / cutoff
    for p in range(pairs.i.size):
        i, j = pairs.i[p], pairs.j[p]
        dx = r[i, 0] - r[j, 0] - pairs.shift[p, 0]
        dy = r[i, 1] - r[j, 1] - pairs.shift[p, 1]
        d = np.sqrt(dx * dx + dy * dy)
        if d < cutoff:
            k = int(d * scale)
            part = d * scale - k
            f = ((1.0 - part) * table[k] + part * table[k + 1]) / d
            total[i, 0] += f * dx
            total[i, 1] += f * dy
            total[j, 0] -= f * dx
            total[j, 1] -= f * dy
    if wall[0] > 0.0:
        for i in range(r.shape[0]):
            for k in range(2):
                low, high = r[i, k] / wall[1], (sides[k] - r[i, k]) / wall[1]
                total[i, k] += wall[0] * (np.exp(-low) - np.exp(-high))


@njit(cache=True)
def _advance(state, near, system, motion, steps, rng):
    """Steps of the module's equation in place; returns the current Verlet list."""
    r, v, angle = state
    total = np.empty_like(r)
    T, gamma, dt, speed = motion.T, motion.gamma, motion.dt, motion.speed
    turn = np.sqrt(2.0 * motion.turning * dt)
    b = 1.0 / (1.0 + 0.5 * gamma * dt)
    keep = b * (1.0 - 0.5 * gamma * dt)
    noise = b * np.sqrt(2.0 * gamma * T * dt)
    for _ in range(steps):
        if outgrown(near, r):
            near = renewed(near, r)
        _add_forces(r, near.pairs, system, total)
        v *= keep
        if speed > 0.0:
            _drive(v, angle, b * gamma * dt * speed, turn, rng)
        for i in range(r.shape[0]):
            for k in range(2):
                v[i, k] += b * T * dt * total[i, k]
                if noise > 0.0:
                    v[i, k] += noise * rng.standard_normal()
                r[i, k] += dt * v[i, k]
    return near


@njit(cache=True)
def _drive(v, angle, kick, turn, rng):
    """Kicks v (N, 2) along the directions of the particles, which then turn, in place."""
    for i in range(angle.size):
        v[i, 0] += kick * np.cos(angle[i])
        v[i, 1] += kick * np.sin(angle[i])
        angle[i] += turn * rng.standard_normal()


@njit(cache=True)
def _push_apart(r, near, system, steps):
    """Descent along the forces, in place, by at most 0.02 a a step."""
    total = np.empty_like(r)
    for _ in range(steps):
        if outgrown(near, r):
            near = renewed(near, r)
        _add_forces(r, near.pairs, system, total)
        for i in range(r.shape[0]):
            size = 1e-4 * np.hypot(total[i, 0], total[i, 1])
            r[i] += 1e-4 * total[i] * min(1.0, 0.02 / (size + 1e-300))
            if system[3][0] > 0.0:
                for k in range(2):
                    r[i, k] = min(max(r[i, k], 0.0), system[2][k])
    return near
