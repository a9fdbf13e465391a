"""A trajectory cut into runs on a regular clock, the form that every statistic works on."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.analysis import shear
from pipeline.trajectory import Box, Trajectory


class Run(NamedTuple):
    """One uninterrupted video: T snapshots exactly one interval apart, N particles.

    A snapshot that the trajectory lacks is there with nobody seen in it, so that an index
    difference is always a lag.
    """

    position: np.ndarray  # (T, N, D) unwrapped: continuous across periodic faces [length]
    path: np.ndarray  # (T, N, D) the same; in a sheared box relative to the imposed flow
    velocity: np.ndarray  # (T, N, D) in a sheared box relative to the imposed flow [length / time]
    seen: np.ndarray  # (T, N) bool, driven particles included: who counts as a neighbour
    free: np.ndarray  # (T, N) bool: whom the statistics are about
    time: np.ndarray  # (T,) [time]
    slide: np.ndarray  # (T,) displacement of the image above, see `sheared` [length]
    box: Box


def runs(trajectory: Trajectory, select: np.ndarray | None = None) -> list[Run]:
    """The runs of a trajectory, in order; one that shifts against its clock is several.

    Args:
        trajectory: T snapshots of N particles.
        select: (N,) bool, the particles that statistics are about; the others remain neighbours.

    Raises:
        ValueError: if ``select`` does not fit, or if the snapshots of a run are not together or
            do not fall on the clock.
    """
    count = trajectory.present.shape[1]
    chosen = np.ones(count, bool) if select is None else np.asarray(select, bool)
    if chosen.shape != (count,):
        raise ValueError(
            f"select has shape {chosen.shape} for {count} particles: give one flag per particle."
        )
    turn = np.diff(trajectory.run) != 0
    if int(turn.sum()) + 1 > len(np.unique(trajectory.run)):
        raise ValueError("The snapshots of a run are not together: sort them by run, then by time.")
    ticks = np.diff(trajectory.time) / trajectory.dt
    # Recordings go on off the beat after an interval of another length.
    off = ~turn & (ticks > 0) & (np.abs(ticks - np.round(ticks)) > 0.05)
    edges = [0, *(np.flatnonzero(turn | off) + 1).tolist(), len(trajectory.run)]
    return [_run(trajectory.window(slice(first, last)), chosen) for first, last in pairwise(edges)]


def unwrapped(position: np.ndarray, box: Box) -> np.ndarray:
    """(T, N, D) positions made continuous along the periodic axes of the box.

    Positions that are continuous already come back as they were, as long as nobody moves more
    than half a box in one interval.
    """
    step = minimum_image(np.diff(position, axis=0), box)
    return np.concatenate([position[:1], position[:1] + np.cumsum(step, axis=0)])


def minimum_image(difference: np.ndarray, box: Box) -> np.ndarray:
    """(..., D) differences of positions, to the nearest image along periodic axes."""
    lengths = np.where(box.periodic, box.lengths, np.inf)
    return difference - np.where(box.periodic, box.lengths, 0.0) * np.round(difference / lengths)


def wrapped(position: np.ndarray, box: Box) -> np.ndarray:
    """(..., D) positions from the lower corner of the box, in [0, length) on periodic axes."""
    lengths, closed = np.asarray(box.lengths, float), np.asarray(box.periodic)
    local = position - box.origin
    local = np.where(closed, local % lengths, local)
    # A remainder can round up to the length itself, which scipy's tree refuses.
    return np.where(closed & (local >= lengths), 0.0, local)


def sides(box: Box) -> np.ndarray:
    """(D,) sides as scipy's tree takes them: 0 for an axis that does not close on itself."""
    return np.where(box.periodic, box.lengths, 0.0)


def _run(part: Trajectory, chosen: np.ndarray) -> Run:
    ticks = (part.time - part.time[0]) / part.dt
    index = np.round(ticks).astype(int)
    if np.abs(ticks - index).max() > 0.05 or (np.diff(index) < 1).any():
        raise ValueError(
            f"The snapshots of run {part.run[0]} do not fall on a clock of interval "
            f"{part.dt:g}: check dt and the order of the frames."
        )
    slide = shear.slides(part)
    if part.attributes.get("shear_rate", 0.0):
        position, path, velocity = part.position, shear.path(part), shear.peculiar(part)
    else:
        position, velocity = unwrapped(part.position, part.box), part.velocity
        path = position
    seen, free, time = part.present, part.free & chosen, part.time
    if index[-1] + 1 > len(index):
        held = np.searchsorted(index, np.arange(index[-1] + 1), side="right") - 1
        real = np.zeros((len(held), 1), bool)
        real[index] = True
        position, path, velocity, slide = (x[held] for x in (position, path, velocity, slide))
        seen, free = seen[held] & real, free[held] & real
        time = part.time[0] + part.dt * np.arange(len(held))
    return Run(position, path, velocity, seen, free, time, slide, part.box)
