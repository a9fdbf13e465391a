"""Who is who: rows of trajectories and labels of tracks that change places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.errors import InputError
from pipeline.imported.paths import Paths
from pipeline.units import neighbour_distance

FAR = 0.5  # of the neighbour distance: rows that move farther are asked whether they changed places
CLOSE = 0.3  # of the distance from a random point to its nearest particle


def check_order(path: Paths) -> None:
    """Rows without ids keep their order."""
    box = path.box
    sides = np.where(box.periodic, box.lengths, 0.0)

    def local(r: np.ndarray) -> np.ndarray:
        inside = np.where(box.periodic, (r - box.origin) % box.lengths, r)
        return np.where((sides > 0) & (inside >= box.lengths), 0.0, inside)

    pairs = (
        (t, local(path.position[t]), path.step[t], local(path.position[t + 1]))
        for t in np.flatnonzero(path.follows).tolist()
    )
    density = path.position.shape[1] / box.volume
    found = exchanged(pairs, density, sides)
    if found is not None:
        raise InputError(
            f"Rows of {path.name} change order and carry no ids: from snapshot {found.when} to "
            f"{found.when + 1} {found.labels} of {path.position.shape[1]} move far (by "
            f"{found.moved:.3g}, the median), and another row is within {found.near:.3g} of where "
            f"each of them was; write a column id, in LAMMPS also dump_modify sort id."
        )


class Exchanged(NamedTuple):
    """Labels that change places: most of them from snapshot ``when`` to the next."""

    when: int
    labels: int
    total: int  # of them, and of all times
    share: float  # of the labels at that time
    rate: float  # of them, of all steps
    moved: float  # median distance that a label moves
    near: float  # median distance to whoever is nearest afterwards


def exchanged(
    pairs: Iterable[tuple[int, np.ndarray, np.ndarray, np.ndarray]],
    density: float,
    sides: np.ndarray,
) -> Exchanged | None:
    """Whether labels change places from one snapshot to the next.

    Of labels that move far, the nearest particle of the next snapshot is a stranger at the distance
    of a random point to its nearest particle, unless labels were exchanged: then it is the same
    particle after its true, short step.

    Args:
        pairs: snapshot, positions (M, D), steps (M, D) of the labels, and all positions (K, D) of
            the next snapshot.
        density: particles per area or volume.
        sides: (D,) periods of the axes, 0 for open ones; positions lie within.
    """
    D = len(sides)
    spacing = neighbour_distance(density, D)
    random = (np.log(2) / (density * {2: np.pi, 3: 4 * np.pi / 3}[D])) ** (1 / D)
    moved, near, steps = [], [], 0
    most = (0, 0, 1)  # labels that move far, where, and of how many
    for t, position, step, after in pairs:
        size = np.linalg.norm(step, axis=1)
        steps += len(size)
        far = size > FAR * spacing
        if far.any() and len(after):
            moved.append(size[far])
            near.append(cKDTree(after, boxsize=sides).query(position[far])[0])
            most = max(most, (int(far.sum()), t, len(size)))
    if not moved:
        return None
    close = float(np.median(np.concatenate(near)))
    total, (labels, worst, present) = sum(map(len, moved)), most
    # Two may be one label for the other; two of different times are none.
    if close > CLOSE * random or total < 2 or (total == 2 and labels < 2):
        return None
    far_by = float(np.median(np.concatenate(moved)))
    return Exchanged(worst, labels, total, labels / present, total / steps, far_by, close)
