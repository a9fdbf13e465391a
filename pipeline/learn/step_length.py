"""How long a step of training is, where the error of the positions hides what moves.

Over k snapshots the velocity changes by the second difference

    r(t + k) - 2 r(t) + r(t - k),

of which white errors of the positions make the variance 6 sigma^2, whatever k, while motion grows:
with k^3 where forces are forgotten within a snapshot interval. Below a certain share of motion no
training tells force and friction from error: the start is wrong by factors, and what takes the
error off runs away. A step is the shortest with enough of it, as long as a velocity is not
forgotten within, since steps longer than that do not resolve how particles rattle among their
neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.dynamics.driven import forgotten
from pipeline.learn.settings import ENOUGH
from pipeline.localisation import successive
from pipeline.trajectory import Trajectory


class StepLength(NamedTuple):
    """Snapshots of a step, and whether over a single one motion is enough."""

    stride: int
    bright: bool


def applies(trajectory: Trajectory) -> bool:
    """Whether these are tracks of particles with inertia whose error is known."""
    known = trajectory.attributes
    tracked = known.get("regime") == "inertial" and known["velocity"] == "backward difference"
    return tracked and trajectory.reference is None and float(known["localisation_error"]) > 0


def of(trajectory: Trajectory, rows: slice) -> StepLength:
    """The shortest step with enough motion, at most the time in which velocities are forgotten.

    Args:
        trajectory: the data, see `applies` for those that may need longer steps.
        rows: of the training block.
    """
    if not applies(trajectory) or motion_share(trajectory, rows, 1) >= ENOUGH:
        return StepLength(1, True)
    longest = forgotten(trajectory, rows)
    shares = (motion_share(trajectory, rows, k) for k in range(2, longest))
    found = next((k for k, share in enumerate(shares, start=2) if share >= ENOUGH), longest)
    return StepLength(found, False)


def motion_share(trajectory: Trajectory, rows: slice, stride: int) -> float:
    """Share of motion in the variance of what velocities of free particles change by.

    Args:
        rows: snapshots looked at. stride: of the velocities, in snapshots.

    Returns:
        1 less the share of the error; 1 where no particle is followed for so long.
    """
    k, total, count = stride, 0.0, 0
    for _, part in trajectory.blocks(slice(rows.start, max(rows.stop - 2 * k, rows.start)), 2 * k):
        stretch = np.concatenate([[0], np.cumsum(~part.successive())])
        whole = successive(part.free, stretch, 2 * k + 1)
        if part.occupant is not None:
            whole &= part.occupant[2 * k :] == part.occupant[: -2 * k]
        path = np.cumsum(part.velocity, axis=0, dtype=float) * trajectory.dt
        change = (path[2 * k :] - 2 * path[k:-k] + path[: -2 * k])[whole]
        total, count = total + float((change**2).sum()), count + change.size
    if not total:
        return 1.0
    return 1.0 - 6 * float(trajectory.attributes["localisation_error"]) ** 2 * count / total
