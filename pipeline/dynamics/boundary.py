"""Driven particles: they follow the data, and the work and impulse this takes are accounted."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.dynamics.integrators import Kick
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.thermo import Dynamics, Thermo
from pipeline.pairs import State, sum_odd


class Path(NamedTuple):
    """Where the driven particles are at the end of a step."""

    rows: Tensor  # (k,) int64, rows of the state that are driven
    r: Tensor  # (k, D) positions [a]
    v: Tensor  # (k, D) velocities [a / dt]


class Account(NamedTuple):
    """What driving gave to the system: energy and momentum (m = 1)."""

    work: float
    impulse: Tensor  # (D,)

    def plus(self, other: Account) -> Account:
        return Account(self.work + other.work, self.impulse + other.impulse)


def lead_velocity(v: Tensor, path: Path) -> Tensor:
    """Velocities (N, D) with those of the driven rows as prescribed."""
    return v.index_copy(0, path.rows, path.v)


def follow(state: State, path: Path, thermo: Thermo, S: Tensor, temperature: float) -> State:
    """The state after a step, with its driven rows where the data say.

    Driven particles have no entropy equation of their own. Theirs takes one Newton step towards
    T(S, V) = ``temperature``, at most 1 k_B: T increases with S and volumes change slowly, so
    one iteration per time step keeps up.

    Args:
        state: as the dynamics would have left it.
        path: prescribed end points.
        thermo, S: fields and entropies (N,) at the beginning of the step.
        temperature: of the anchor.
    """
    k = path.rows
    change = ((temperature - thermo.T[k]) / thermo.dTdS[k]).clamp(-1.0, 1.0)
    r = state.r.index_copy(0, k, path.r)
    return State(r, lead_velocity(state.v, path), state.S.index_copy(0, k, S[k] + change))


def conservative_force(model: Metriplectic, dynamics: Dynamics) -> Tensor:
    """-dE/dr_i (N, D), the reversible part of the drift alone, where no external force acts."""
    return model.m * dynamics.drift.dv + sum_odd(dynamics.pairs, dynamics.friction)


def pushed(m: Tensor, before: Tensor, free: Tensor, after: Tensor) -> Account:
    """Impulse J = m (v' - v'_free) of led particles and its work J . (v + v') / 2.

    Args:
        m: mass of a particle.
        before, free, after: (k, D) velocities before a step, after it if left alone, and as led.
    """
    J = m * (after - free)
    return Account(float((J * (before + after)).sum() / 2), J.sum(0))


def account(
    model: Metriplectic,
    dynamics: Dynamics,
    states: tuple[State, State, State],
    rows: Tensor,
    dt: float,
) -> Account:
    """What the external agent gives that keeps driven particles on their path.

    The impulse of a particle is J = m (v' - v'_free), exactly. Its work is J . (v + v') / 2; a
    displacement other than v' dt does work against the conservative force besides; and holding
    the temperature takes T dS. What the energy changes beyond their sum is the integrator's own
    error, of first order in dt.

    Args:
        model: gives the conservative force.
        dynamics: evaluation at the beginning of the step.
        states: at the beginning, as the dynamics alone would have left it, and as led. Heats must
            be those of the led velocities.
        rows: (k,) driven rows.
        dt: length of the step.
    """
    before, free, after = (State(*(x[rows] for x in state)) for state in states)
    kinetic = pushed(model.m, before.v, free.v, after.v)
    work = 0.0
    beyond = after.r - before.r - after.v * dt
    if bool((beyond.abs() > 1e-9).any()):
        work = -float((conservative_force(model, dynamics)[rows] * beyond).sum())
    T, dTdS = dynamics.thermo.T[rows], dynamics.thermo.dTdS[rows]
    led, left = after.S - before.S, free.S - before.S
    heat = (T * (led - left) + 0.5 * dTdS * (led.square() - left.square())).sum()
    return Account(kinetic.work + work + float(heat), kinetic.impulse)


def shearing(dynamics: Dynamics, given: Kick, dt: float) -> Account:
    """Work that the sliding images of a sheared box do in a step (Lees and Edwards 1972).

    The impulse of pair ij acts on i, its opposite on the image of j, which moves by the boost
    faster than j itself: the two give the system impulse times boost, and no momentum.

    Args:
        dynamics: evaluation at the beginning of the step.
        given: impulses of friction and noise during the step.
        dt: length of the step.
    """
    pairs = dynamics.pairs
    still = torch.zeros_like(dynamics.drift.dv[0])
    if pairs.boost is None:
        return Account(0.0, still)
    impulse = dynamics.pressure[:, None] * pairs.e * dt + given.p
    return Account(float((impulse * pairs.boost).sum()), still)
