"""A trajectory cut into runs on a regular clock, the form that every statistic works on.

With what follows from it alone: who is near whom in a snapshot, the window in which particles are
seen, and the lags to measure at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from pipeline.errors import InputError
from pipeline.neighbours import Neighbours, neighbours
from pipeline.space import Space
from pipeline.trajectory import Box, Trajectory

ROOM = 4_000_000  # pairs that a run keeps in mind, about 200 MB

Origin = TypeVar("Origin")


@dataclass(frozen=True)
class Run:
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
    box: Box
    space: Space  # sheared or at rest
    _lists: dict[int, tuple[float, Neighbours]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def neighbours(self, row: int, cutoff: float) -> Neighbours:
        """Pairs of the particles seen in a snapshot that are nearer than a cutoff [length].

        One search serves every statistic: the list is kept for the next that looks at this
        snapshot, the longest unused one is forgotten where they become too many.

        Raises:
            ValueError: if the cutoff exceeds half a periodic length.
        """
        reach, near = self._lists.pop(row, (0.0, None))
        if near is None or reach < cutoff:
            place, seen, time = self.position[row], self.seen[row], float(self.time[row])
            reach, near = cutoff, neighbours(place, seen, self.space, cutoff, time)
        self._lists[row] = reach, near
        while len(self._lists) > 1 and sum(len(n.i) for _, n in self._lists.values()) > ROOM:
            del self._lists[next(iter(self._lists))]
        return near if reach == cutoff else near.within(cutoff)

    def placed(self, row: int) -> np.ndarray:
        """(N, D) positions of a snapshot inside the box along its periodic axes [length]."""
        local = self.position[row] - self.box.origin
        return self.space.wrap(local, float(self.time[row]))[0] + self.box.origin


class Share(NamedTuple):
    """The block of time whose origins one of several jobs looks at; other origins are others'."""

    part: int = 0
    of: int = 1

    def among(self, origins: Sequence[Origin]) -> Sequence[Origin]:
        """Those of this block, of origins in order of time: as many as in the other blocks."""
        return origins[
            self._edge(self.part, len(origins)) : self._edge(self.part + 1, len(origins))
        ]

    def rows(self, parts: Sequence[Run]) -> list[range]:
        """Of every run the rows in this block."""
        ends = list(accumulate((len(part.time) for part in parts), initial=0))
        first, last = (self._edge(k, ends[-1]) for k in (self.part, self.part + 1))
        return [
            range(max(first - begin, 0), max(min(last, end) - begin, 0))
            for begin, end in pairwise(ends)
        ]

    def _edge(self, k: int, count: int) -> int:
        return k * count // self.of


WHOLE = Share()


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
    return [_run(trajectory.window(rows), chosen) for rows in recordings(trajectory)]


def recordings(trajectory: Trajectory) -> list[slice]:
    """The snapshots of each run; one that shifts against its clock is several.

    Raises:
        InputError: if the snapshots of a run are not together.
    """
    turn = np.diff(trajectory.run) != 0
    if int(turn.sum()) + 1 > len(np.unique(trajectory.run)):
        raise InputError("The snapshots of a run are not together: sort them by run, then by time.")
    ticks = np.diff(trajectory.time) / trajectory.dt
    # Recordings go on off the beat after an interval of another length.
    off = ~turn & (ticks > 0) & (np.abs(ticks - np.round(ticks)) > 0.05)
    edges = [0, *(np.flatnonzero(turn | off) + 1).tolist(), len(trajectory.run)]
    return [slice(first, last) for first, last in pairwise(edges)]


def unwrapped(position: np.ndarray, space: Space) -> np.ndarray:
    """(T, N, D) positions made continuous along the periodic axes of a space at rest.

    Positions that are continuous already come back as they were, as long as nobody moves more
    than half a box in one interval.
    """
    step, _ = space.displacement(position[1:], position[:-1])
    return np.concatenate([position[:1], position[:1] + np.cumsum(step, axis=0)])


def window(parts: Sequence[Run]) -> Box:
    """The region in which particles are seen: the box, on open axes no larger than what was seen.

    Detection leaves a margin at the edge of an image, and a box that includes it would make g(r)
    too large everywhere. The bounds of n points are widened by 1 / (n - 1) of their extent, which
    makes them unbiased.

    Raises:
        ValueError: if fewer than two particles were ever seen.
    """
    box = parts[0].box
    seen = np.concatenate([part.position[part.seen] for part in parts])
    if len(seen) < 2:
        raise InputError(f"g(r) needs at least 2 particles and {len(seen)} were seen.")
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = (high - low) / (len(seen) - 1)
    origin = np.asarray(box.origin, float)
    lower = np.maximum(low - margin, origin)
    upper = np.minimum(high + margin, origin + box.lengths)
    closed = np.asarray(box.periodic)
    lower = np.where(closed, origin, lower)
    upper = np.where(closed, origin + box.lengths, upper)
    return Box(upper - lower, box.periodic, lower)


def lags(longest: int, count: int = 24) -> np.ndarray:
    """Increasing integer lags from 1 to ``longest``, logarithmically spaced where possible.

    Raises:
        ValueError: if ``longest`` is below 1.
    """
    if longest < 1:
        raise InputError(f"The longest lag is {longest} and must be at least 1 interval.")
    return np.unique(np.round(np.geomspace(1, longest, count)).astype(int))


def _run(part: Trajectory, chosen: np.ndarray) -> Run:
    ticks = (part.time - part.time[0]) / part.dt
    index = np.round(ticks).astype(int)
    if np.abs(ticks - index).max() > 0.05 or (np.diff(index) < 1).any():
        raise InputError(
            f"The snapshots of run {part.run[0]} do not fall on a clock of interval "
            f"{part.dt:g}: check dt and the order of the frames."
        )
    if part.space.rate:
        position, path, velocity = part.position, peculiar_path(part), peculiar(part)
    else:
        position, velocity = unwrapped(part.position, part.space), part.velocity
        path = position
    seen, free, time = part.present, part.free & chosen, part.time
    if index[-1] + 1 > len(index):
        held = np.searchsorted(index, np.arange(index[-1] + 1), side="right") - 1
        real = np.zeros((len(held), 1), bool)
        real[index] = True
        position, path, velocity = (x[held] for x in (position, path, velocity))
        seen, free = seen[held] & real, free[held] & real
        time = part.time[0] + part.dt * np.arange(len(held))
    return Run(position, path, velocity, seen, free, time, part.box, part.space)


def peculiar(trajectory: Trajectory) -> np.ndarray:
    """(T, N, D) velocities relative to the imposed flow of sliding images (Lees and Edwards 1972).

    In a box sheared at a rate g, flow in x and gradient in y, the image one box up is displaced by
    the slide s(t) = g L_y t and moves at g L_y. What a particle and all its images have in common
    is the peculiar velocity u = v - g y e_x - mean, the mean of u_x over the present zero. Velocity
    autocorrelation and mean squared displacement are those of u and of the path with dr = u dt, so
    that the relation of Green and Kubo between them holds as at rest.
    """
    velocity = trajectory.velocity.copy()
    rate = float(trajectory.attributes["shear_rate"])
    left = velocity[..., 0] - rate * trajectory.position[..., 1]
    velocity[..., 0] = left - _mean(left, trajectory.present)
    return velocity


def peculiar_path(trajectory: Trajectory) -> np.ndarray:
    """(T, N, D) positions as they would be without the imposed flow, the first as they are.

    Positions may be wrapped or not; nobody may move by half a box in one interval.
    """
    rate = float(trajectory.attributes["shear_rate"])
    r, time = trajectory.position, trajectory.time[1:, None]
    step, _ = trajectory.space.displacement(r[1:], r[:-1], time)
    height = r[:-1, :, 1] + 0.5 * step[..., 1]
    flow = rate * height * np.diff(trajectory.time)[:, None]
    both = trajectory.present[1:] & trajectory.present[:-1]
    step[..., 0] -= flow + _mean(step[..., 0] - flow, both)
    first = r[:1]
    return np.concatenate([first, first + np.cumsum(step, axis=0)])


def _mean(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(T, 1) mean of (T, N) values over those present."""
    count = np.maximum(present.sum(axis=1, keepdims=True), 1)
    return np.where(present, values, 0.0).sum(axis=1, keepdims=True) / count
