"""Spline closures started from a linear regression of velocity changes on pair features.

Gradient steps need a thousand iterations to bend a kernel into a steep repulsion. Pair force and
pair friction enter v' - v linearly, so least squares gives their curves at once; noise in the
regressors biases them (errors in variables), which is why they are a start and not the answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.energy import ExponentialEnergy
from pipeline.closures.friction import SplineFriction
from pipeline.closures.volume import SplineVolume
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Snapshots
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import State, sum_odd

INTERVALS = 10  # of the regression's splines
RIDGE = 1e-3  # of its roughness penalty, relative to the mean of the normal matrix
LEAST = 0.03  # smallest fraction of the largest value to which curves are clipped


class Curves(NamedTuple):
    """Regressed laws at distances r (G,)."""

    r: Tensor
    force: Tensor  # along e_ij [a / dt^2]
    along: Tensor  # friction along e_ij [1 / dt]
    across: Tensor  # friction across [1 / dt]
    residual: float  # variance of v' - v per component that is left


def features(batch: Batch, h: float) -> Tensor:
    """(n, D, 3 K) what unit spline coefficients of force and frictions do to each particle."""
    pairs = batch.pairs
    v_ij = pairs.difference(batch.v)
    basis = splines.radial(pairs.r, h, INTERVALS).basis * splines.taper(pairs.r, h)[0]
    radial_v = (pairs.e * v_ij).sum(1, keepdim=True) * pairs.e
    fields = (pairs.e, -radial_v, radial_v - v_ij)
    columns = torch.stack([b[:, None] * x for x in fields for b in basis], 2)
    return sum_odd(pairs, columns)


def regress(snapshots: Snapshots, times: np.ndarray) -> Curves:
    """Least squares over at most 50 training snapshots, with a roughness penalty."""
    h, K = snapshots.cutoff, INTERVALS + 2
    times = times[np.unique(np.linspace(0, len(times) - 1, min(len(times), 50)).astype(int))]
    normal = torch.zeros((3 * K, 3 * K), dtype=torch.float64)
    moment, total, count, seen = torch.zeros(3 * K, dtype=torch.float64), 0.0, 0, []
    for t in times:
        batch = snapshots.batch(np.array([t]))
        X = features(batch, h)[batch.mask].double().cpu().flatten(0, 1)
        y = batch.change()[batch.mask].double().cpu().flatten()
        normal, moment = normal + X.T @ X, moment + X.T @ y
        total, count = total + float(y @ y), count + len(y)
        seen.append(batch.pairs.r.min())
    bend = torch.eye(K, dtype=torch.float64).diff(n=2, dim=0)
    scale = normal.diagonal().reshape(3, K).mean(1)
    penalty = torch.block_diag(*(RIDGE * s * (bend.T @ bend) for s in scale))
    penalty = penalty + 1e-6 * torch.diag(scale.repeat_interleave(K))
    theta = torch.linalg.solve(normal + penalty, moment)
    left = (total - 2 * float(theta @ moment) + float(theta @ normal @ theta)) / count
    r = torch.linspace(float(min(seen)), 0.97 * h, 100, dtype=torch.float64)
    basis = splines.radial(r, h, INTERVALS).basis * splines.taper(r, h)[0]
    force, along, across = theta.reshape(3, K) @ basis
    return Curves(r, force, along, across, left)


def fit_spline(r: Tensor, target: Tensor, h: float, intervals: int) -> Tensor:
    """Coefficients (K,) of the smooth spline through ``target`` at r; straight on outside."""
    basis = splines.radial(r, h, intervals).basis.T
    K = basis.shape[1]
    bend = torch.eye(K, dtype=r.dtype).diff(n=2, dim=0)
    return torch.linalg.solve(basis.T @ basis + 1e-2 * bend.T @ bend, basis.T @ target)


@torch.no_grad()
def start_from_regression(
    model: Metriplectic, snapshots: Snapshots, times: np.ndarray, measured: Measured
) -> bool:
    """Sets kernel, stiffness and friction of spline closures; False where the data forbid it.

    The mean force must push apart, since pressures are positive. The size of friction is set by
    the residual variance through the fluctuation-dissipation theorem, which is better determined
    than the drift; its dependence on distance comes from the regression.
    """
    volume, energy, friction = model.volume, model.energy_closure, model.friction
    if not (
        isinstance(volume, SplineVolume)
        and isinstance(energy, ExponentialEnergy)
        and isinstance(friction, SplineFriction)
    ):
        return False
    curves = regress(snapshots, times)
    pushing = curves.force.clamp(min=LEAST * float(curves.force.max()))
    if not (curves.force.mean() > 0 and curves.force.max() > 0):
        return False
    batch = snapshots.batch(times[:: max(1, len(times) // 5)][:5])
    _set_kernel(model, (volume, energy), curves.r, pushing, batch)
    noise = max(curves.residual - (measured.change - measured.unexplained), 0.05 * curves.residual)
    _set_friction(model, friction, curves, noise, batch)
    return True


def _set_kernel(
    model: Metriplectic,
    closures: tuple[SplineVolume, ExponentialEnergy],
    r: Tensor,
    force: Tensor,
    batch: Batch,
) -> None:
    """w' = -f / (2 kappa) with kappa = P V^2 such that the mean of sum_j w stays as it was."""
    h, (volume, energy) = model.cutoff, closures
    before = volume(model.radial(batch.pairs.r)).w.mean()
    edge = torch.cat([r, r.new_tensor([h])])
    values = torch.cat([force, force.new_zeros(1)])
    area = 0.5 * (values[1:] + values[:-1]) * edge.diff()
    work = area.flip(0).cumsum(0).flip(0)
    shape = torch.log(work / splines.taper(r, h)[0])
    coefficients = fit_spline(r, shape, h, len(volume.coefficients) - 2)
    volume.coefficients.copy_(coefficients - volume.level)
    factor = before / volume(model.radial(batch.pairs.r)).w.mean()
    volume.coefficients.add_(torch.log(factor))
    kappa = float(0.5 / factor)
    n, beta = energy.thermal, torch.nn.functional.softplus(energy.raw_beta)
    scale = float(energy.T0 * energy.V0)
    hot = scale * float((energy.log_c.exp() * beta)[:n].sum())
    if hot > 0.9 * kappa:
        energy.raw_beta[:n] = torch.log(torch.expm1(beta[:n] * 0.9 * kappa / hot))
        hot = 0.9 * kappa
    if len(beta) > n:
        energy.log_c[n:] = float(np.log((kappa - hot) / (scale * float(beta[n:].sum()))))


def _set_friction(
    model: Metriplectic, friction: SplineFriction, curves: Curves, noise: float, batch: Batch
) -> None:
    """a^2 and b^2 of the regressed frictions, scaled to the variance of the residual."""
    D, h = model.scales.dimension, model.cutoff
    top = max(float(curves.along.max()), float(curves.across.max()), 1e-12)
    across = curves.across.clamp(min=LEAST * top)
    along = curves.along.clamp(min=LEAST * top)
    a2 = 2.0 * across
    b2 = (D * (along - a2) + a2).clamp(min=LEAST * top)
    taper = splines.taper(curves.r, h)[0]
    intervals = friction.coefficients.shape[-1] - 2
    for k, target in enumerate((a2, b2)):
        level = torch.log(target * float(friction.T0) / taper) - float(friction.level[k])
        friction.coefficients[0, k] = fit_spline(curves.r, level, h, intervals).to(
            friction.coefficients.dtype
        )
    S = torch.zeros_like(batch.v[:, 0])
    dynamics = model.dynamics(State(batch.r, batch.v, S), batch.pairs, batch.reference)
    own = model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2)[batch.mask].mean()
    friction.coefficients[0, :2] += float(np.log(noise / float(own)))
