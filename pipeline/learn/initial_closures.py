"""Spline closures started from regressed curves of pair force and friction.

Gradient steps need a thousand iterations to bend a kernel into a steep repulsion; a regression
gives its shape at once.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.energy import ExponentialEnergy
from pipeline.closures.pair_energy import SplinePairEnergy
from pipeline.closures.volume import SplineVolume
from pipeline.learn.force_matching import Curves, net_friction, regress
from pipeline.learn.overdamped import regress_halfway
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Sample
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import State

LEAST = 0.03  # smallest fraction of the largest value to which curves are clipped
TAIL = 0.003  # the same of the force of Brownian motion, which has no other start for its tail


@torch.no_grad()
def start_from_regression(model: Metriplectic, sample: Sample, measured: Measured) -> bool:
    """Sets kernel, stiffness and friction of spline closures; False where the data forbid it.

    The mean force must push apart, since pressures are positive. The size of friction is set by
    the residual variance through the fluctuation-dissipation theorem, which is better determined
    than the drift; its dependence on distance comes from the regression.
    """
    volume, energy, friction = model.volume, model.energy_closure, model.friction
    if not (
        isinstance(volume, SplineVolume)
        and isinstance(energy, ExponentialEnergy)
        and friction.startable
    ):
        return False
    if model.bath is not None and model.bath.brownian:
        curves, least = (
            regress_halfway(sample, measured.temperature, measured.noise),
            TAIL,
        )
        # 2 v' has the variance 4 T_b, and 8 sigma^2 of localisation.
        own = max(curves.residual - 4 * measured.noise, 0.05 * curves.residual)
        model.bath.start(curves.drag, own)
    else:
        drag = model.bath is not None
        curves, least = regress(sample, drag, model.external), LEAST
        noise = 0.5 * _unexplained(curves, measured)
        if model.bath is not None and model.bath.active:
            # Friction by itself is what errors of the positions look like; their balance is not.
            rate = net_friction(sample, model.external)[0]
            model.bath.start(rate + 0.5 * noise / measured.temperature, noise)
        elif model.bath is not None:
            # Errors of the positions look like friction; a friction that is one brings its noise.
            most = noise / measured.temperature
            model.bath.start(min(curves.drag, most), noise)
    if model.external is not None and curves.external is not None:
        model.external.take(curves.external)
    pushing = curves.force.clamp(min=least * float(curves.force.max()))
    if not (curves.force.mean() > 0 and curves.force.max() > 0):
        return False
    times = sample.times
    batch = sample.snapshots.batch(times[:: max(1, len(times) // 5)][:5])
    _set_kernel(model, (volume, energy), curves.r, pushing, batch)
    if isinstance(model.pair_energy, SplinePairEnergy):
        _set_pair_energy(model.pair_energy, curves.r, curves.force - pushing)
    if model.friction.startable:
        _set_friction(model, curves, _unexplained(curves, measured), batch)
    return True


def _unexplained(curves: Curves, measured: Measured) -> float:
    """Variance of v' - v per component that is noise of motion."""
    known = measured.change - measured.unexplained
    return max(curves.residual - known, 0.05 * curves.residual)


def _set_pair_energy(closure: SplinePairEnergy, r: Tensor, force: Tensor) -> None:
    """psi = integral of the force from r to h, what the kernel cannot hold of it."""
    h, T0 = closure.h, float(closure.T0)
    edge, values = torch.cat([r, r.new_tensor([h])]), torch.cat([force, force.new_zeros(1)])
    area = 0.5 * (values[1:] + values[:-1]) * edge.diff()
    psi = area.flip(0).cumsum(0).flip(0) / T0
    at = splines.radial(r, h, len(closure.coefficients) - 2).basis * splines.taper(r, h)[0]
    found = torch.linalg.solve(at @ at.T + 1e-3 * splines.bends(len(at), r.dtype), at @ psi)
    closure.coefficients.copy_(found.to(closure.coefficients.dtype))


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
    coefficients = splines.fit(r, shape, h, len(volume.coefficients) - 2)
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


def _set_friction(model: Metriplectic, curves: Curves, noise: float, batch: Batch) -> None:
    """a^2 and b^2 of the regressed frictions, scaled to the variance of the residual."""
    D = model.scales.dimension
    top = max(float(curves.along.max()), float(curves.across.max()), 1e-12)
    across = curves.across.clamp(min=LEAST * top)
    along = curves.along.clamp(min=LEAST * top)
    a2 = 2.0 * across
    b2 = (D * (along - a2) + a2).clamp(min=LEAST * top)
    if not model.friction.start(curves.r, a2, b2):
        return
    S = torch.zeros_like(batch.v[:, 0])
    dynamics = model.dynamics(State(batch.r, batch.v, S), batch.pairs, batch.reference)
    own = model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2)[batch.mask].mean()
    model.friction.amplify(momentum=float(np.log(noise / float(own))))
