"""Where the particles of a solid are, snapshot by snapshot, against where they were.

    eps = |r_truth - r_model|_2 / |r_truth|_2      over all free particles and snapshots

is the paper's measure for its viscoelastic solid (4.1). It depends on where the origin lies, here
the lower corner of the undeformed body; the same for displacements from the undeformed
configuration does not, and is the harder test.
"""

from __future__ import annotations

import numpy as np

from pipeline.analysis.curves import Metric, missing
from pipeline.trajectory import Trajectory

PATHS = ("positions", "displacements")
FLUID = "There is no undeformed configuration: paths of particles in a fluid part within no time."


def paths(trajectory: Trajectory, select: np.ndarray, frames: int) -> dict[str, Metric]:
    """Groups positions and displacements, each one long row of sums.

    Args:
        trajectory: the source; a rollout that stopped early has fewer snapshots than asked.
        select: (N,) bool, the particles that statistics are about.
        frames: snapshots of the experiment.
    """
    if trajectory.reference is None:
        return {name: missing(FLUID) for name in PATHS}
    count = min(len(trajectory.time), frames)
    known = np.zeros((frames, int(select.sum()), trajectory.dimension), dtype=np.float32)
    known[:count] = 1.0
    found = {}
    corner = trajectory.reference.min(axis=0)
    for name, origin in zip(PATHS, (corner, trajectory.reference[select]), strict=True):
        value = np.zeros(known.shape, dtype=np.float32)
        value[:count] = trajectory.position[:count, select] - origin
        sums = {"numerator": value.reshape(1, -1), "denominator": known.reshape(1, -1)}
        found[name] = Metric(sums, {"shape": known.shape})
    return found
