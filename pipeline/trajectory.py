"""The trajectory: what every later stage works on; `pipeline.h5md` keeps it on disk."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np


class Box(NamedTuple):
    """The box of a trajectory; on open axes, the field of view."""

    lengths: np.ndarray  # (D,) [length]
    periodic: tuple[bool, ...]  # (D,)
    origin: np.ndarray  # (D,) lower corner [length]

    @property
    def volume(self) -> float:
        """Area or volume [length^D]."""
        return float(np.prod(self.lengths))


class Trajectory(NamedTuple):
    """T snapshots of N particles in D dimensions, some of them absent, some of them driven.

    Positions of absent particles are finite but meaningless: mask with ``present``. The velocity
    of tracked data is the backward difference (r[t] - r[t-1]) / dt, which is what the
    integrator v' = v + dv, r' = r + v' dt makes of it.
    """

    position: np.ndarray  # (T, N, D) [length]
    velocity: np.ndarray  # (T, N, D) [length / time]
    present: np.ndarray  # (T, N) bool
    driven: np.ndarray  # (T, N) bool: neighbours, but out of loss and statistics
    time: np.ndarray  # (T,) [time]
    run: np.ndarray  # (T,) int32, which video
    particle: np.ndarray  # (N,) int64 labels
    species: np.ndarray  # (N,) int32, -1 where unknown
    box: Box
    attributes: dict[str, Any]  # JSON-able; always the keys of h5md.REQUIRED
    extra: dict[str, np.ndarray]  # (T, N) each, e.g. entropy, filled
    # (N, D) positions of the undeformed solid [length]; None for anything that is no solid
    reference: np.ndarray | None = None

    @property
    def dt(self) -> float:
        """Snapshot interval [time]."""
        return float(self.attributes["dt"])

    @property
    def dimension(self) -> int:
        return self.position.shape[2]

    @property
    def free(self) -> np.ndarray:
        """(T, N) present and not driven: what loss and statistics are about."""
        return self.present & ~self.driven

    def number_density(self) -> float:
        """Mean number of present particles per area or volume of the box [1 / length^D].

        Of a solid, that of the undeformed body: the box is what it sweeps through. Its bounds
        are widened by the half of a particle spacing that lies outside the outermost ones.
        """
        if self.reference is None:
            return float(self.present.sum(axis=1).mean()) / self.box.volume
        count, dimension = self.reference.shape
        per_side = count ** (1 / dimension)
        extent = np.ptp(self.reference, axis=0) * per_side / (per_side - 1)
        return count / float(np.prod(extent))

    def successive(self) -> np.ndarray:
        """(T - 1,) bool: snapshot t + 1 follows t by one interval in the same run."""
        step = np.diff(self.time)
        return (np.diff(self.run) == 0) & (np.abs(step - self.dt) < 1e-3 * self.dt)

    def stretches(self) -> list[slice]:
        """Slices of successive snapshots; several videos are several stretches."""
        cuts = (np.flatnonzero(~self.successive()) + 1).tolist()
        return [slice(a, b) for a, b in itertools.pairwise([0, *cuts, len(self.time)])]

    def window(self, rows: slice | np.ndarray) -> Trajectory:
        """The snapshots in ``rows``, a slice or indices, all particles kept."""
        return self._replace(
            position=self.position[rows],
            velocity=self.velocity[rows],
            present=self.present[rows],
            driven=self.driven[rows],
            time=self.time[rows],
            run=self.run[rows],
            extra={name: value[rows] for name, value in self.extra.items()},
        )


def blocks(trajectory: Trajectory, train: float, validation: float) -> dict[str, slice]:
    """Contiguous blocks of time for training, validation and test; never shuffled frames.

    Where a video is so short that the fractions would leave a block without a step, validation
    gets two snapshots, and training and test half of the rest each: see `too_short`.

    Args:
        trajectory: the whole data set.
        train: the snapshots used for training, from the first one on: a fraction of all, or, from
            1 on, their number.
        validation: the same of those that follow; the test block is the rest.

    Raises:
        ValueError: if a block would still be shorter than two snapshots.
    """
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    if too_short(trajectory, train, validation):
        first = start + (count - start - 1) // 2
        second = first + 2
    parts = {
        "train": slice(0, first),
        "validation": slice(first, second),
        "test": slice(second, count),
    }
    if min(first - start, count - second) < 2:
        raise ValueError(
            f"The video has {count} snapshots, {count - start} of them with velocities, and at "
            f"least 6 of these are needed, two each to train, to validate and to test: record "
            f"more frames, or link with a larger search_range or memory."
        )
    return parts


def too_short(trajectory: Trajectory, train: float, validation: float) -> bool:
    """Whether these fractions would leave one of the three blocks without a step."""
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    return min(first - start, second - first, count - second) < 2


def _cuts(count: int, train: float, validation: float) -> tuple[int, int]:
    """First snapshots of the validation and the test block, of ``count`` in all."""
    first = train if train >= 1 else count * train
    return round(first), round(first + (validation if validation >= 1 else count * validation))


def _first(trajectory: Trajectory) -> int:
    """The first snapshot with a velocity: the first frame of a video has none."""
    return int(trajectory.present.any(axis=1).argmax())
