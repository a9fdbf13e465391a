"""What residuals of a solid leave along its bonds, as state spaces of bonds that remember.

With B (N D, M) the directions of the bonds, residuals are R = B phi, phi = f + w of every bond: the
force of its Maxwell elements (`pipeline.learn.bond_memory`), and noise. All bonds are alike, so a
rotation among them changes nothing: with the singular values B = U s V^T

    U^T R / s = V^T phi,     driven by V^T (change of length) = s U^T v'

are as many independent one-dimensional state spaces, those of `pipeline.learn.bond_filter`.
Particles show no more of the bonds than that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from pipeline.closures.reference import Reference
from pipeline.learn.bond_filter import BondRest
from pipeline.learn.kalman import Rest, state_space
from pipeline.learn.likelihood import middle as mean_velocity
from pipeline.learn.residuals import Left
from pipeline.learn.snapshots import Sample, Snapshots, shifted
from pipeline.learn.solid_forces import covariance, of_the_moment, step_taken
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
def gather(learner: Learner, snapshots: Snapshots, times: np.ndarray) -> Rest | BondRest:
    """What successive steps leave along the bonds, by mode (K), snapshot (T) and 1 component.

    Friction is that of the mean velocity, and its force stands for ``middle``: twice the noise of
    pairs has twice the friction.

    Args:
        learner: trained.
        snapshots: of the film.
        times: in order, see `kalman.looked_at`.

    Returns:
        of velocities of the moment, for the filter that knows what happens within a step; of those
        that are means over one, whose change is the force at its end, for that of leapfrog.
    """
    assert snapshots.reference is not None
    U, s = directions(snapshots.reference)
    first, some = int(times[0]), Sample(snapshots, times)
    halfway = of_the_moment(some)
    parts = np.full((len(_Step._fields), len(s), int(times[-1]) - first + 1, 1), np.nan)
    for t in times:
        step = _step(learner, snapshots, int(t), halfway)
        parts[:, :, t - first, 0] = [U.T @ x.double().cpu().numpy().ravel() for x in step]
    step = _Step(*parts)
    scale = s[:, None, None]
    residual, middle = step.left / scale, step.rubbing / scale
    own = np.einsum("ik,ik->k", U, covariance(learner, some) @ U)[:, None]
    white = np.broadcast_to(own / s[:, None] ** 2, residual.shape[:2])
    rate = np.broadcast_to(own / (2 * learner.noise.temperature), residual.shape[:2])
    order = snapshots.order.window(slice(first, int(times[-1]) + 1))
    if not halfway:
        columns = residual, scale * step.later, middle, 0 * white, white, rate, rate
        return Rest(*columns, np.arange(len(s)), 1.0, order)
    paths = scale * step.path, scale * step.before, scale * (step.later - step.before)
    K = -np.nansum(step.force * step.pull, axis=(1, 2)) / np.nansum(step.pull**2, axis=(1, 2))
    return BondRest(residual, *paths, middle, step.pull / scale, white, rate, K, s**2, order)


class _Step(NamedTuple):
    """Of the particles (N, D) in one step, or of the coordinates (K, T, 1) in all."""

    left: Any  # change of the velocity that the model leaves
    rubbing: Any  # what friction of the mean velocity took off
    before: Any  # v
    later: Any  # v'
    path: Any  # r' - r
    pull: Any  # s^2 q: what bonds do as far as they are longer, at unit stiffness
    force: Any  # without friction


def _step(learner: Learner, snapshots: Snapshots, t: int, halfway: bool) -> _Step:
    """Of snapshot t; ``halfway``: forces are those of the middle of the path."""
    now, path = step_taken(snapshots, t)
    at = shifted(now, 0.5 * now.v) if halfway else now
    dynamics = learner.dynamics(at, mean_velocity(now), learner.entropy(now))
    drift = dynamics.drift.dv
    rubbing = sum_odd(dynamics.pairs, dynamics.friction) / learner.model.m
    reference = snapshots.reference
    assert reference is not None
    bonds = reference.bonds
    longer = ((reference.displacement(at.r) - reference.r0) * bonds.e).sum(1)
    pull = sum_odd(bonds, (reference.relative_weight * longer)[:, None] * bonds.e)
    return _Step(now.change() - drift, rubbing, now.v, now.v_next, path, pull, drift - rubbing)


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
    innovation, size = rest.filtered(state_space(learner.model.memory))[2:]
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
