"""Particles of a trajectory that never move, are written twice or move on a lattice, and snapshots
in a wrong order."""

from __future__ import annotations

import numpy as np

from pipeline.errors import InputError
from pipeline.imported.faces import last_digit
from pipeline.imported.paths import Paths
from pipeline.trajectory import Box
from pipeline.video import order

MEANT = 0.1  # of the particles, at one place with others: no more are written twice by mistake
COARSE = 0.1  # of the usual step, which digits may be coarse by
ASKED = 40  # snapshots and
SOME = 100  # particles of each that are compared with all snapshots
NEARER = 0.5  # of a step: a snapshot as near as that to another is not where it belongs
OFTEN = 0.5  # of the snapshots, of which that is said
PERIOD = 0.3  # of them, which may be a whole period from their likes
VOID = 3.0  # mean distances of particles, by which a box may be wider than what is in it


def oddities(path: Paths) -> list[str]:
    """Sentences on what can be meant, and seldom is.

    Raises:
        InputError: two particles are at one place all along.
    """
    _refuse_doubles(path)
    order = _out_of_order(path) or _shuffled(path)
    return [*_frozen(path), *_coarse(path), *order, *_empty(path)]


def _refuse_doubles(path: Paths) -> None:
    """Refuses pairs whose distance is zero: nothing has a direction there."""
    for t in (0, len(path.position) - 1):
        order = np.lexsort(path.position[t].T)
        apart = np.diff(path.position[t][order], axis=0).any(axis=1)
        if apart.all():
            return
    row = int(np.argmin(apart))
    if (lattice := last_digit(path.position[..., 0])) > 0 and (~apart).sum() > MEANT * len(apart):
        raise InputError(
            f"Positions of {path.name} are written in steps of {lattice:.3g}, and "
            f"{int((~apart).sum()) + 1} of {len(apart) + 1} particles are at the same place as "
            f"another one: write more digits."
        )
    raise InputError(
        f"Particles {order[row]} and {order[row + 1]} (counted from 0) of {path.name} are at the "
        f"same place in the first and in the last snapshot: is one particle written twice? Write "
        f"each once, and leave out what only goes along with others."
    )


def _frozen(path: Paths) -> list[str]:
    """A word on particles that never move, beside others that do."""
    moves = path.step[path.follows].any(axis=(0, 2))
    if moves.all() or not moves.any():
        return []
    return [
        f"{int((~moves).sum())} of {len(moves)} particles of {path.name} never move (row "
        f"{int(np.argmin(moves))}, for one): are they a wall? They count as particles like the "
        f"others, and forces on them are unknown: leave them out of the file if not meant."
    ]


def _coarse(path: Paths) -> list[str]:
    """A word on positions of so few digits that steps are coarse by them."""
    steps = np.abs(path.step[path.follows])
    lattice, usual = last_digit(path.position[..., 0]), float(np.sqrt(np.mean(steps**2)))
    if not usual or not lattice or lattice < COARSE * usual:
        return []
    return [
        f"Positions of {path.name} are written in steps of {lattice:.3g}, and particles move by "
        f"{usual:.3g} (root mean square) from one snapshot to the next: differences are coarse; "
        f"write more digits."
    ]


def _out_of_order(path: Paths) -> list[str]:
    """A word on snapshots that are nearer to others than to their neighbours."""
    lag = np.full((len(path.position), 2), np.nan)
    lag[1:, 0] = np.where(path.follows, _mean(path.step), np.nan)
    both = path.follows[1:] & path.follows[:-1]
    lag[2:, 1] = np.where(both, _mean(path.step[1:] + path.step[:-1]), np.nan)

    def distance(one: int, other: int) -> float:
        return float(_mean(_nearest(path.position[other] - path.position[one], path.box)))

    said = [f"snapshots {k} and {k + 1} in each other's place" for k in order.exchanged(lag)]
    said += [f"snapshots {a} to {b} backwards" for a, b in order.backwards(lag, distance)]
    if not said:
        return []
    more = f" and {len(said) - 1} more of the kind" if len(said) > 1 else ""
    return [
        f"{path.name} seems to hold {said[0]}{more} (counted from 0): steps there are longer than "
        f"in another order, and velocities are wrong; write its snapshots in order."
    ]


def _shuffled(path: Paths) -> list[str]:
    """A word on snapshots of which most are far nearer to some other than to the next.

    Motion that comes back does so after a period, which is the same for most.
    """
    some = path.position[:, :: max(1, path.position.shape[1] // SOME)]
    part = np.concatenate([[0], np.cumsum(~path.follows)])
    asked = np.flatnonzero(path.follows)
    asked = asked[:: max(1, len(asked) // ASKED)]
    nearest, ratio = [], []
    for t in asked.tolist():
        distance = _mean(_nearest(some - some[t], path.box))
        step = distance[t + 1]
        distance[(np.abs(np.arange(len(some)) - t) < 2) | (part != part[t])] = np.inf
        nearest.append(int(distance.argmin()) - t)
        ratio.append(float(distance.min()) / step if step else 1.0)
    far = np.array(ratio) < NEARER
    lags = np.unique(np.abs(np.array(nearest)[far]), return_counts=True)[1]
    if len(asked) < 10 or far.mean() < OFTEN or lags.max() > PERIOD * len(asked):
        return []
    return [
        f"Most snapshots of {path.name} are far nearer to some other than to the next (snapshot "
        f"{asked[0]} to {asked[0] + nearest[0]}, counted from 0): they are in no order, and "
        f"velocities are wrong; write them in order."
    ]


def _empty(path: Paths) -> list[str]:
    """A word on a box that is far wider than what is in it."""
    extent = np.ptp(path.position, axis=(0, 1))
    spacing = float(np.prod(extent) / path.position.shape[1]) ** (1 / len(extent))
    void = np.where(path.box.periodic, path.box.lengths - extent, 0.0) - VOID * spacing
    axis = int(void.argmax())
    if void[axis] <= 0:
        return []
    return [
        f"Particles of {path.name} are only ever in {extent[axis]:.4g} of {'xyz'[axis]}, along "
        f"which the box is {path.box.lengths[axis]:.6g} long: is it a drop, or is the box wrong? "
        f"The density is that of the whole box."
    ]


def _nearest(apart: np.ndarray, box: Box) -> np.ndarray:
    """Displacements (..., N, D) to the nearest image along periodic axes."""
    period = np.where(box.periodic, box.lengths, np.inf)
    return np.asarray(apart - np.round(apart / period) * np.nan_to_num(period, posinf=0.0))


def _mean(step: np.ndarray) -> np.ndarray:
    """Mean length of displacements (..., N, D)."""
    return np.asarray(np.linalg.norm(step, axis=-1).mean(axis=-1))
