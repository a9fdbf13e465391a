"""Bonds of a solid that remember, as the state space of what residuals leave along them.

Beside every bond of the undeformed body stands a Maxwell element, a spring of stiffness c that a
dashpot lets go within tau:

    dx = (v_ij . e_ij) dt - x/tau dt + sqrt(2 k_B T / (c tau)) dW,      force -c x e_ij on i

Its energy c x^2/2 is part of E, the coupling of x with v antisymmetric; the creep is a part of M
whose heat goes to the two ends, so that L grad S = 0 and M grad E = 0 as for the memory of a medium
(`pipeline.closures.memory`). To the body it adds moduli that decay, c exp(-t/tau) for each unit of
the stiffness of its bonds.

They are found from what residuals leave along the bonds (`pipeline.learn.bond_residuals`). Static
moduli are those of slow strain: in equilibrium x knows nothing of the positions and velocities of
the moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pipeline.closures.reference import Reference
from pipeline.learn.bond_residuals import gather
from pipeline.learn.kalman import FEWEST, looked_at
from pipeline.learn.memory import Fit, Problem, choose, described
from pipeline.learn.snapshots import Sample, Snapshots
from pipeline.units import neighbour_distance

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

MOST = 3000  # coordinates of a body whose bonds are taken apart


def remember(learner: Learner, sample: Sample, validation: np.ndarray) -> dict[str, Any]:
    """Gives the bonds of a trained solid the modes that its residuals show, and tells of them.

    Args:
        learner: trained.
        sample: of the training block.
        validation: snapshots that decide how many there are.

    Returns:
        As `pipeline.learn.memory.remember`, and of every mode the ``shear`` and ``bulk`` modulus
        that it adds, with intervals [m / (dt^2 a^(D - 2))]; ``why`` they were not looked for.
    """
    snapshots = sample.snapshots
    if why := _unsought(snapshots, sample.times, validation):
        return {"modes": 0, "kind": "none", "trials": [], "why": why}
    rest, later = (
        gather(learner, snapshots, looked_at(snapshots, times))
        for times in (sample.times, validation)
    )
    T = learner.noise.temperature
    problem = Problem(rest, T, 0.0, "bonds")
    fit, trials = choose(problem, later, "maxwell")
    told = described(problem, fit, trials, T)
    assert snapshots.reference is not None
    if fit.kind != "none":
        install(learner, fit, T)
    for name, one in unit(snapshots.reference) if fit.kind != "none" else ():
        told[name] = {end: [one * c for c in found] for end, found in told["stiffness"].items()}
    return told


@torch.no_grad()
def install(learner: Learner, fit: Fit, temperature: float) -> None:
    """The modes of a fit, and the noise and the friction of pairs that go with them."""
    model, modes = learner.model, fit.modes
    values = (torch.from_numpy(x) for x in modes[:3])
    model.remember("bonds", len(modes.time)).set(*values, temperature)
    model.friction.amplify(momentum=modes.white)


def _unsought(snapshots: Snapshots, times: np.ndarray, validation: np.ndarray) -> str:
    """Why bonds cannot be looked at, "" where they can."""
    size, few = snapshots.particles * snapshots.dimension, min(len(times), len(validation))
    if size > MOST:
        return f"the body has {size} coordinates, more than {MOST}"
    if few < FEWEST:
        return f"a block has {few} snapshots, fewer than {FEWEST}"
    if not (snapshots.mask[times].all() and snapshots.mask[validation].all()):
        return "some of its particles are led, by forces that are not known"
    return ""


def unit(reference: Reference) -> list[tuple[str, float]]:
    """Shear and bulk modulus of bonds of unit stiffness, each with its weight."""
    bonds, D = reference.bonds, reference.r0.shape[1]
    stretch = reference.relative_weight.double().cpu() * bonds.r.double().cpu().square()
    e = bonds.e.double().cpu()
    volume = bonds.n / neighbour_distance(1.0, D) ** D
    across = float((stretch * (e[:, 0] * e[:, 1]).square()).sum()) / volume
    return [("shear", across), ("bulk", float(stretch.sum()) / (D * D * volume))]
