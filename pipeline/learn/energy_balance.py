"""What a medium feeds into the motion of a closed container, by the energy along its film.

A container that nobody enters or leaves and whose walls rest gains energy from the medium alone.
The energy of every snapshot, kinetic and that of the learned forces, is known to a few percent of
the kinetic one, however long the film: what it rises by over the whole film is what the medium
gave, less what friction of pairs took. The balance of single steps
(`pipeline.learn.force_matching.net_friction`) rests on the same law, and drowns in the noise of
velocities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import stats

from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Snapshots
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import State
from pipeline.trajectory import evenly

BLOCKS = 10  # of time
FEWEST = 10  # snapshots in each
MOST = 1000  # snapshots looked at, evenly spread


class Course(NamedTuple):
    """Energies of snapshots in which everybody is seen, reduced units."""

    time: np.ndarray  # (T,) [dt]
    kinetic: np.ndarray  # (T,)
    energy: np.ndarray  # (T,) with that of forces


class Balance(NamedTuple):
    """Rate [1 / dt] at which a medium takes energy, over twice the kinetic one, and 95 %."""

    value: float
    low: float
    high: float


@torch.no_grad()
def course(model: Metriplectic, latent: Latent, snapshots: Snapshots) -> Course:
    """Energies along all snapshots, by the learned forces.

    The velocity is the mean of those before and after, of the moment of the positions; errors of
    the positions add a constant.
    """
    times = snapshots.usable(slice(0, len(snapshots.mask)))
    whole = int(snapshots.mask[times].sum(axis=1).max(initial=0))
    rows = []
    complete = times[snapshots.mask[times].sum(axis=1) == whole]
    for t in evenly(complete, MOST).tolist():
        now = snapshots.batch(np.array([t]))
        if len(now.r) > whole:
            continue  # somebody is led
        v, S = 0.5 * (now.v + now.v_next), latent(now.particle)
        state = State(now.r, v, S)
        strength = latent.strength(now.particle)
        dynamics = model.dynamics(state, now.pairs, now.reference, strength=strength, flow=now.flow)
        kinetic = 0.5 * model.m * v.square().sum()
        rows.append([t, float(kinetic), float(model.energy(state, dynamics))])
    return Course(*np.array(rows).reshape(-1, 3).T)


def balance(found: Course) -> Balance | None:
    """What the medium takes on average, from the increments of energy between blocks of time.

    These are as good as independent where single steps gain by chance, and their scatter is too
    large rather than too small where the energy is known with an error. None where the snapshots
    are too few.
    """
    if len(found.time) < BLOCKS * FEWEST:
        return None
    parts = np.array_split(np.arange(len(found.time)), BLOCKS)
    energy, time = (
        np.array([x[part].mean() for part in parts]) for x in (found.energy, found.time)
    )
    slope = -np.diff(energy) / np.diff(time) / (2 * found.kinetic.mean())
    error = stats.t.ppf(0.975, len(slope) - 1) * slope.std(ddof=1) / len(slope) ** 0.5
    value = float(slope.mean())
    return Balance(value, value - float(error), value + float(error))
