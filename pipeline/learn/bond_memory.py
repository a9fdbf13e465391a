"""Bonds of a solid that remember, as the state space of what residuals leave along them.

Beside every bond of the undeformed body stands a Maxwell element, a spring of stiffness c that a
dashpot lets go within tau:

    dx = (v_ij . e_ij) dt - x/tau dt + sqrt(2 k_B T / (c tau)) dW,      force -c x e_ij on i

Its energy c x^2/2 is part of E, the coupling of x with v antisymmetric; the creep is a part of M
whose heat goes to the two ends, so that L grad S = 0 and M grad E = 0 as for the memory of a medium
(`pipeline.closures.memory`). To the body it adds moduli that decay, c exp(-t/tau) for each unit of
the stiffness of its bonds.

With B (N D, M) the directions of the bonds, residuals are R = B phi, phi = f + w of every bond. All
bonds are alike, so a rotation among them changes nothing: with the singular values B = U s V^T

    U^T R / s = V^T phi,     driven by V^T (change of length) = s U^T v'

are as many independent one-dimensional state spaces, those of `pipeline.learn.kalman`. Particles
show no more of the bonds than that. Static moduli are those of slow strain: in equilibrium x knows
nothing of the positions and velocities of the moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.reference import Reference
from pipeline.learn.kalman import FEWEST, Rest, looked_at
from pipeline.learn.likelihood import middle as mean_velocity
from pipeline.learn.memory import Problem, choose, described
from pipeline.learn.snapshots import Batch, Sample, Snapshots, shifted
from pipeline.learn.solid_forces import covariance, of_the_moment
from pipeline.pairs import sum_odd
from pipeline.units import neighbour_distance

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

LEAST = 1e-3  # of the largest singular value: the body as a whole, which no bond moves
MOST = 3000  # coordinates of a body whose bonds are taken apart


def remember(learner: Learner, sample: Sample, validation: np.ndarray) -> dict[str, Any]:
    """The modes that the bonds of a trained solid show; the model stays as it is.

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
    for name, one in unit(snapshots.reference) if fit.kind != "none" else ():
        told[name] = {end: [one * c for c in found] for end, found in told["stiffness"].items()}
    return told


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


def weights(reference: Reference) -> Tensor:
    """(M,) of the bonds in a mode, 1 on average."""
    return (reference.weight / reference.weight.mean()).double().cpu()


def unit(reference: Reference) -> list[tuple[str, float]]:
    """Shear and bulk modulus of bonds of unit stiffness, each with its weight."""
    bonds, D = reference.bonds, reference.r0.shape[1]
    stretch = weights(reference) * bonds.r.double().cpu().square()
    e = bonds.e.double().cpu()
    volume = bonds.n / neighbour_distance(1.0, D) ** D
    across = float((stretch * (e[:, 0] * e[:, 1]).square()).sum()) / volume
    return [("shear", across), ("bulk", float(stretch.sum()) / (D * D * volume))]


def directions(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """U (N D, K) and s (K,) of the bonds."""
    bonds = reference.bonds
    N, D = bonds.n, bonds.e.shape[1]
    root = weights(reference).sqrt()[:, None] * bonds.e.double().cpu()
    B = torch.zeros((N, D, len(bonds.i)), dtype=torch.float64)
    number = torch.arange(len(bonds.i))
    B[bonds.i.cpu(), :, number] = root
    B[bonds.j.cpu(), :, number] = -root
    matrix = B.flatten(0, 1)
    squares, U = torch.linalg.eigh(matrix @ matrix.T)
    seen = squares > LEAST**2 * squares[-1]
    return U[:, seen].numpy(), squares[seen].sqrt().numpy()


@torch.no_grad()
def gather(learner: Learner, snapshots: Snapshots, times: np.ndarray) -> Rest:
    """What successive steps leave along the bonds, by mode (K), snapshot (T) and 1 component.

    Friction is that of the mean velocity, and its force stands for ``middle``: twice the noise of
    pairs has twice the friction.

    Args:
        learner: trained.
        snapshots: of the film.
        times: in order, see `kalman.looked_at`.
    """
    reference = snapshots.reference
    assert reference is not None
    U, s = directions(reference)
    first, some = int(times[0]), Sample(snapshots, times)
    residual, drive, middle = np.full((3, len(s), int(times[-1]) - first + 1, 1), np.nan)
    halfway = of_the_moment(some)
    for t in times:
        now = snapshots.batch(np.array([t]))
        left, rubbing = _left(learner, now, halfway)
        forces = (U.T @ x.double().cpu().numpy().ravel() for x in (left, rubbing))
        residual[:, t - first, 0], middle[:, t - first, 0] = (x / s for x in forces)
        drive[:, t - first, 0] = s * (U.T @ now.v_next.double().cpu().numpy().ravel())
    own = np.einsum("ik,ik->k", U, covariance(learner, some) @ U)[:, None]
    white = np.broadcast_to(own / s[:, None] ** 2, residual.shape[:2])
    rate = np.broadcast_to(own / (2 * learner.noise.temperature), residual.shape[:2])
    order = snapshots.order.window(slice(first, int(times[-1]) + 1))
    columns = residual, drive, middle, 0 * white, white, rate, rate
    return Rest(*columns, np.arange(len(s)), 1.0, order)


def _left(learner: Learner, now: Batch, halfway: bool) -> tuple[Tensor, Tensor]:
    """Residuals (N, D) of one snapshot, and what friction of the mean velocity took off."""
    at = shifted(now, 0.5 * now.v) if halfway else now
    dynamics = learner.dynamics(at, mean_velocity(now), learner.entropy(now))
    rubbing = sum_odd(dynamics.pairs, dynamics.friction) / learner.model.m
    return now.change() - dynamics.drift.dv, rubbing
