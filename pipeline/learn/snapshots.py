"""Training samples: snapshots with their graphs as flat tensors, and which particles count.

The integrator's velocities live half a step before its positions, v(t + dt/2) - v(t - dt/2) =
F(r(t)) dt: so do those given to training. Velocities taken at the positions' own time would read
the change of the force along the step as friction.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.arrays import room
from pipeline.closures.reference import Reference, undeformed
from pipeline.errors import InputError
from pipeline.forcing import SampleFlow, external
from pipeline.graphs import Graphs
from pipeline.neighbours import placed, tree
from pipeline.pairs import Pairs
from pipeline.trajectory import Trajectory, evenly
from pipeline.units import ReducedUnits

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
    present, free = trajectory.present, trajectory.free
    rows = np.arange(len(present), dtype=np.int32)
    # The nearest snapshots before and after in which a column is seen.
    before = np.maximum.accumulate(np.where(present, rows[:, None], -1), axis=0)
    after = np.where(present, rows[:, None], len(rows))[::-1]
    after = np.minimum.accumulate(after, axis=0)[::-1]
    t, column = np.nonzero(~present & (before >= 0) & (after < len(rows)))
    ends = before[t, column], after[t, column]
    run, who = trajectory.run, trajectory.occupant
    gap = (run[ends[0]] == run[t]) & (run[ends[1]] == run[t])
    if who is not None:
        gap &= (who[ends[0], column] == who[t, column]) & (who[ends[1], column] == who[t, column])
    parts = [(t[gap], trajectory.position[t[gap], column[gap]])]
    same_run = (np.diff(run) == 0)[:, None]
    stays = trajectory.again(present)
    for now, other in ((slice(None, -1), 1), (slice(1, None), -1)):
        t, column = np.nonzero(free[now] & same_run & ~stays)
        t = t + (now.start or 0)
        parts.append((t + other, _beside(trajectory, t, t + other, column)))
    return Holes(*(np.concatenate(found) for found in zip(*parts, strict=True)))


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
        filled = trajectory.extra["filled"].astype(bool)
        rows &= ~(filled[:-1] | filled[1:])
    if UNKNOWN in trajectory.extra:
        rows &= ~trajectory.extra[UNKNOWN][1:]
    bonded = np.zeros_like(trajectory.present)
    for t, (first, last) in enumerate(pairwise(graphs.offset)):
        bonded[t, graphs.i[first:last]] = bonded[t, graphs.j[first:last]] = True
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
    for t in range(min(len(near), len(ends))):
        here = place[ends[t - 1] if t else 0 : ends[t]]
        index = np.flatnonzero(trajectory.present[t])
        if len(here):
            gap, _ = tree(here, space).query(
                placed(trajectory.position[t, index], space), distance_upper_bound=distance
            )
            near[t, index] = np.isfinite(gap)
    return near


class Batch(NamedTuple):
    """Several snapshots as one large system, in reduced units, with what followed each of them.

    Only present particles have a row. The velocity convention is the integrator's:
    v_next = v + dv with the drift evaluated at (r, v), and r_next = r + v_next dt.
    """

    r: Tensor  # (n, D) positions [a]
    v: Tensor  # (n, D) velocities [a / dt]
    v_next: Tensor  # (n, D) velocities one snapshot later, zero where not known
    pairs: Pairs  # neighbours, indices into the n rows
    particle: Tensor  # (n,) int64, index into the particles of the trajectory
    mask: Tensor  # (n,) bool, rows the loss is about
    next_row: Tensor  # (n,) int64, row of the same particle in `after`, zero where masked
    snapshot: Tensor  # (n,) int64, index of the snapshot among the trajectory's
    force: Tensor | None = None  # (n, D) external, per mass [a / dt^2]; None where none acts
    reference: Reference | None = None  # undeformed bonds among the n rows, of a solid
    flow: Tensor | None = None  # (n, D) of the medium [a / dt]; None where it rests

    def change(self) -> Tensor:
        """v' - v (n, D) less what the external force did: what a model has to explain."""
        change = self.v_next - self.v
        return change if self.force is None else change - self.force


class Snapshots:
    """All snapshots of a trajectory as flat tensors, a row for each particle present in one.

    Args:
        trajectory: T snapshots of N particles.
        graphs: their neighbours; sets the reduced units.
        hole_distance: rows closer than this many cutoffs to a particle that is momentarily not
            tracked are left out of the loss.
        dtype, device: of the tensors.
    """

    def __init__(
        self,
        trajectory: Trajectory,
        graphs: Graphs,
        hole_distance: float = 2.0,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        if len(graphs.offset) != len(trajectory.time) + 1:
            raise InputError(
                f"The graphs hold {len(graphs.offset) - 1} snapshots and the trajectory "
                f"{len(trajectory.time)}: make the graphs anew from this trajectory."
            )
        self.units = ReducedUnits(graphs.neighbour_distance, graphs.dt)
        self.cutoff = graphs.cutoff / self.units.length
        self.dimension, self.dtype, self.device = trajectory.dimension, dtype, torch.device(device)
        self.particles = len(trajectory.particle)
        self.external = external(trajectory.attributes, self.units)
        origin, length = trajectory.box.origin, self.units.length
        self.low = tuple(float(x) for x in origin / length)
        self.high = tuple(float(x) for x in (origin + trajectory.box.lengths) / length)
        self.periodic = trajectory.box.periodic
        self.flow: SampleFlow | None = None  # of a medium that moves with the sample
        self.time = trajectory.time / self.units.time
        self.mask, self.hole_distance = loss_mask(trajectory, graphs, hole_distance)
        # (T, N) where it is known: of simulations, whose particles stay.
        self.true_entropy = trajectory.extra.get("entropy") if trajectory.occupant is None else None
        self._rows(trajectory)
        self._pairs(trajectory, graphs)
        self.reference = undeformed(trajectory, self.units.length, self.cutoff, dtype, device)
        self._copies: dict[int, Reference] = {}

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))

    def _rows(self, trajectory: Trajectory) -> None:
        present, count = trajectory.present, len(trajectory.time)
        self.row_offset = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        total, D = int(self.row_offset[-1]), trajectory.dimension
        self._local = np.zeros(present.shape, np.int32)  # row within its snapshot
        for t in range(count):
            here = trajectory.order(t)
            self._local[t, here] = np.arange(len(here))
        self.r, self.v, self.v_next = (self._empty((total, D)) for _ in range(3))
        self.row_mask = self._empty((total,), torch.bool)
        self.particle, self.snapshot, self.next_row = (
            self._empty((total,), torch.int32) for _ in range(3)
        )
        follows = trajectory.successive()
        for t in range(count):
            here, last = trajectory.order(t), t + 1 == count
            rows, later = slice(self.row_offset[t], self.row_offset[t + 1]), min(t + 1, count - 1)
            who = here if trajectory.occupant is None else trajectory.occupant[t, here]
            mask = np.zeros(len(here), bool) if last else self.mask[t, here]
            known = present[later, here] & (not last and bool(follows[t]))
            if trajectory.occupant is not None:
                known &= trajectory.occupant[later, here] == who
            v, v_next = trajectory.velocity[t, here], trajectory.velocity[later, here]
            self.r[rows] = self._tensor(trajectory.position[t, here] / self.units.length)
            self.v[rows] = self._tensor(v / self.units.velocity)
            v_next = np.where(known[:, None], v_next / self.units.velocity, 0.0)
            self.v_next[rows] = self._tensor(v_next)
            self.row_mask[rows], self.particle[rows] = self._tensor(mask), self._tensor(who)
            self.snapshot[rows] = t
            self.next_row[rows] = self._tensor(np.where(mask, self._local[later, here], 0))

    def _empty(self, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
        """A tensor to be filled; on the processor a large one is mapped to a file."""
        dtype = dtype or self.dtype
        if self.device.type != "cpu":
            return torch.empty(shape, dtype=dtype, device=self.device)
        return torch.from_numpy(room(shape, torch.empty(0, dtype=dtype).numpy().dtype))

    def _pairs(self, trajectory: Trajectory, graphs: Graphs) -> None:
        total, D = len(graphs.i), trajectory.dimension
        self.pair_offset, space = graphs.offset, trajectory.space
        self.i, self.j = (self._empty((total,), torch.int32) for _ in range(2))
        self.pair_r, self.pair_e = self._empty((total,)), self._empty((total, D))
        self.rate = space.rate * self.units.time
        self.boost = self._empty((total, D)) if space.rate else None
        for t in range(len(trajectory.time)):
            links = slice(graphs.offset[t], graphs.offset[t + 1])
            i, j = graphs.i[links], graphs.j[links]
            r_ij = trajectory.position[t, i] - trajectory.position[t, j]
            shift = graphs.shift[links].astype(float)
            r_ij -= space.shift(shift, float(trajectory.time[t]))
            r_ij /= self.units.length
            distance = np.linalg.norm(r_ij, axis=1)
            if not (distance > 0).all():
                k = int(np.argmin(distance))
                raise InputError(
                    f"Two particles sit on each other in snapshot {t} (labels "
                    f"{self._label(trajectory, t, i[k])} and "
                    f"{self._label(trajectory, t, j[k])}): raise the separation of the detection."
                )
            self.i[links] = self._tensor(self._local[t, i])
            self.j[links] = self._tensor(self._local[t, j])
            self.pair_r[links] = self._tensor(distance)
            self.pair_e[links] = self._tensor(r_ij / distance[:, None])
            boost = space.boost(shift)
            if self.boost is not None and boost is not None:
                self.boost[links] = self._tensor(boost / self.units.velocity)

    def _label(self, trajectory: Trajectory, t: int, column: int) -> int:
        who = column if trajectory.occupant is None else trajectory.occupant[t, column]
        return int(trajectory.particle[who])

    def usable(self, rows: slice) -> np.ndarray:
        """Snapshots t of a block whose successor lies in the block and whose loss has rows."""
        t = np.arange(rows.start, rows.stop - 1)
        return t[self.mask[t].any(axis=1)]

    def batch(self, times: np.ndarray) -> Batch:
        """The given snapshots as one system of disconnected parts."""
        rows = [slice(self.row_offset[t], self.row_offset[t + 1]) for t in times]
        links = [slice(self.pair_offset[t], self.pair_offset[t + 1]) for t in times]
        start = np.concatenate([[0], np.cumsum([k.stop - k.start for k in rows])])
        follow = self.row_offset[np.asarray(times) + 1]
        after = np.concatenate(
            [[0], np.cumsum(self.row_offset[np.minimum(np.asarray(times) + 2, self.last)] - follow)]
        )
        pick = [torch.cat([flat[k] for k in rows]) for flat in self._flat_rows()]
        r, v, v_next, particle, mask, snapshot = pick
        particle, snapshot = particle.long(), snapshot.long()
        i, j = (
            torch.cat([flat[k].long() + int(s) for k, s in zip(links, start[:-1], strict=True)])
            for flat in (self.i, self.j)
        )
        distance, e = (torch.cat([flat[k] for k in links]) for flat in (self.pair_r, self.pair_e))
        next_row = torch.cat(
            [self.next_row[k].long() + int(s) for k, s in zip(rows, after[:-1], strict=True)]
        )
        boost = None if self.boost is None else torch.cat([self.boost[k] for k in links])
        pairs = Pairs(i, j, distance, e, boost, int(start[-1]), self.rate)
        force = None if self.external is None else self.external(r)
        own = (force, self._solids(len(rows)), self._flow(r, rows, times))
        return Batch(r, v, v_next, pairs, particle, mask, next_row * mask, snapshot, *own)

    def _flow(self, r: Tensor, rows: list[slice], times: np.ndarray) -> Tensor | None:
        """Velocity (n, D) of the medium at the particles of some snapshots."""
        if self.flow is None:
            return None
        parts = r.split([k.stop - k.start for k in rows])
        moments = [float(self.time[t]) for t in times]
        return torch.cat([self.flow(x, t) for x, t in zip(parts, moments, strict=True)])

    def _solids(self, count: int) -> Reference | None:
        """The undeformed bonds of ``count`` snapshots, worked out once."""
        if self.reference is None:
            return None
        if count not in self._copies:
            self._copies[count] = self.reference.repeated(count)
        return self._copies[count]

    def after(self, times: np.ndarray) -> Batch:
        """The snapshots that follow the given ones, in the same order."""
        return self.batch(np.asarray(times) + 1)

    def _flat_rows(self) -> tuple[Tensor, ...]:
        return self.r, self.v, self.v_next, self.particle, self.row_mask, self.snapshot

    @property
    def last(self) -> int:
        return len(self.row_offset) - 1


class Sample(NamedTuple):
    """What a training learns from; its start and what it has seen are measured on some of it."""

    snapshots: Snapshots
    times: np.ndarray  # (T,) snapshots of the training block that can be learned from

    def batch(self, count: int) -> Batch:
        """At most ``count`` snapshots, evenly spread, as one batch."""
        return self.snapshots.batch(evenly(self.times, count))

    def each(self, count: int) -> Iterator[Batch]:
        """The same one by one, for what would not fit into memory at once."""
        return (self.snapshots.batch(np.array([t])) for t in evenly(self.times, count))
