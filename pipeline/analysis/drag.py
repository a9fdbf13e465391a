"""Friction of a medium, told from that of pairs where positions have errors: by instruments.

The second difference of the position of a particle between snapshots dt = 1 apart,

    v' - v = sum_j f(r_ij) e_ij - (friction of pairs) - x [(v + v') / 2 - u] + noise,

is linear in x, the rate at which a medium that flows with u slows a particle down, and in the pair
laws. Errors of the positions at t - 1, t and t + 1 stand on both sides and look like friction. The
same columns some snapshots earlier share none of these errors nor of the noise, and still tell
force and velocity: as instruments Z they give coefficients without this bias (two-stage least
squares; Bowden and Turkington, Instrumental Variables, 1984),

    theta = argmin |P (y - X theta)|^2,     P = Z (Z^T Z)^-1 Z^T.

Three things would still look like friction. A medium that flows: what is smooth over the view is
taken out of all columns. Particles that differ, so that f is only their mean: in a packing most of
the difference stands still, and the mean over time of each particle is taken out, too. And a force
that reaches farther than the columns: these go as far as neighbours of free particles are seen.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.analysis.pair_force import first_knot, hat_design, laws
from pipeline.files import read_json, reading, write_json
from pipeline.hdf5 import require
from pipeline.neighbours import neighbours
from pipeline.trajectory import Trajectory, evenly, monomials

LAGS = (2, 3, 4, 5, 6)  # snapshots by which instruments are earlier
KNOT = 0.18  # between knots of the force [a]
FRICTION = 5  # knots of each friction of pairs
DEGREE = 3  # of the polynomials that are taken out
BLOCKS = 10  # of time, for the interval
FOLLOWED = 100  # snapshots of a particle: its mean, of few, holds noise that instruments know of
LONGEST = 500  # snapshots of a film that are looked at
LEAST = 100  # particles of a snapshot
MOST = 2000  # particles whose motion is looked at


class Drag(NamedTuple):
    """Rate x [1 / time of the trajectory], and its 95 % interval."""

    value: float
    low: float
    high: float


class Knots(NamedTuple):
    """Of the pair laws [a]."""

    force: np.ndarray
    friction: np.ndarray

    @property
    def columns(self) -> int:
        """All regressors: force but for its last knot, friction along and across, the medium."""
        return len(self.force) + 2 * len(self.friction)


class Sums(NamedTuple):
    """Of y, X and Z, C columns, by block of time and particle."""

    products: np.ndarray  # (B, C, C)
    total: np.ndarray  # (B, N, D, C)
    rows: np.ndarray  # (B, N) how many

    def within(self, blocks: np.ndarray) -> np.ndarray:
        """(C, C) products of some blocks, with the mean of every particle taken out."""
        count, total = self.rows[blocks].sum(axis=0), self.total[blocks].sum(axis=0)
        means = total[count > 0] / np.sqrt(count[count > 0])[:, None, None]
        flat = means.reshape(-1, means.shape[2])
        return self.products[blocks].sum(axis=0) - flat.T @ flat


def of_film(trajectory: Trajectory, rows: slice, a: float, cutoff: float) -> Drag | None:
    """See `drag`: of the first snapshots among ``rows``; None where a film cannot tell.

    Told from tracks of particles with inertia that others join and leave. The band of driven
    particles is two cutoffs wide at least: so far all neighbours are seen.

    Args:
        trajectory: the film, see `h5md.on_disk`.
        rows: snapshots that may be looked at.
        a: mean neighbour distance [length].
        cutoff: [length].
    """
    if not trajectory.passing:
        return None
    part = trajectory.followed(slice(rows.start, min(rows.stop, rows.start + LONGEST)))
    return drag(part, a, cutoff / a, 2 * cutoff / a)


def write(path: str | os.PathLike[str], dataset: str, found: Drag | None) -> None:
    """As JSON: data set and rate with its interval, null where it is not told."""
    rate = None if found is None else found._asdict()
    write_json(path, {"dataset": dataset, "rate": rate})


def read(path: str | os.PathLike[str], dataset: str) -> Drag | None:
    """What `write` wrote. Raises InputError, naming the file, if it is damaged or another's."""
    what = "the friction of a medium"
    content = read_json(path, what)
    with reading(path, what):
        require(content, {"dataset": dataset})
        return None if content["rate"] is None else Drag(**content["rate"])


def drag(trajectory: Trajectory, a: float, cutoff: float, reach: float) -> Drag | None:
    """The rate at which a medium takes velocity; None where too few particles are followed.

    Args:
        trajectory: some hundred snapshots with a column for each particle, see
            `Trajectory.followed`; velocities are backward differences, driven particles are
            neighbours alone.
        a: mean neighbour distance [length].
        cutoff: how far the friction of pairs reaches [a].
        reach: how far their force does [a], no farther than neighbours of free particles are seen.
    """
    trajectory.own_columns()
    scaled = trajectory._replace(
        position=trajectory.position / a,
        velocity=trajectory.velocity * trajectory.dt / a,
        box=trajectory.box._replace(
            lengths=trajectory.box.lengths / a, origin=trajectory.box.origin / a
        ),
    )
    known = _known(scaled)
    often = np.flatnonzero(known.sum(axis=0) >= FOLLOWED)
    chosen = np.zeros(known.shape[1], bool)
    chosen[evenly(often, MOST)] = True
    known &= chosen
    times = np.flatnonzero(known.sum(axis=1) >= LEAST)
    if len(times) < FOLLOWED:
        return None
    nearest = first_knot(scaled, times, cutoff)
    count = max(int(np.ceil((reach - nearest) / KNOT)) + 1, 4)
    knots = Knots(np.linspace(nearest, reach, count), np.linspace(nearest, cutoff, FRICTION))
    sums = _summed(scaled, known, times, knots)
    every = np.arange(BLOCKS)
    value = _solved(sums.within(every), knots.columns)
    without = [_solved(sums.within(every[every != b]), knots.columns) for b in every]
    # The jackknife by blocks of time.
    error = np.sqrt((BLOCKS - 1) * np.var(without))
    half = stats.t.ppf(0.975, BLOCKS - 1) * error
    return Drag(*(float(x) / trajectory.dt for x in (value, value - half, value + half)))


def _known(trajectory: Trajectory) -> np.ndarray:
    """(T, N) bool: free particles that are seen from before the instruments to one step later."""
    before, last = LAGS[-1] + 1, len(trajectory.time) - 1
    known, follows = np.zeros(trajectory.present.shape, bool), trajectory.successive()
    for t in range(before, last):
        if follows[t - before : t + 1].all():
            seen = trajectory.present[t - before : t + 2].all(axis=0)
            known[t] = seen & ~trajectory.driven[t]
    return known


def _summed(trajectory: Trajectory, known: np.ndarray, times: np.ndarray, knots: Knots) -> Sums:
    velocity = trajectory.velocity
    N, D = velocity.shape[1:]
    size = 1 + knots.columns * (1 + len(LAGS))
    products, total = np.zeros((BLOCKS, size, size)), np.zeros((BLOCKS, N, D, size))
    count = np.zeros((BLOCKS, N))
    pairs: dict[int, Pairs] = {}
    earlier: dict[int, np.ndarray] = {}
    for b, part in enumerate(np.array_split(times, BLOCKS)):
        for t in part.tolist():
            for s in (t, *(t - k for k in LAGS)):
                if s not in pairs:
                    pairs[s] = _pairs(trajectory, s, knots)
                    earlier[s] = _columns(pairs[s], velocity[s], knots)
            now, later = velocity[t], velocity[t + 1]
            X = _columns(pairs[t], 0.5 * (now + later), knots)
            y, keep = (later - now)[:, :, None], known[t]
            every = np.concatenate([x[keep] for x in (y, X, *(earlier[t - k] for k in LAGS))], 2)
            for s in [s for s in pairs if s <= t - LAGS[-1]]:
                del pairs[s], earlier[s]
            every = _rough(trajectory.position[t, keep], every)
            count[b, keep] += 1
            total[b, keep] += every
            flat = every.reshape(-1, size)
            products[b] += flat.T @ flat
    return Sums(products, total, count)


class Pairs(NamedTuple):
    """What the columns of a snapshot share whichever its velocities."""

    force: np.ndarray  # (N, D, K - 1) of each knot; at the last, where the force is cut, it is zero
    i: np.ndarray  # (P,) pairs within reach of friction
    j: np.ndarray  # (P,)
    e: np.ndarray  # (P, D) unit vectors
    distance: np.ndarray  # (P,) [a]


def _pairs(trajectory: Trajectory, t: int, knots: Knots) -> Pairs:
    r, here = trajectory.position[t], trajectory.present[t]
    i, j, r_ij, distance = neighbours(r, here, trajectory.space, knots.force[-1])
    e = r_ij / distance[:, None]
    force, _ = hat_design(i, j, e[:, :, None], distance, knots.force, len(r))
    near = np.flatnonzero(distance < knots.friction[-1])
    return Pairs(force[:, :, 0, :-1], *(x.take(near, axis=0) for x in (i, j, e, distance)))


def _columns(pairs: Pairs, v: np.ndarray, knots: Knots) -> np.ndarray:
    """(N, D, M) forces by knot, frictions by knot along and across, and -v, of velocities v."""
    i, j, e, distance = pairs[1:]
    rubs = np.ascontiguousarray(laws(e, v[i] - v[j])[:, :, 1:])
    friction, _ = hat_design(i, j, rubs, distance, knots.friction, len(v))
    return np.concatenate([pairs.force, friction.reshape(*v.shape, -1), -v[:, :, None]], axis=2)


def _rough(r: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Columns (n, D, C) at r (n, D) without what is a polynomial of the place."""
    basis = np.linalg.qr(monomials(r, DEGREE))[0]
    flat = columns.reshape(len(r), -1)
    return (flat - basis @ (basis.T @ flat)).reshape(columns.shape)


def _solved(products: np.ndarray, size: int) -> float:
    """The last of ``size`` coefficients, from the products of y, X and Z."""
    scale = 1 / np.sqrt(np.maximum(np.diagonal(products), 1e-300))
    P = products * scale[:, None] * scale
    x, z = slice(1, 1 + size), slice(1 + size, None)
    weight = np.linalg.pinv(P[z, z], rcond=1e-9, hermitian=True)
    normal, right = P[z, x].T @ weight @ P[z, x], P[z, x].T @ weight @ P[z, 0]
    found = np.linalg.lstsq(normal, right, rcond=1e-9)[0]
    return float(found[-1] * scale[size] / scale[0])
