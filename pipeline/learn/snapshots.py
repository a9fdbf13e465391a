"""Training samples: snapshots with their graphs as flat tensors.

The integrator's velocities live half a step before its positions, v(t + dt/2) - v(t - dt/2) =
F(r(t)) dt: so do those given to training. Velocities taken at the positions' own time would read
the change of the force along the step as friction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.arrays import release, room
from pipeline.closures.reference import Reference, undeformed
from pipeline.errors import InputError
from pipeline.forcing import SampleFlow, external
from pipeline.graphs import Graphs
from pipeline.learn.loss_mask import loss_mask
from pipeline.learn.order import Order
from pipeline.pairs import Pairs, displaced
from pipeline.trajectory import Trajectory, evenly
from pipeline.units import ReducedUnits


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
    # (n,) variance of the error of a position over the mean of all; None where all are alike
    blur: Tensor | None = None

    def change(self) -> Tensor:
        """v' - v (n, D) less what the external force did: what a model has to explain."""
        change = self.v_next - self.v
        return change if self.force is None else change - self.force


def shifted(batch: Batch, shift: Tensor) -> Batch:
    """The batch with its particles moved by ``shift`` (n, D), velocities as they are."""
    return batch._replace(r=batch.r + shift, pairs=displaced(batch.pairs, shift))


HELD = 2**28  # bytes of all tensors of a film, up to which they are in memory for good


class Snapshots:
    """All snapshots of a trajectory as flat tensors, a row for each particle present in one.

    A stretch of them is filled when one of its snapshots is first asked for: a training looks at
    two blocks of a film and at samples of the rest.

    If the tensors take more than HELD bytes they lie in files (`arrays.room`), of which no more is
    in memory than the batch that is copied out of them. Trajectory and graphs may lie in theirs,
    `h5md.on_disk` and `graphs.on_disk`. Per row there remain some 10 bytes of flags.

    Args:
        trajectory: T snapshots of N particles.
        graphs: their neighbours; sets the reduced units.
        hole_distance: rows closer than this many cutoffs to a particle that is momentarily not
            tracked are left out of the loss.
        dtype, device: of the tensors.
        order: in which they stand in the film; None: as they are.
    """

    def __init__(
        self,
        trajectory: Trajectory,
        graphs: Graphs,
        hole_distance: float = 2.0,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        order: Order | None = None,
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
        # Whether all particles that act on others are there: energy has no edges to go through.
        self.whole = trajectory.closed or all(self.periodic)
        self.flow: SampleFlow | None = None  # of a medium that moves with the sample
        # (N,) variance of the errors of each particle's positions over the mean of all
        self.blur: Tensor | None = None
        self.time = trajectory.time / self.units.time
        self.order = order or Order(np.arange(len(trajectory.time)))
        self.mask, self.hole_distance = loss_mask(trajectory, graphs, hole_distance)
        # (T, N) where it is known: of simulations, whose particles stay.
        self.true_entropy = trajectory.extra.get("entropy") if trajectory.occupant is None else None
        self._mapped: list[np.ndarray] = []  # of the tensors below, see `arrays.release`
        self._allocate(trajectory, graphs)
        self._source, self._follows = (trajectory, graphs), trajectory.successive()
        self._stretches = list(trajectory.portions())
        self._stretch = np.repeat(
            np.arange(len(self._stretches)), [s.stop - s.start for s in self._stretches]
        )
        self._filled = np.zeros(len(self._stretches), bool)
        self.reference = undeformed(trajectory, self.units.length, self.cutoff, dtype, device)
        self._copies: dict[int, Reference] = {}

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))

    def _allocate(self, trajectory: Trajectory, graphs: Graphs) -> None:
        """Tensors for all rows and pairs, to be filled."""
        self.row_offset = np.concatenate([[0], np.cumsum(trajectory.present.sum(axis=1))])
        self.pair_offset, self.rate = graphs.offset, trajectory.space.rate * self.units.time
        total, links, D = int(self.row_offset[-1]), int(graphs.offset[-1]), trajectory.dimension
        real = torch.empty(0, dtype=self.dtype).element_size()
        size = total * (3 * D * real + 13) + links * ((1 + D + D * bool(self.rate)) * real + 8)
        self._most = None if size <= HELD else 0
        self.r, self.v, self.v_next = (self._empty((total, D)) for _ in range(3))
        self.row_mask = self._empty((total,), torch.bool)
        self.particle, self.snapshot, self.next_row = (
            self._empty((total,), torch.int32) for _ in range(3)
        )
        self.i, self.j = (self._empty((links,), torch.int32) for _ in range(2))
        self.pair_r, self.pair_e = self._empty((links,)), self._empty((links, D))
        self.boost = self._empty((links, D)) if self.rate else None

    def _fill(self, times: np.ndarray) -> None:
        """Rows and pairs of the stretches that hold some snapshots, where they are not there yet.

        Raises:
            InputError: if two particles of a snapshot are at the same place.
        """
        trajectory, graphs = self._source
        asked = np.unique(self._stretch[times])
        for k in asked[~self._filled[asked]].tolist():
            for some, part in trajectory.blocks(self._stretches[k], after=1):
                local = np.zeros(part.present.shape, np.int32)  # row within its snapshot
                for t in range(len(part.time)):
                    here = part.order(t)
                    local[t, here] = np.arange(len(here))
                near = graphs.window(some)
                for t in range(some.stop - some.start):
                    self._rows(some.start + t, t, part, local)
                    self._pairs(some.start + t, t, part, local, near)
                release(*self._mapped)
            self._filled[k] = True

    def _rows(self, at: int, t: int, part: Trajectory, local: np.ndarray) -> None:
        """The rows of snapshot ``at``, which is row t of ``part``; the next one follows there."""
        here, last = part.order(t), at == len(self._follows)
        rows, later = slice(self.row_offset[at], self.row_offset[at + 1]), t if last else t + 1
        who = here if part.occupant is None else part.occupant[t, here]
        mask = np.zeros(len(here), bool) if last else self.mask[at, here]
        known = part.present[later, here] & (not last and bool(self._follows[at]))
        if part.occupant is not None:
            known &= part.occupant[later, here] == who
        v_next = np.where(known[:, None], part.velocity[later, here] / self.units.velocity, 0.0)
        self.r[rows] = self._tensor(part.position[t, here] / self.units.length)
        self.v[rows] = self._tensor(part.velocity[t, here] / self.units.velocity)
        self.v_next[rows] = self._tensor(v_next)
        self.row_mask[rows], self.particle[rows] = self._tensor(mask), self._tensor(who)
        self.snapshot[rows] = at
        self.next_row[rows] = self._tensor(np.where(mask, local[later, here], 0))

    def _empty(self, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
        """A tensor to be filled; on the processor those of a long film are mapped to files."""
        dtype = dtype or self.dtype
        if self.device.type != "cpu":
            return torch.empty(shape, dtype=dtype, device=self.device)
        array = room(shape, torch.empty(0, dtype=dtype).numpy().dtype, self._most)
        self._mapped.append(array)
        return torch.from_numpy(array)

    def _pairs(self, at: int, t: int, part: Trajectory, local: np.ndarray, near: Graphs) -> None:
        """The pairs of snapshot ``at``, which is row t of ``part`` and of ``near``."""
        found, space = slice(near.offset[t], near.offset[t + 1]), part.space
        i, j, shift = near.i[found], near.j[found], near.shift[found].astype(float)
        r_ij = part.position[t, i] - part.position[t, j]
        r_ij -= space.shift(shift, float(part.time[t]))
        r_ij /= self.units.length
        distance = np.linalg.norm(r_ij, axis=1)
        if not (distance > 0).all():
            k = int(np.argmin(distance))
            raise InputError(
                f"Two particles sit on each other in snapshot {at} (labels "
                f"{self._label(part, t, i[k])} and {self._label(part, t, j[k])}): raise the "
                f"separation of the detection."
            )
        links = slice(self.pair_offset[at], self.pair_offset[at + 1])
        self.i[links], self.j[links] = self._tensor(local[t, i]), self._tensor(local[t, j])
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
        self._fill(np.asarray(times))
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
        release(*self._mapped)  # what the batch was copied from
        force = None if self.external is None else self.external(r)
        blur = None if self.blur is None else self.blur[particle]
        own = (force, self._solids(len(rows)), self._flow(r, rows, times), blur)
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
