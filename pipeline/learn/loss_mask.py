"""Which particles the likelihood is about, and where some are missing that should be there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.graphs import Graphs
from pipeline.neighbours import placed, tree
from pipeline.trajectory import Trajectory

UNKNOWN = "velocity_unknown"  # extra (T, M) of particles seen whose velocity is not known
LEAST = 0.3  # fraction of the free rows that must survive before the distance is reduced


class Holes(NamedTuple):
    """Where particles are not tracked though they are probably still in the field."""

    snapshot: np.ndarray  # (H,)
    place: np.ndarray  # (H, D) [length]


def holes(trajectory: Trajectory) -> Holes:
    """Between two stretches of a track, and for one snapshot before it appears or after it
    vanishes, unless it did so as a driven particle (the edge band of an open domain).
    """
    present, free, run = trajectory.present, trajectory.free, trajectory.run
    parts = []
    for first in range(0, present.shape[1], COLUMNS):
        t, column = _gaps(trajectory, slice(first, first + COLUMNS))
        parts.append((t, trajectory.position[t, first + column]))
    same_run = (np.diff(run) == 0)[:, None]
    stays = trajectory.again(present)
    for now, other in ((slice(None, -1), 1), (slice(1, None), -1)):
        t, column = np.nonzero(free[now] & same_run & ~stays)
        t = t + (now.start or 0)
        parts.append((t + other, _beside(trajectory, t, t + other, column)))
    return Holes(*(np.concatenate(found) for found in zip(*parts, strict=True)))


COLUMNS = 64  # of which gaps are looked for together


def _gaps(trajectory: Trajectory, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Snapshots and columns (k,), of those given, in which a particle is missing from its track."""
    present, run, occupant = trajectory.present[:, columns], trajectory.run, trajectory.occupant
    rows = np.arange(len(present), dtype=np.int32)
    # The nearest snapshots before and after in which a column is seen.
    before = np.maximum.accumulate(np.where(present, rows[:, None], -1), axis=0)
    after = np.where(present, rows[:, None], len(rows))[::-1]
    after = np.minimum.accumulate(after, axis=0)[::-1]
    t, column = np.nonzero(~present & (before >= 0) & (after < len(rows)))
    ends = before[t, column], after[t, column]
    gap = (run[ends[0]] == run[t]) & (run[ends[1]] == run[t])
    if occupant is not None:
        who = occupant[:, columns]
        gap &= (who[ends[0], column] == who[t, column]) & (who[ends[1], column] == who[t, column])
    return t[gap], column[gap]


def _beside(
    trajectory: Trajectory, t: np.ndarray, other: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Places (k, D) of particles seen at t (k,) in the snapshots ``other`` (k,) beside them.

    Where another particle holds the slot by then, that at t.
    """
    if trajectory.occupant is not None:
        holder = trajectory.occupant[other, column]
        taken = (holder >= 0) & (holder != trajectory.occupant[t, column])
        other = np.where(taken, t, other)
    return trajectory.position[other, column]


def loss_mask(
    trajectory: Trajectory, graphs: Graphs, hole_distance: float
) -> tuple[np.ndarray, float]:
    """(T - 1, M) bool, rows scored by the likelihood, and the hole distance that was used.

    A row (t, i) counts if i is free at t and seen at t + 1, neither position was filled in (it has
    no noise), the two snapshots are successive, i has at least one neighbour, and no hole of the
    tracking lies within ``hole_distance`` cutoffs: its force needs the volumes of its neighbours,
    which need theirs. Where that would leave less than LEAST of the rows, the distance is halved
    until it does not.

    Raises:
        InputError: if nothing remains to be learned from.
    """
    # To ask for free ones at t + 1 would leave out steps out of the middle and keep those within,
    # which are shorter.
    rows = trajectory.again(trajectory.present) & trajectory.free[:-1]
    rows &= trajectory.successive()[:, None]
    if "filled" in trajectory.extra:
        filled = np.asarray(trajectory.extra["filled"], bool)
        rows &= ~(filled[:-1] | filled[1:])
    if UNKNOWN in trajectory.extra:
        rows &= ~trajectory.extra[UNKNOWN][1:]
    bonded = np.zeros_like(trajectory.present)
    for some in trajectory.portions():
        near = graphs.window(some)
        t = np.repeat(np.arange(some.start, some.stop), np.diff(near.offset))
        bonded[t, near.i] = bonded[t, near.j] = True
    rows &= bonded[:-1]
    if not rows.any():
        raise InputError(
            "No particle is present, free and with a neighbour at two successive snapshots: "
            "nothing can be learned; check the tracks and the driven band."
        )
    missing = holes(trajectory)
    while True:
        mask = rows & ~_near(trajectory, missing, hole_distance * graphs.cutoff)
        if mask.sum() >= LEAST * rows.sum():
            return mask, hole_distance
        hole_distance = hole_distance / 2 if hole_distance > 0.3 else 0.0


def _near(trajectory: Trajectory, missing: Holes, distance: float) -> np.ndarray:
    """(T - 1, M) bool: particles nearer than a distance to a hole."""
    near = np.zeros((len(trajectory.time) - 1, trajectory.present.shape[1]), dtype=bool)
    if distance <= 0:
        return near
    space = trajectory.box.space
    order = np.argsort(missing.snapshot, kind="stable")
    place, ends = missing.place[order], np.cumsum(np.bincount(missing.snapshot, minlength=1))
    for some, part in trajectory.blocks(slice(0, min(len(near), len(ends)))):
        for t, (position, present) in enumerate(
            zip(part.position, part.present, strict=True), some.start
        ):
            here = place[ends[t - 1] if t else 0 : ends[t]]
            index = np.flatnonzero(present)
            if len(here):
                points = placed(position[index], space)
                gap, _ = tree(here, space).query(points, distance_upper_bound=distance)
                near[t, index] = np.isfinite(gap)
    return near
