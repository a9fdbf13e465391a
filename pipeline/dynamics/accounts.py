"""What driving, bath, images and walls give to the system in a step: energy and momentum.

The books of a rollout close when these are added to what the particles had; what is left over is
the integrator's own error.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.dynamics.integrators import Kick
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.thermo import Dynamics, heat_of
from pipeline.pairs import State, sum_odd


class FromBath(NamedTuple):
    """The part of an account that comes from the bath: what it lost and the particles got."""

    heat: float  # taken from its heat
    work: float  # done by what keeps the medium flowing, u . impulse
    impulse: Tensor  # (D,)
    entropy: float  # that it lost: heat / T_b

    def plus(self, other: FromBath | None) -> FromBath:
        if other is None:
            return self
        return FromBath(
            self.heat + other.heat,
            self.work + other.work,
            self.impulse + other.impulse,
            self.entropy + other.entropy,
        )


class Account(NamedTuple):
    """What driving and bath gave to the system: energy and momentum (m = 1)."""

    work: float
    impulse: Tensor  # (D,)
    bath: FromBath | None = None  # the bath's part of both; None without one

    def plus(self, other: Account) -> Account:
        bath = other.bath if self.bath is None else self.bath.plus(other.bath)
        return Account(self.work + other.work, self.impulse + other.impulse, bath)


def conservative_force(model: Metriplectic, dynamics: Dynamics) -> Tensor:
    """-dE/dr_i (N, D), the reversible part of the drift alone, where no external force acts."""
    force = model.m * dynamics.drift.dv + sum_odd(dynamics.pairs, dynamics.friction)
    return force if dynamics.bath is None else force - model.m * dynamics.bath.drag


def by_leading(m: Tensor, before: Tensor, free: Tensor, after: Tensor) -> Account:
    """Impulse J = m (v' - v'_free) of led particles and its work J . (v + v') / 2.

    Args:
        m: mass of a particle.
        before, free, after: (k, D) velocities before a step, after it if left alone, and as led.
    """
    J = m * (after - free)
    return Account(float((J * (before + after)).sum() / 2), J.sum(0))


def by_driving(
    model: Metriplectic,
    dynamics: Dynamics,
    states: tuple[State, State, State],
    rows: Tensor,
    dt: float,
) -> Account:
    """What the external agent gives that keeps driven particles on their path.

    The impulse of a particle is J = m (v' - v'_free), exactly. Its work is J . (v + v') / 2; a
    displacement other than v' dt does work against the conservative force besides; and holding
    the temperature takes heat. What the energy changes beyond their sum is the integrator's own
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
    kinetic = by_leading(model.m, before.v, free.v, after.v)
    work = 0.0
    beyond = after.r - before.r - after.v * dt
    if bool((beyond.abs() > 1e-9).any()):
        work = -float((conservative_force(model, dynamics)[rows] * beyond).sum())
    T, dTdS = dynamics.thermo.T[rows], dynamics.thermo.dTdS[rows]
    led, left = (heat_of(end.S - before.S, T, dTdS) for end in (after, free))
    heat = (led - left).sum()
    return Account(kinetic.work + work + float(heat), kinetic.impulse)


def by_shearing(dynamics: Dynamics, given: Kick, dt: float) -> Account:
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


def by_bath(dynamics: Dynamics, given: Kick, v: Tensor, v_next: Tensor) -> Account:
    """What the bath gives in a step: the impulse J_i, its work J_i . (v + v')_i / 2, and heat.

    J . u of the work is done by whatever keeps the medium flowing; the rest, as the heat, comes
    from the heat of the bath. Without a bath, nothing.

    Args:
        dynamics: evaluation at the beginning of the step.
        given: impulse and heat from the bath during the step.
        v, v_next: (N, D) velocities before and after it, those of driven particles as led.
    """
    bath = dynamics.bath
    if bath is None or given.bath is None:
        return Account(0.0, torch.zeros_like(v[0]))
    J = given.bath.impulse
    kinetic = float((J * (v + v_next)).sum() / 2)
    flowing = 0.0 if bath.flow is None else float((J * bath.flow).sum())
    heat = float(given.bath.heat.sum())
    lost = kinetic - flowing + heat
    impulse = J.sum(0)
    share = FromBath(lost, flowing, impulse, lost / float(bath.T))
    return Account(kinetic + heat, impulse, share)


def by_walls(dynamics: Dynamics, dt: float) -> Account:
    """Impulse of walls and traps in a step; their work comes out of Phi, which is part of E."""
    if dynamics.external is None:
        return Account(0.0, torch.zeros_like(dynamics.drift.dv[0]))
    return Account(0.0, dynamics.external.sum(0) * dt)
