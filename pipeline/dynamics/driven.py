"""Driven particles: they follow the data, and the work and impulse this takes are accounted.

The data give a rollout its first state and the paths of driven particles. Tracked positions
carry localisation error. Taken as they are, initial velocities would hold it as heat. Driven
particles need more care: they are not pushed back by the model's particles, so that their recorded
thermal jitter would pump energy into their neighbours, which already receive their share from the
noise of the pair. They are led along the slow part of their paths instead, all that is slower than
thermal motion.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.dynamics.integrators import Kick
from pipeline.dynamics.smoothing import best_weight, smoothed, weight_of_period
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.thermo import Dynamics, Thermo
from pipeline.pairs import State, sum_odd
from pipeline.space import Space
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits


class Path(NamedTuple):
    """Where the driven particles are at the end of a step."""

    rows: Tensor  # (k,) int64, rows of the state that are driven
    r: Tensor  # (k, D) positions [a]
    v: Tensor  # (k, D) velocities [a / dt]


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
    force = model.m * dynamics.drift.dv + sum_odd(dynamics.pairs, dynamics.friction)
    return force if dynamics.bath is None else force - model.m * dynamics.bath.drag


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


def contact(dynamics: Dynamics, given: Kick, v: Tensor, v_next: Tensor) -> Account:
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


def confined(dynamics: Dynamics, dt: float) -> Account:
    """Impulse of walls and traps in a step; their work comes out of Phi, which is part of E."""
    if dynamics.external is None:
        return Account(0.0, torch.zeros_like(dynamics.drift.dv[0]))
    return Account(0.0, dynamics.external.sum(0) * dt)


CYCLES = 3.0  # a period this much longer than that of thermal motion counts as slow
LONGEST = 60  # lags of the velocity autocorrelation that are looked at
SAMPLE = 400  # columns from which the smoothing is chosen


class Lead(NamedTuple):
    """The data in reduced units, which driven particles follow."""

    r: np.ndarray  # (T, N, D)
    v: np.ndarray  # (T, N, D)
    present: np.ndarray  # (T, N)
    driven: np.ndarray  # (T, N), everything that is not free throughout
    space: Space


def lead(window: Trajectory, units: ReducedUnits, thermal_period: float | None) -> Lead:
    """Reduced units, and driven = not present and free at every snapshot of the window.

    Args:
        window: the snapshots to follow.
        units: reduced units of the model.
        thermal_period: of the motion to be taken out of driven paths, see `thermal_period`; None
            leaves all but the localisation error.

    Raises:
        ValueError: if particles share columns.
    """
    window.own_columns()
    free: np.ndarray = np.all(window.free, axis=0)
    window = _steadied(_attended(window, free), free, thermal_period)
    scaled = window.space.scaled(units.length, units.time)
    r, v = window.position / units.length, window.velocity / units.velocity
    return Lead(r, v, window.present, window.present & ~free, scaled)


def _attended(window: Trajectory, free: np.ndarray) -> Trajectory:
    """The window with particles that are there mostly, there always, and the others never.

    At the edge of the view particles come and go with every flicker of the detection. Each time
    the volumes of their neighbours jump, and so do energy and force. An open edge is led as well
    by the particles seen more often than not; while unseen they wait where they were last.
    """
    if all(window.box.periodic):
        return window
    present = np.broadcast_to(free | (window.present.mean(axis=0) > 0.5), window.present.shape)
    velocity = window.velocity.copy()
    velocity[~window.present] = 0.0
    return window._replace(present=present, velocity=velocity)


def _steadied(window: Trajectory, free: np.ndarray, period: float | None) -> Trajectory:
    """Free particles without localisation error, the others without thermal motion."""
    sigma = float(window.attributes["localisation_error"])
    open_box = not any(window.box.periodic)
    if not open_box or (sigma == 0 and period is None):
        return window
    position, velocity = window.position.copy(), window.velocity.copy()
    for rows in window.stretches():
        start, stop = rows.start, rows.stop
        for group, slow in ((free, None), (~free, period)):
            part = window.position[rows, group]
            seen = window.present[rows, group]
            weight = _weight(part, seen, sigma, slow)
            if weight > 0:
                position[rows, group] = smoothed(part, seen, weight)
        known = window.present[rows][1:] & window.present[rows][:-1]
        step = np.diff(position[rows], axis=0) / window.dt
        velocity[start + 1 : stop] = np.where(known[..., None], step, velocity[start + 1 : stop])
        if stop - start > 1:
            velocity[start] = np.where(known[0][:, None], step[0], velocity[start])
    return window._replace(position=position, velocity=velocity)


def _weight(part: np.ndarray, seen: np.ndarray, sigma: float, period: float | None) -> float:
    least = weight_of_period(period * CYCLES) if period is not None else 0.0
    whole = seen.all(axis=0)
    if sigma == 0 or not whole.any() or len(part) < 20:
        return least
    series = part[:, whole].reshape(len(part), -1)
    return max(least, best_weight(series[:, :: max(1, series.shape[1] // SAMPLE)], sigma))


def thermal_period(trajectory: Trajectory, rows: slice) -> float | None:
    """Period of thermal motion in snapshots: four times the first zero of the autocorrelation.

    Velocities of free particles relative to the mean flow fitted to each snapshot. None where the
    correlation has no zero within LONGEST lags: the motion has no period then.
    """
    window = trajectory.window(rows)
    fluctuation = _fluctuations(window)
    zero = None
    for lag in range(2, min(LONGEST, len(window.time) // 4)):
        both = window.again(window.free, lag)
        product = (fluctuation[lag:] * fluctuation[:-lag]).sum(axis=2)
        if both.any() and product[both].mean() <= 0:
            zero = lag
            break
    return None if zero is None else 4.0 * zero


def _fluctuations(window: Trajectory) -> np.ndarray:
    """(T, M, D) velocity relative to an affine flow fitted to the free particles of a snapshot."""
    out = np.zeros_like(window.velocity)
    for t, free in enumerate(window.free):
        if free.sum() > 3 * (window.dimension + 1):
            r, v = window.position[t, free], window.velocity[t, free]
            affine = np.column_stack([np.ones(len(r)), r])
            out[t, free] = v - affine @ np.linalg.lstsq(affine, v, rcond=None)[0]
    return out
