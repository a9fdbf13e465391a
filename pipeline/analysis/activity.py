"""Whether particles drive themselves: displacements too alike for heat.

A displacement by heat is normally distributed in each component, whatever the forces and the
friction, and a mixture of sizes spreads it further. A drive of steady speed v_0 in the direction of
each particle adds a vector of one length, which no equilibrium makes. Of the sum of both, in D
dimensions and over a time t that the direction lasts,

    <u^4> / <u^2>^2 = (D + 2) / D - (2 / D) q^2,          q = (v_0 t)^2 / <u^2>,

where q is the share of the drive in the mean square displacement. The mean of |u| over its rms,
less exposed to wrong links than the fourth moment, decides: it is 0.89 for heat in the plane and 1
for pure drive. Displacements are relative to the mean of their snapshots, or to a smooth flow where
that holds most of them, so that what is carried, stirred or sheared is not taken for active.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pipeline.analysis.uncertainty import ratio
from pipeline.trajectory import Trajectory, evenly, mean_flow

LONGEST = 32  # snapshots of a displacement
ORIGINS = 40  # time origins of each
SAMPLES = 200  # of the bootstrap over particles
FEWEST = 200  # displacements
EXACT = 0.1  # half of an interval, over the speed, from which on a shorter lag tells the speed
FLOW = 0.5  # share of the mean square displacement from where on a smooth flow is taken off


class Displacements(NamedTuple):
    """Sums over the displacements of each particle (N,) over one lag."""

    lag: int
    number: np.ndarray
    first: np.ndarray  # of |u|
    second: np.ndarray  # of u^2
    fourth: np.ndarray  # of u^4


def by_heat(dimension: int) -> float:
    """Mean over rms of the length of a normally distributed vector."""
    return math.sqrt(2 / dimension) * math.gamma((dimension + 1) / 2) / math.gamma(dimension / 2)


def activity(film: Trajectory) -> dict[str, float]:
    """How alike the displacements of a film's particles are, over the lag where they are most.

    Args:
        film: its particles may share columns.

    Returns:
        ``drive_alike``: mean over rms of the displacements; ``drive_share``: q;
        ``drive_speed``: v_0 [length / time], over the shortest lag that tells it within a tenth,
        since directions turn; each also with ``_low`` and ``_high``, 95 % from particles drawn
        with replacement. ``drive_lag``: of share and alike [snapshots]. Empty where too few are
        seen.
    """
    best: dict[str, float] = {}
    speed: dict[str, float] = {}
    for lag in 2 ** np.arange(int(math.log2(LONGEST)) + 1):
        found = _displacements(film, int(lag))
        if found.number.sum() < FEWEST or (found.number > 0).sum() < 2:
            break
        told = _moments(found, film.dimension, film.dt)
        if not best or told["drive_alike_low"] > best["drive_alike_low"]:
            best = told
        if not speed and _exact(told):
            speed = {name: value for name, value in told.items() if "speed" in name}
    return best | speed


def _exact(told: dict[str, float]) -> bool:
    low, value, high = (told[f"drive_speed{end}"] for end in ("_low", "", "_high"))
    return max(high - value, value - low) < EXACT * value


def _displacements(film: Trajectory, lag: int) -> Displacements:
    sums = np.zeros((2, 4, len(film.particle)))  # about the mean, and about a smooth flow
    for t in _origins(film, lag):
        pair = film.window(np.array([t, t + lag]))
        both = pair.free.all(axis=0)
        if pair.occupant is not None:
            both &= pair.occupant[0] == pair.occupant[1]
        if both.sum() < 2:
            continue
        r, later = pair.position[0, both], pair.position[1, both]
        u, _ = pair.space.displacement(later, r)
        who = np.flatnonzero(both) if pair.occupant is None else pair.occupant[0, both]
        for own, (field, spent) in zip(sums, ((u.mean(axis=0), 1), mean_flow(r, u)), strict=True):
            size = np.linalg.norm(u - field, axis=1) / math.sqrt(max(1 - spent / len(u), 1e-9))
            own[:, who] += np.stack([np.ones_like(size), size, size**2, size**4])
    mean, flow = sums[:, 2].sum(axis=1)
    return Displacements(lag, *sums[int(flow < (1 - FLOW) * mean)])


def _origins(film: Trajectory, lag: int) -> list[int]:
    """Snapshots with another one ``lag`` intervals later in the same run."""
    if lag >= len(film.time):
        return []
    same = film.run[lag:] == film.run[:-lag]
    later = np.abs(film.time[lag:] - film.time[:-lag] - lag * film.dt) < 1e-3 * film.dt
    return evenly(np.flatnonzero(same & later), ORIGINS).tolist()


def _moments(found: Displacements, dimension: int, dt: float) -> dict[str, float]:
    units = np.flatnonzero(found.number)
    drawn = np.random.default_rng(0).multinomial(
        len(units), np.full(len(units), 1 / len(units)), size=SAMPLES
    )
    weight = np.concatenate([np.ones((1, len(units))), drawn])
    count, first, second, fourth = (weight @ x[units] for x in found[1:])
    square = second / count
    share = np.sqrt(np.maximum(dimension + 2 - dimension * fourth / count / square**2, 0) / 2)
    curves = {
        "drive_alike": ratio(first, np.sqrt(count * second)),
        "drive_share": np.minimum(share, 1.0),
        "drive_speed": np.sqrt(np.minimum(share, 1.0) * square) / (found.lag * dt),
    }
    told = {"drive_lag": float(found.lag)}
    for name, values in curves.items():
        low, high = np.percentile(values[1:], [2.5, 97.5])
        told |= {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return told
