"""Spline closures started from regressions: curves of pair force and friction, or, of Brownian
motion, the most likely forces.

Gradient steps need a thousand iterations to bend a kernel into a steep repulsion; a regression
gives its shape at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.energy import ExponentialEnergy
from pipeline.closures.pair_energy import RIDGE, SplinePairEnergy
from pipeline.closures.strain import GreenStrain
from pipeline.closures.volume import SplineVolume
from pipeline.learn import evidence
from pipeline.learn.bands import Information
from pipeline.learn.brownian_noise import Estimates, Given, estimate
from pipeline.learn.brownian_regression import FINE, SNAPSHOTS, Blurred, Moments, moments
from pipeline.learn.force_matching import Curves, net_friction, regress, tapered
from pipeline.learn.latent import Latent
from pipeline.learn.mixtures import Known, regress_mixture
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Sample
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import State

ROUNDS = 2  # of forces, D and the error of the positions, each of which needs the others
PUT_ON = 0.02  # of T, the smallest variance put on positions to see what their errors hide
LEAST_T = 0.2  # of the temperature before, in a round
LEAST = 0.03  # smallest fraction of the largest value to which curves are clipped
GRID = 200  # distances at which a closure's force is set equal to that of finer splines


@torch.no_grad()
def start_from_regression(
    model: Metriplectic,
    sample: Sample,
    measured: Measured,
    latent: Latent,
    mixture: Known | None = None,
) -> bool:
    """Sets kernel, stiffness and friction of spline closures; False where the data forbid it.

    Particles that may differ get their strengths, too: otherwise the force of a mixture looks as if
    it attracted, and nothing would be set.

    The mean force must push apart, since pressures are positive. The size of friction is set by
    the residual variance through the fluctuation-dissipation theorem, which is better determined
    than the drift; its dependence on distance comes from the regression.

    Args:
        model: to be started.
        sample: of the data in reduced units.
        measured: scales of the data.
        latent: of the particles.
        mixture: what their strengths are regressed with; None where they are not.
    """
    volume, energy, friction = model.volume, model.energy_closure, model.friction
    if not (
        isinstance(volume, SplineVolume)
        and isinstance(energy, ExponentialEnergy)
        and friction.startable
    ):
        return False
    strain = model.strain if isinstance(model.strain, GreenStrain) else None
    curves = _regressed(model, sample, latent, mixture)
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
    if strain is not None and curves.moduli is not None:
        strain.start(curves.moduli)
    pushing = curves.force.clamp(min=LEAST * float(curves.force.max()))
    if not (curves.force.mean() > 0 and curves.force.max() > 0):
        return False
    batch = _some(sample)
    _set_kernel(model, (volume, energy), curves.r, pushing, batch)
    if isinstance(model.pair_energy, SplinePairEnergy):
        _set_pair_energy(model.pair_energy, curves.r, curves.force - pushing)
    if model.friction.startable:
        _set_friction(model, curves, _unexplained(curves, measured), batch)
    return True


class Likeliest(NamedTuple):
    """What comes with the forces of Brownian motion.

    smoothness: lambda / 2 of each closure by its name in the model, the weight of its roughness in
        the negative log-likelihood of all rows, as `pipeline.learn.evidence` found it.
    noise: T and variance of the positions, with intervals.
    names: parameters of the model that were found.
    known: what the film says of them, in their order.
    """

    smoothness: dict[str, float]
    noise: Estimates
    names: list[str]
    known: Information


@torch.no_grad()
def start_brownian(
    model: Metriplectic, sample: Sample, measured: Measured, given: Given, error: float
) -> Likeliest | None:
    """Sets pair and external forces and the bath of Brownian motion by their moments.

    Args:
        given: what steps do not tell of T and the error of the positions.
        error: variance of the positions to begin with.

    Returns:
        what was found beside them; None where closures are no splines, which stay as they are.
    """
    volume, energy, bath = model.volume, model.energy_closure, model.bath
    if bath is None or not (
        isinstance(volume, SplineVolume) and isinstance(energy, ExponentialEnergy)
    ):
        return None
    T = measured.temperature if given.variance is None else float(given.variance[0])
    error = max(error if given.error is None else given.error, 0.0)
    around = [] if model.external is None else model.external.bends()
    bends = [splines.bends(FINE + 2), *around]
    sums = moments(sample, SNAPSHOTS, max(error, PUT_ON * T), model.external, FINE)
    for _ in range(ROUNDS):
        parts = _parts(model, sums.nearest, T)
        seen = evidence.fit(*sums.normal(T, bends), list(parts.values()))
        rest = sums.rest(T, Blurred(error, seen.theta))
        A, q = sums.normal(T, bends, Blurred(error, seen.theta))
        found = evidence.fit(A, q, list(parts.values()))
        known = _known(sums, rest, A, found)
        noise = estimate(sample, found.theta, T, given, model.external, FINE)
        # Forces that cannot be those of the film, such as repulsion where bonds hold, leave none.
        T, error = max(float(noise.temperature[0]), LEAST_T * T), max(float(noise.error[0]), 0.0)
    bath.start(0.0, 4 * T)
    values = dict(zip(parts, found.values, strict=True))
    batch = _some(sample)
    before = volume(model.radial(batch.pairs.r)).w.mean()
    volume.coefficients.copy_(values["volume"] - volume.level)
    _set_level(model, (volume, energy), before, batch)
    if isinstance(model.pair_energy, SplinePairEnergy):
        model.pair_energy.coefficients.copy_(values["pair_energy"])
    if model.external is not None:
        model.external.take(values["external"])
    smoothness = {name: 0.5 * x for name, x in zip(parts, found.smoothness, strict=True)}
    names = [
        f"{part}.{name}"
        for part in parts
        for name, _ in model.get_submodule(part).named_parameters()
        if name.endswith("coefficients")
    ]
    return Likeliest(smoothness, noise, names, known)


def _known(sums: Moments, rest: Tensor, A: Tensor, found: evidence.Fit) -> Information:
    """Of the numbers of a fit to moments; the scores are those of blocks of time.

    Args:
        rest: (b, M) the moments of the forces.
        A: of the fit, see `Moments.normal`.
    """
    J = found.slopes
    scatter = sums.matrix.sum(0).diagonal().sum() / A.diagonal().sum()
    scores, fisher = (rest - sums.matrix @ found.theta) @ J / scatter, J.T @ A @ J
    blocks = np.arange(len(scores))
    return Information(scores, blocks, 1.0, found.prior, sums.snapshots, fisher)


def _parts(model: Metriplectic, nearest: float, T: float) -> dict[str, evidence.Part]:
    """The closures of forces, for a fit to the coefficients of finer splines.

    Args:
        nearest: distance of a pair seen.
        T: temperature.
    """
    h, fine = model.cutoff, FINE + 2
    r = torch.linspace(0.97 * nearest, 0.999 * h, GRID, dtype=torch.float64)
    factor, fade = splines.taper(r, h)
    finer = splines.radial(r, h, FINE).basis * factor
    unit = torch.eye(fine, dtype=torch.float64)
    around = [] if model.external is None else model.external.bends()
    extra = sum(len(bend) for bend in around)
    # Of a force at the distances r to its coefficients.
    through = torch.linalg.solve(finer @ finer.T + 1e-8 * unit, finer)
    through = torch.cat([through, through.new_zeros((extra, GRID))])

    def kernel(x: Tensor) -> tuple[Tensor, Tensor]:
        work, steep = torch.exp(x @ at.basis), x @ at.slope
        slopes = -work * (at.basis * (steep * factor + fade) + at.slope * factor)
        return through @ (-work * (steep * factor + fade)), through @ slopes.T

    at = splines.radial(r, h, model.scales.intervals)
    size = len(at.basis)
    start = np.log(T) - 5.0 * torch.arange(size, dtype=torch.float64) / size
    parts = {"volume": evidence.Part(start, _hessian(splines.roughness, size), kernel)}
    psi = model.pair_energy
    if isinstance(psi, SplinePairEnergy):
        pull = -float(psi.T0) * through @ (at.slope * factor + at.basis * fade).T
        bends = _hessian(splines.roughness, size) + RIDGE * torch.eye(size)
        parts["pair_energy"] = evidence.Part(0 * start, bends, lambda x: (pull @ x, pull))
    if model.external is not None:
        own = torch.cat([through.new_zeros((fine, extra)), torch.eye(extra, dtype=torch.float64)])
        none = torch.zeros(extra, dtype=torch.float64)
        parts["external"] = evidence.Part(none, torch.block_diag(*around), lambda x: (own @ x, own))
    return parts


def _hessian(roughness: Callable[[Tensor], Tensor], size: int) -> Tensor:
    """(K, K) B of a quadratic roughness x.B x."""
    return 0.5 * torch.func.hessian(roughness)(torch.zeros(size, dtype=torch.float64))


def _some(sample: Sample) -> Batch:
    """Five snapshots."""
    times = sample.times
    return sample.snapshots.batch(times[:: max(1, len(times) // 5)][:5])


def _regressed(
    model: Metriplectic, sample: Sample, latent: Latent, mixture: Known | None
) -> Curves:
    """Force and friction of pairs; with them the strengths of particles that may differ."""
    drag, external = model.bath is not None, model.external
    strain = model.strain if isinstance(model.strain, GreenStrain) else None
    if mixture is not None and model.strain is None:
        begin = _pushing(model, sample)
        given = mixture._replace(force=begin, drag=drag, external=external)
        found = regress_mixture(sample, given)
        if found is not None:
            curves, log_s = found
            latent.log_s.copy_(torch.from_numpy(log_s))
            return curves
    return regress(sample, drag, external, strain)


def _pushing(model: Metriplectic, sample: Sample) -> np.ndarray:
    """Coefficients of the model's own pair force, as the regression takes it."""
    batch = sample.batch(1)
    S = torch.zeros_like(batch.v[:, 0])
    force = model.dynamics(State(batch.r, batch.v, S), batch.pairs, batch.reference).pressure
    basis = tapered(batch.pairs.r, model.cutoff).double().cpu()
    bend = splines.bends(len(basis))
    found = torch.linalg.solve(basis @ basis.T + bend, basis @ force.double().cpu())
    return found.numpy()


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
    _set_level(model, (volume, energy), before, batch)


def _set_level(
    model: Metriplectic,
    closures: tuple[SplineVolume, ExponentialEnergy],
    before: Tensor,
    batch: Batch,
) -> None:
    """Of a kernel that is the energy of a pair: kappa = 1/2 over a factor that makes its mean the
    one ``before``.

    What heat leaves of kappa the cold terms hold alike: the pair force is in the kernel already,
    and need not be found by one of them.
    """
    volume, energy = closures
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
