"""Training samples: snapshots with their graphs as flat tensors, batches by slicing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.reference import Reference, undeformed
from pipeline.forcing import external
from pipeline.graphs import Graphs, space_of
from pipeline.learn.mask import loss_mask
from pipeline.pairs import Pairs
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits


class Batch(NamedTuple):
    """Several snapshots as one large system, in reduced units, with what followed each of them.

    Only present particles have a row. The velocity convention is the integrator's:
    v_next = v + dv with the drift evaluated at (r, v), and r_next = r + v_next dt.
    """

    r: Tensor  # (n, D) positions [a]
    v: Tensor  # (n, D) velocities [a / dt]
    v_next: Tensor  # (n, D) velocities one snapshot later, zero where masked
    pairs: Pairs  # neighbours, indices into the n rows
    particle: Tensor  # (n,) int64, index into the particles of the trajectory
    mask: Tensor  # (n,) bool, rows the loss is about
    next_row: Tensor  # (n,) int64, row of the same particle in `after`, zero where masked
    snapshot: Tensor  # (n,) int64, index of the snapshot among the trajectory's
    force: Tensor | None = None  # (n, D) external, per mass [a / dt^2]; None where none acts
    reference: Reference | None = None  # undeformed bonds among the n rows, of a solid

    def change(self) -> Tensor:
        """v' - v (n, D) less what the external force did: what a model has to explain."""
        change = self.v_next - self.v
        return change if self.force is None else change - self.force


class Snapshots:
    """All snapshots of a trajectory, held once in memory.

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
            raise ValueError(
                f"The graphs hold {len(graphs.offset) - 1} snapshots and the trajectory "
                f"{len(trajectory.time)}: make the graphs anew from this trajectory."
            )
        self.units = ReducedUnits(graphs.neighbour_distance, graphs.dt)
        self.cutoff = graphs.cutoff / self.units.length
        self.dimension, self.dtype, self.device = trajectory.dimension, dtype, torch.device(device)
        self.particles = len(trajectory.particle)
        self.external = external(trajectory.attributes, self.units)
        self.present = trajectory.present
        self.mask, self.hole_distance = loss_mask(trajectory, graphs, hole_distance)
        self.true_entropy = trajectory.extra.get("entropy")  # (T, N) where it is known
        self._rows(trajectory)
        self._pairs(trajectory, graphs)
        self.reference = undeformed(trajectory, self.units.length, self.cutoff, dtype, device)
        self._copies: dict[int, Reference] = {}

    def _tensor(self, values: np.ndarray, dtype: torch.dtype | None = None) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, dtype)

    def _rows(self, trajectory: Trajectory) -> None:
        present = self.present
        t, p = np.nonzero(present)
        self.row_offset = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        local = np.cumsum(present, axis=1) - 1
        self._local = local
        later = np.minimum(t + 1, len(present) - 1)
        mask = np.zeros_like(present)
        mask[:-1] = self.mask
        mask = mask[t, p]
        r = trajectory.position / self.units.length
        v = trajectory.velocity / self.units.velocity
        self.r = self._tensor(r[t, p], self.dtype)
        self.v = self._tensor(v[t, p], self.dtype)
        self.v_next = self._tensor(np.where(mask[:, None], v[later, p], 0.0), self.dtype)
        self.row_mask = self._tensor(mask)
        self.particle = self._tensor(p)
        self.snapshot = self._tensor(t)
        self.next_row = self._tensor(np.where(mask, local[later, p], 0))

    def _pairs(self, trajectory: Trajectory, graphs: Graphs) -> None:
        t = np.repeat(np.arange(len(trajectory.time)), np.diff(graphs.offset))
        space, shift = space_of(trajectory), torch.from_numpy(graphs.shift.astype(float))
        r_ij = trajectory.position[t, graphs.i] - trajectory.position[t, graphs.j]
        r_ij = r_ij - space.shift(shift, 0.0).numpy()
        if space.rate:
            slide = np.array([space.offset(float(now)) for now in trajectory.time])
            r_ij[:, 0] -= graphs.shift[:, 1] * slide[t]
        r_ij /= self.units.length
        distance = np.linalg.norm(r_ij, axis=1)
        if not (distance > 0).all():
            k = int(np.argmin(distance))
            raise ValueError(
                f"Two particles sit on each other in snapshot {t[k]} (labels "
                f"{trajectory.particle[graphs.i[k]]} and {trajectory.particle[graphs.j[k]]}): "
                f"raise the separation of the detection."
            )
        self.pair_offset = graphs.offset
        self.i = self._tensor(self._local[t, graphs.i])
        self.j = self._tensor(self._local[t, graphs.j])
        self.pair_r = self._tensor(distance, self.dtype)
        self.pair_e = self._tensor(r_ij / distance[:, None], self.dtype)
        boost = space.boost(shift)
        self.rate = space.rate * self.units.time
        self.boost = None
        if boost is not None:
            self.boost = (boost / self.units.velocity).to(self.device, self.dtype)

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
        i, j = (
            torch.cat([flat[k] + int(s) for k, s in zip(links, start[:-1], strict=True)])
            for flat in (self.i, self.j)
        )
        distance, e = (torch.cat([flat[k] for k in links]) for flat in (self.pair_r, self.pair_e))
        next_row = torch.cat(
            [self.next_row[k] + int(s) for k, s in zip(rows, after[:-1], strict=True)]
        )
        boost = None if self.boost is None else torch.cat([self.boost[k] for k in links])
        pairs = Pairs(i, j, distance, e, boost, int(start[-1]), self.rate)
        force = None if self.external is None else self.external(r)
        own = (force, self._solids(len(rows)))
        return Batch(r, v, v_next, pairs, particle, mask, next_row * mask, snapshot, *own)

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
