"""Which particles the loss is about."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pipeline.graphs import Graphs
from pipeline.trajectory import Trajectory

LEAST = 0.3  # fraction of the free rows that must survive before the distance is reduced


def holes(trajectory: Trajectory) -> np.ndarray:
    """(T, N) bool: particles not tracked at t though they are probably still in the field.

    That is, between two stretches of a track, and for one snapshot before it appears or after it
    vanishes, unless it did so as a driven particle (the edge band of an open domain).
    """
    present, count = trajectory.present, len(trajectory.time)
    seen = np.maximum.accumulate(present, axis=0)
    to_come = np.maximum.accumulate(present[::-1], axis=0)[::-1]
    gap = seen & to_come & ~present
    same_run = np.diff(trajectory.run) == 0
    free = trajectory.free
    edge = np.zeros((count, present.shape[1]), dtype=bool)
    edge[1:] |= free[:-1] & same_run[:, None]
    edge[:-1] |= free[1:] & same_run[:, None]
    return ~present & (gap | edge)


def loss_mask(
    trajectory: Trajectory, graphs: Graphs, hole_distance: float
) -> tuple[np.ndarray, float]:
    """(T - 1, N) bool, rows scored by the likelihood, and the hole distance that was used.

    A row (t, i) counts if i is free at t and at t + 1, the two snapshots are successive, i has at
    least one neighbour, and no hole of the tracking lies within ``hole_distance`` cutoffs: its
    force needs the volumes of its neighbours, which need theirs. Where that would leave less than
    LEAST of the rows, the distance is halved until it does not.

    Raises:
        ValueError: if nothing remains to be learned from.
    """
    free = trajectory.free
    rows = free[:-1] & free[1:] & trajectory.successive()[:, None]
    t = np.repeat(np.arange(len(trajectory.time)), np.diff(graphs.offset))
    bonded = np.zeros_like(free)
    bonded[t, graphs.i] = bonded[t, graphs.j] = True
    rows &= bonded[:-1]
    if not rows.any():
        raise ValueError(
            "No particle is present, free and with a neighbour at two successive snapshots: "
            "nothing can be learned; check the tracks and the driven band."
        )
    missing = holes(trajectory)[:-1]
    while True:
        mask = rows & ~_near(trajectory, missing, hole_distance * graphs.cutoff)
        if mask.sum() >= LEAST * rows.sum():
            return mask, hole_distance
        hole_distance = hole_distance / 2 if hole_distance > 0.3 else 0.0


def _near(trajectory: Trajectory, missing: np.ndarray, distance: float) -> np.ndarray:
    near = np.zeros_like(missing)
    if distance <= 0:
        return near
    box = trajectory.box
    origin = np.where(box.periodic, box.origin, 0.0)
    for t in np.flatnonzero(missing.any(axis=1)):
        size = np.where(box.periodic, box.lengths, 0.0)
        r = trajectory.position[t] - origin
        r = np.where(size > 0, np.mod(r, np.where(size > 0, size, 1.0)), r)
        r = np.where((size > 0) & (r >= size), 0.0, r)
        index = np.flatnonzero(trajectory.present[t])
        tree = cKDTree(r[missing[t]], boxsize=size)
        gap, _ = tree.query(r[index], distance_upper_bound=distance)
        near[t, index] = np.isfinite(gap)
    return near
