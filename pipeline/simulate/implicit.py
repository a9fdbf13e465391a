"""Motion of a body whose edges follow a given path: implicit steps with a little damping.

The method of Hilber, Hughes and Taylor, Earthquake Eng. Struct. Dyn. 5, 283 (1977), as Abaqus
uses it: of second order and stable for steps much longer than the time a wave takes across an
element, which is damped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import splu

from pipeline.simulate.elements import Body
from pipeline.simulate.prony import Memory

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
        ValueError: if Newton's iterations do not converge.
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
    raise ValueError(
        f"The finite elements found no equilibrium within {ITERATIONS} iterations of a step of "
        f"{dt:g} s: take more substeps per snapshot or a slower load."
    )
