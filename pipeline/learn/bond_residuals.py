"""What residuals of a solid leave along its bonds, as state spaces of bonds that remember.

With B (N D, M) the directions of the bonds, residuals are R = B phi, phi = f + w of every bond: the
force of its Maxwell elements (`pipeline.learn.bond_memory`), and noise. All bonds are alike, so a
rotation among them changes nothing: with the singular values B = U s V^T

    U^T R / s = V^T phi,     driven by V^T (change of length) = s U^T v'

are as many independent one-dimensional state spaces, those of `pipeline.learn.kalman`. Particles
show no more of the bonds than that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.reference import Reference
from pipeline.learn.kalman import Rest, filtered, state_space
from pipeline.learn.likelihood import middle as mean_velocity
from pipeline.learn.residuals import Left
from pipeline.learn.snapshots import Batch, Sample, Snapshots, shifted
from pipeline.learn.solid_forces import covariance, of_the_moment
from pipeline.pairs import sum_odd

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

LEAST = 1e-3  # of the largest singular value: the body as a whole, which no bond moves


def directions(reference: Reference) -> tuple[np.ndarray, np.ndarray]:
    """U (N D, K) and s (K,) of the bonds."""
    bonds = reference.bonds
    N, D = bonds.n, bonds.e.shape[1]
    root = (reference.relative_weight.sqrt()[:, None] * bonds.e).double().cpu()
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


def white(
    left: Callable[[int], Left], learner: Learner, snapshots: Snapshots, times: np.ndarray
) -> Callable[[int], Left]:
    """Steps with what bonds foresee taken off, see `pipeline.learn.residuals`.

    Args:
        left: without it.
        learner: whose bonds remember.
        snapshots, times: what ``left`` is asked of.
    """
    assert snapshots.reference is not None
    assert learner.model.memory is not None
    U, s = directions(snapshots.reference)
    rest = gather(learner, snapshots, times)
    innovation, size = filtered(rest, state_space(learner.model.memory))[2:]
    first, shape = int(times[0]), (snapshots.particles, snapshots.dimension)
    parts = U.reshape(*shape, -1)
    variance = np.einsum("ndk,kt->tn", parts**2, s[:, None] ** 2 * size) / snapshots.dimension
    found_at = np.einsum("ndk,kt->tnd", parts, s[:, None] * innovation[..., 0])

    def found(t: int) -> Left:
        step = left(t)
        e, S = (torch.from_numpy(x[t - first]).to(step.z) for x in (found_at, variance))
        return step._replace(
            residual=e,
            z=e / S.sqrt()[:, None],
            echo=torch.zeros_like(step.echo),
            vv=S,
            later=torch.zeros_like(step.later),
        )

    return found
