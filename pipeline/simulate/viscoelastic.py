"""A square of viscoelastic rubber, sheared by its top edge and brought back (paper, 4.1 and G.1.3).

Its edges follow a given path, in implicit steps with a little damping: the method of Hilber, Hughes
and Taylor, Earthquake Eng. Struct. Dyn. 5, 283 (1977), as Abaqus uses it: of second order and
stable for steps much longer than the time a wave takes across an element, which is damped.

The paper gives the material, the side L = 2 and the displacement 1 of the top edge, and leaves the
rest open. Here: plane strain; constants of the instantaneous material; the bottom edge is clamped,
the sides are free, the top edge is clamped to a plate that moves sideways by a quintic ramp within
`ramp` seconds, stays for `hold`, and comes back the same way. A plate let go instead would need
minutes: rubber that has relaxed to a hundredth of its modulus creeps back within
tau mu_0 / mu_inf = 25 s. Inertia is kept, though at 63 m/s (shear) and 159 m/s (pressure) waves
cross the square within one to three snapshots of 0.01 s: the motion is close to a succession of
viscoelastic equilibria. With a ramp of 1 s, positions change by 0.4 % of the displacement from 10
elements per side to 20, by 0.16 % from 15, and by 4e-5 from a step of 0.01 s to an eighth of it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.linalg import splu
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.simulate.elements import Body, Memory
from pipeline.simulate.replicated import Cycle, Square
from pipeline.trajectory import Box, Trajectory

ALPHA = -0.05  # Abaqus' default damping
TOLERANCE = 1e-8  # largest residual force over the largest internal or inertial one
LEAST = 1e-4  # strain whose force counts as large where all forces vanish
ITERATIONS = 25


class Motion(NamedTuple):
    """State of a body at one time."""

    u: np.ndarray  # (degrees,) displacements [m]
    v: np.ndarray  # (degrees,) [m / s]
    a: np.ndarray  # (degrees,) [m / s^2]
    force: np.ndarray  # (degrees,) internal forces [N / m]
    memory: Memory


class Held(NamedTuple):
    """Degrees of freedom that follow a path, and where they are at the end of a step."""

    degrees: np.ndarray  # (k,)
    u: np.ndarray  # (k,) [m]


def still(body: Body) -> Motion:
    """The body undeformed and at rest."""
    zero = np.zeros(body.degrees)
    return Motion(zero, zero, zero, zero, body.rest())


def step(body: Body, now: Motion, held: Held, dt: float) -> Motion:
    """The state one step of ``dt`` [s] later: M a' + (1 + alpha) f(u') - alpha f(u) = 0.

    Raises:
        InputError: if Newton's iterations do not converge.
    """
    beta, gamma = (1 - ALPHA) ** 2 / 4, 0.5 - ALPHA
    free = np.setdiff1d(np.arange(body.degrees), held.degrees, assume_unique=True)
    guess = now.u + dt * now.v + 0.5 * dt**2 * now.a
    u = guess.copy()
    u[held.degrees] = held.u
    # The change of a for a given u: u' = u + dt v + dt^2 ((1/2 - beta) a + beta a').
    base = now.u + dt * now.v + dt**2 * (0.5 - beta) * now.a
    inertia = body.mass / (beta * dt**2)
    least = LEAST * body.rubber.shear_modulus * body.length
    for _ in range(ITERATIONS):
        force, stiffness, memory = body.forces(u, now.memory, dt)
        a = (u - base) / (beta * dt**2)
        parts = (body.mass @ a, (1 + ALPHA) * force)
        residual = sum(parts) - ALPHA * now.force
        scale = max(least, *(np.abs(part).max() for part in parts))
        if np.abs(residual[free]).max() <= TOLERANCE * scale:
            v = now.v + dt * ((1 - gamma) * now.a + gamma * a)
            return Motion(u, v, a, force, memory)
        matrix = (inertia + (1 + ALPHA) * stiffness)[free][:, free]
        u[free] -= splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A").solve(residual[free])
    raise InputError(
        f"The finite elements found no equilibrium within {ITERATIONS} iterations of a step of "
        f"{dt:g} s: take more substeps per snapshot or a slower load."
    )


def simulate(square: Square, seed: int) -> Trajectory:
    """One run per cycle, each from the undeformed rest.

    The motion is deterministic. What the seed decides is the mesh, whose inner nodes are moved at
    random: two replicas, and two equal cycles, differ by the error of the finite elements.

    Args:
        square: what is simulated and how finely.
        seed: of the meshes.

    Returns:
        particles^2 material points in m and s (units "1"): reference their undeformed positions,
        velocity the backward difference (zero at rest), driven the two edges.
    """
    points = _points(square)
    parts = [
        run(square, cycle, seed * len(square.cycles) + k) for k, cycle in enumerate(square.cycles)
    ]
    position = np.concatenate(parts)
    velocity = [np.diff(part, axis=0, prepend=part[:1]) / square.dt for part in parts]
    edge = np.isclose(points[:, 1], 0.0) | np.isclose(points[:, 1], square.length)
    low, high = position.min((0, 1)), position.max((0, 1))
    count = len(points)
    return Trajectory(
        position=position,
        velocity=np.concatenate(velocity),
        present=np.ones(position.shape[:2], dtype=bool),
        driven=np.tile(edge, (len(position), 1)),
        time=np.concatenate([np.arange(c.frames) for c in square.cycles]) * square.dt,
        run=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts]),
        particle=np.arange(count),
        species=np.zeros(count, dtype=np.int32),
        box=Box(high - low, (False, False), low),
        attributes=_attributes(square),
        extra={},
        reference=points,
    )


def run(square: Square, cycle: Cycle, seed: int) -> np.ndarray:
    """Positions (frames, particles^2, 2) [m] of the material points along one cycle."""
    body = Body(square.length, square.elements, square.rubber, square.distortion, seed)
    bottom, top = (np.isclose(body.places[:, 1], y) for y in (0.0, square.length))
    edges = np.flatnonzero(bottom | top)
    held = np.sort(np.concatenate([2 * edges, 2 * edges + 1]))
    sideways = np.where(held % 2 == 0, top[held // 2], 0.0)
    points = _points(square)
    probes = body.probes(points)
    position = np.empty((cycle.frames, *points.shape))
    position[0], now = points, still(body)
    dt = square.dt / square.substeps
    for frame in tqdm(range(1, cycle.frames), desc="shearing", unit="frame", mininterval=1):
        for k in range(square.substeps):
            time = (frame - 1) * square.dt + (k + 1) * dt
            now = step(body, now, Held(held, sideways * load(cycle, time)), dt)
        position[frame] = points + probes @ now.u.reshape(-1, 2)
    return position


def load(cycle: Cycle, time: float) -> float:
    """Displacement of the top edge [m] at a time [s]."""

    def ramp(x: float) -> float:
        x = min(max(x, 0.0), 1.0)
        return x**3 * (10 - 15 * x + 6 * x * x)

    back = time - cycle.ramp - cycle.hold
    return cycle.shear * (ramp(time / cycle.ramp) - ramp(back / cycle.ramp))


def _points(square: Square) -> np.ndarray:
    side = np.linspace(0.0, square.length, square.particles)
    return np.stack(np.meshgrid(side, side, indexing="xy"), axis=-1).reshape(-1, 2)


def _attributes(square: Square) -> dict[str, Any]:
    return {
        "dataset": "viscoelastic",
        "length_unit": "1",
        "time_unit": "1",
        "dt": square.dt,
        "velocity": "backward difference",
        "localisation_error": 0.0,
        "synthetic": True,
        "cycles": [asdict(cycle) for cycle in square.cycles],
        "rubber": asdict(square.rubber),
        "elements": square.elements,
    }
