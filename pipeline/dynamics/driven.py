"""Driven particles follow the data; `pipeline.dynamics.accounts` books the work this takes.

The data give a rollout its first state and the paths of driven particles. Tracked positions
carry localisation error. Taken as they are, initial velocities would hold it as heat. Driven
particles need more care: they are not pushed back by the model's particles, so that their recorded
thermal jitter would pump energy into their neighbours, which already receive their share from the
noise of the pair. They are led along the slow part of their paths instead, all that is slower than
thermal motion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipeline import slots
from pipeline.arrays import release, room, stretches
from pipeline.dynamics.smoothing import best_weight, smoothed, weight_of_period
from pipeline.metriplectic.thermo import Thermo
from pipeline.pairs import State
from pipeline.space import Space
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits

HELD = 0.1  # greatest change of the entropy that holds a temperature [k_B / dt]
CYCLES = 3.0  # a period this much longer than that of thermal motion counts as slow
LONGEST = 60  # lags of the velocity autocorrelation that are looked at
SAMPLE = 400  # columns from which the smoothing is chosen


class Path(NamedTuple):
    """Where the driven particles are at the end of a step."""

    rows: Tensor  # (k,) int64, rows of the state that are driven
    r: Tensor  # (k, D) positions [a]
    v: Tensor  # (k, D) velocities [a / dt]


def lead_velocity(v: Tensor, path: Path) -> Tensor:
    """Velocities (N, D) with those of the driven rows as prescribed."""
    return v.index_copy(0, path.rows, path.v)


def follow(
    state: State, path: Path, thermo: Thermo, S: Tensor, temperature: float, dt: float
) -> State:
    """The state after a step, with its driven rows where the data say.

    Driven particles have no entropy equation of their own. Theirs takes one Newton step towards
    T(S, V) = ``temperature``, at most HELD k_B per unit of time: what T fluctuates by with the
    volume is let be, for heat that chases it is booked at a temperature half a step old.

    Args:
        state: as the dynamics would have left it.
        path: prescribed end points.
        thermo, S: fields and entropies (N,) at the beginning of the step.
        temperature: of the anchor.
        dt: length of the step.
    """
    k = path.rows
    change = ((temperature - thermo.T[k]) / thermo.dTdS[k]).clamp(-HELD * dt, HELD * dt)
    r = state.r.index_copy(0, k, path.r)
    return State(r, lead_velocity(state.v, path), state.S.index_copy(0, k, S[k] + change))


class Lead(NamedTuple):
    """The data in reduced units, which driven particles follow."""

    r: np.ndarray  # (T, N, D)
    v: np.ndarray  # (T, N, D)
    present: np.ndarray  # (T, N)
    driven: np.ndarray  # (T, N), everything that is not free throughout
    space: Space


def lead(window: Trajectory, units: ReducedUnits, thermal_period: float | None) -> Lead:
    """Reduced units, and driven = not present and free at every snapshot of the window.

    In a closed container those seen at first are free, and nobody else is there: a disc that
    detection missed for a moment and that was led for it would heat all the others.

    Args:
        window: the snapshots to follow.
        units: reduced units of the model.
        thermal_period: of the motion to be taken out of driven paths, see `thermal_period`; None
            leaves all but the localisation error.

    Raises:
        ValueError: if particles share columns.
    """
    window.own_columns()
    free = window.lasting[-1] if len(window.stretches()) == 1 else np.all(window.free, axis=0)
    window = _steadied(_attended(window, free), free, thermal_period)
    scaled = window.space.scaled(units.length, units.time)
    r, v = window.position / units.length, window.velocity / units.velocity
    return Lead(r, v, window.present, window.present & ~free, scaled)


def _attended(window: Trajectory, free: np.ndarray) -> Trajectory:
    """The window with particles that are there mostly, there always, and the others never.

    At the edge of the view particles come and go with every flicker of the detection. Each time
    the volumes of their neighbours jump, and so do energy and force. An open edge is led as well
    by the particles seen more often than not; while unseen they wait where they were last. In a
    closed container who is seen only later is one of those who were seen before.
    """
    if all(window.box.periodic):
        return window
    mostly = (window.present.mean(axis=0) > 0.5) & (not window.closed)
    present = np.broadcast_to(free | mostly, window.present.shape)
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
    for lag, mean, _ in _correlations(trajectory, rows):
        if mean <= 0:
            return 4.0 * lag
    return None


def forgotten(trajectory: Trajectory, rows: slice) -> int:
    """Lag from 2 on at which that autocorrelation has fallen to 1 / e of what it is at lag 2, which
    errors of the positions do not reach, or to chance; the longest looked at, if it has not."""
    level, lag = None, 2
    for lag, mean, chance in _correlations(trajectory, rows):
        level = mean / math.e if level is None else level
        if mean <= max(level, 2 * chance):
            return lag
    return lag


def _correlations(trajectory: Trajectory, rows: slice) -> Iterator[tuple[int, float, float]]:
    """Lags from 2 on, and the mean product of velocities so many snapshots apart, with what its
    standard error were if none knew of another."""
    first, last, _ = rows.indices(len(trajectory.time))
    shape = (last - first, *trajectory.position.shape[1:])
    fluctuation = room(shape, trajectory.velocity.dtype)
    for some, part in trajectory.blocks(rows):
        fluctuation[some.start - first : some.stop - first] = _fluctuations(part)
        release(fluctuation)
    free, run, who = trajectory.free[rows], trajectory.run[rows], trajectory.occupant
    who = None if who is None else who[rows]
    for lag in range(2, min(LONGEST, shape[0] // 4)):
        both = slots.again(free, run, lag, who)
        total = squares = 0.0
        for some in stretches((len(both), *shape[1:]), fluctuation.dtype):
            later = slice(some.start + lag, some.stop + lag)
            product = (fluctuation[later] * fluctuation[some]).sum(axis=2)
            total += float(product[both[some]].sum())
            squares += float((product[both[some]] ** 2).sum())
            release(fluctuation)
        if count := int(both.sum()):
            yield lag, total / count, squares**0.5 / count


def _fluctuations(window: Trajectory) -> np.ndarray:
    """(T, M, D) velocity relative to an affine flow fitted to the free particles of a snapshot."""
    out = np.zeros(window.velocity.shape, window.velocity.dtype)
    for t, free in enumerate(window.free):
        if free.sum() > 3 * (window.dimension + 1):
            r, v = window.position[t, free], window.velocity[t, free]
            affine = np.column_stack([np.ones(len(r)), r])
            out[t, free] = v - affine @ np.linalg.lstsq(affine, v, rcond=None)[0]
    return out
