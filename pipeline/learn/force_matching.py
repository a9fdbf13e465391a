"""Spline closures started from a linear regression of velocity changes on pair features.

Gradient steps need a thousand iterations to bend a kernel into a steep repulsion. Pair force and
pair friction enter v' - v linearly, so least squares gives their curves at once; noise in the
regressors biases them (errors in variables), which is why they are a start and not the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.energy import ExponentialEnergy
from pipeline.closures.external import External
from pipeline.closures.pair_energy import SplinePairEnergy
from pipeline.closures.volume import SplineVolume
from pipeline.learn.overdamped import halfway
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Sample
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import Pairs, State, sum_even, sum_odd, sum_sided
from pipeline.trajectory import evenly

INTERVALS = 10  # of the regression's splines
SNAPSHOTS = 50  # looked at, evenly spread
HALFWAY = 2000  # the same of Brownian motion, whose forces drown in noise
CONFINED = 400  # the same where an external potential is sought, of which a snapshot shows little
BLOCKS = 20  # of time, for standard errors
ROUGH = 200  # the same of the rounds before, for the Jacobian
RIDGE = 1e-3  # of its roughness penalty, relative to the mean of the normal matrix
LEAST = 0.03  # smallest fraction of the largest value to which curves are clipped
PULL = 4.0  # standard errors by which a mean force pulls, for particles to be said to attract
TAIL = 0.003  # the same of the force of Brownian motion, which has no other start for its tail


class Curves(NamedTuple):
    """Regressed laws at distances r (G,)."""

    r: Tensor
    force: Tensor  # along e_ij [a / dt^2]
    along: Tensor  # friction along e_ij [1 / dt]
    across: Tensor  # friction across [1 / dt]
    residual: float  # variance of v' - v per component that is left
    error: Tensor  # standard error of the force, if the residuals are white
    drag: float = 0.0  # friction rate of a bath, of the mean velocity of a step [1 / dt]
    drag_error: float = 0.0  # its standard error, from blocks of time
    external: Tensor | None = None  # (K,) coefficients of an external potential


def features(batch: Batch, h: float) -> Tensor:
    """(n, D, 3 K) what unit spline coefficients of force and frictions do to each particle."""
    pairs = batch.pairs
    v_ij = pairs.difference(batch.v)
    basis = splines.radial(pairs.r, h, INTERVALS).basis * splines.taper(pairs.r, h)[0]
    radial_v = (pairs.e * v_ij).sum(1, keepdim=True) * pairs.e
    fields = (pairs.e, -radial_v, radial_v - v_ij)
    columns = torch.stack([b[:, None] * x for x in fields for b in basis], 2)
    return sum_odd(pairs, columns)


class Normal(NamedTuple):
    """Sums of a least-squares fit with coefficients in groups of ``size``."""

    matrix: Tensor
    moment: Tensor
    bias: Tensor | float  # in the moment, of noise that the regressors share
    total: float  # sum of squares
    rows: int
    nearest: float  # smallest pair distance seen

    def penalised(self, bends: Sequence[Tensor]) -> Tensor:
        """The matrix with a roughness penalty on each group of coefficients.

        Args:
            bends: matrix of the roughness of each group, in order; [0] for a single number.
        """
        blocks, first = [], 0
        for bend in bends:
            scale = self.matrix.diagonal()[first : first + len(bend)].mean()
            unit = torch.eye(len(bend), dtype=torch.float64)
            blocks.append(scale * (RIDGE * bend + 1e-6 * unit))
            first += len(bend)
        return self.matrix + torch.block_diag(*blocks)

    def solve(self, bends: Sequence[Tensor]) -> Tensor:
        """Coefficients, see `penalised`."""
        return torch.linalg.solve(self.penalised(bends), self.moment - self.bias)

    def error(self, bends: Sequence[Tensor], theta: Tensor, basis: Tensor) -> Tensor:
        """(G,) standard error of the first curve, basis (K, G), were the residuals white."""
        own = torch.linalg.inv(self.penalised(bends))[: len(basis), : len(basis)]
        return ((own @ basis) * basis).sum(0).mul(self.residual(theta)).clamp(min=0.0).sqrt()

    def residual(self, theta: Tensor) -> float:
        """Mean square that is left."""
        fitted = float(theta @ self.matrix @ theta) - 2 * float(theta @ self.moment)
        return (self.total + fitted) / self.rows


def _bend(size: int) -> Tensor:
    """(size, size) sum of squared second differences of the coefficients of a spline."""
    second = torch.eye(size, dtype=torch.float64).diff(n=2, dim=0)
    return second.T @ second


NUMBER = torch.zeros((1, 1), dtype=torch.float64)  # the roughness of a single number


def regress(sample: Sample, drag: bool = False, external: External | None = None) -> Curves:
    """Least squares over some training snapshots, with a roughness penalty.

    The friction of a bath is regressed on the velocity before the step, which knows nothing of its
    noise: of -x v the step with friction at the mean velocity makes gamma = x / (1 - x / 2).

    Args:
        sample: of the data in reduced units.
        drag: whether there is a friction of a bath, too.
        external: potential of single particles, if there is one.
    """
    h, K = sample.snapshots.cutoff, INTERVALS + 2
    bends = [_bend(K)] * 3 + ([] if external is None else [external.bends()])
    bends += [NUMBER] * drag
    size = sum(len(bend) for bend in bends)

    def columns(batch: Batch) -> list[Tensor]:
        found = [features(batch, h)]
        if external is not None:
            found.append(external.forces(batch.r))
        if drag:
            found.append(-_relative(batch, batch.v))
        return found

    most = SNAPSHOTS if external is None else CONFINED
    sums, rows = _least_squares(sample.each(most), columns, size)
    theta = sums.solve(bends)
    r, basis = _curve(sums.nearest, h)
    force, along, across = theta[: 3 * K].reshape(3, K) @ basis
    curves = Curves(r, force, along, across, sums.residual(theta), sums.error(bends, theta, basis))
    if external is not None:
        curves = curves._replace(external=theta[3 * K : 3 * K + len(bends[3])])
    if drag:
        x, error = float(theta[-1]), _error(sums.penalised(bends), rows, theta)
        curves = curves._replace(drag=x / (1 - x / 2), drag_error=error / (1 - x / 2) ** 2)
    return curves


Rows = list[tuple[Tensor, Tensor]]  # the parts of matrix and moment of each snapshot


def _least_squares(
    batches: Iterable[Batch], columns: Callable[[Batch], list[Tensor]], size: int
) -> tuple[Normal, Rows]:
    """Sums for v' - v on ``size`` columns, (n, D, k) each, and those of every snapshot."""
    normal, moment = torch.zeros((size, size), dtype=torch.float64), torch.zeros(size).double()
    rows, total, count, seen = [], 0.0, 0, []
    for batch in batches:
        X = torch.cat(columns(batch), 2)[batch.mask].double().cpu().flatten(0, 1)
        y = batch.change()[batch.mask].double().cpu().flatten()
        rows.append((X.T @ X, X.T @ y))
        normal, moment = normal + rows[-1][0], moment + rows[-1][1]
        total, count = total + float(y @ y), count + len(y)
        seen.append(float(batch.pairs.r.min()))
    return Normal(normal, moment, 0.0, total, count, min(seen)), rows


def _relative(batch: Batch, v: Tensor) -> Tensor:
    """Velocities relative to the medium as a column (n, D, 1)."""
    return (v if batch.flow is None else v - batch.flow)[:, :, None]


def net_friction(sample: Sample, external: External | None) -> tuple[float, float]:
    """Rate at which a medium takes kinetic energy on balance, halved, and its standard error.

    Of v' - v = F - x (v + v') / 2 + noise, where x (v + v') / 2 is that of a regression: since
    (v' - v).(v + v') / 2 is the change of kinetic energy, x is what forces leave of the balance of
    energy, friction less the noise's gift, and errors of the positions cancel. Negative where the
    medium feeds motion.

    Args:
        sample: of the data in reduced units.
        external: potential of single particles, if there is one.
    """
    h, K = sample.snapshots.cutoff, INTERVALS + 2
    bends = [_bend(K)] + ([] if external is None else [external.bends()]) + [NUMBER]

    def columns(batch: Batch) -> list[Tensor]:
        found = [features(batch, h)[:, :, :K]]
        if external is not None:
            found.append(external.forces(batch.r))
        return [*found, -_relative(batch, 0.5 * (batch.v + batch.v_next))]

    size = sum(len(bend) for bend in bends)
    sums, rows = _least_squares(sample.each(CONFINED), columns, size)
    theta = sums.solve(bends)
    return float(theta[-1]), _error(sums.penalised(bends), rows, theta)


def _error(matrix: Tensor, rows: Rows, theta: Tensor) -> float:
    """Standard error of the last coefficient, from the spread of scores over blocks of time.

    Args:
        matrix: penalised normal matrix.
        rows: the parts of matrix and moment of each snapshot, in order of time.
        theta: coefficients.
    """
    through = torch.linalg.inv(matrix)[-1]
    moved = np.array([float(through @ (y - X @ theta)) for X, y in rows])
    blocks = np.array([part.sum() for part in np.array_split(moved, min(BLOCKS, len(moved)))])
    return float(np.sqrt((blocks**2).sum() * len(blocks) / max(len(blocks) - 1, 1)))


def _curve(nearest: float, h: float) -> tuple[Tensor, Tensor]:
    """Distances (G,) from the nearest pair to almost h, and the tapered basis (K, G) there."""
    r = torch.linspace(nearest, 0.97 * h, 100, dtype=torch.float64)
    return r, splines.radial(r, h, INTERVALS).basis * splines.taper(r, h)[0]


def halfway_sums(sample: Sample, most: int, T: float, known: Tensor | None = None) -> Normal:
    """Sums for the pair force of Brownian motion, 2 v' = sum_j f(r_ij) e_ij + noise, halfway.

    The noise moves the point halfway. For a field B of forces on particle i,

        <2 v'_i . B> = <F_i . B> + T tr[ (1 + A)^-1 dB/dr ]_ii,   A = -(dF/dr) / 4,

    the gradient of the Jacobian in `pipeline.learn.overdamped`, which makes this the maximum of
    that likelihood; the last term is the bias of the moments (to first order in A: Frishman and
    Ronceray, Phys. Rev. X 10, 021009 (2020), eq. 10).

    Args:
        sample: of the data in reduced units.
        most: snapshots to use.
        T: variance of v' per component, localisation error taken off.
        known: (K,) coefficients of F for A; None takes A = 0.
    """
    h, K = sample.snapshots.cutoff, INTERVALS + 2
    normal, moment = torch.zeros((K, K), dtype=torch.float64), torch.zeros(K).double()
    bias, total, count, seen = torch.zeros_like(moment), 0.0, 0, []
    for here in sample.each(most):
        batch = halfway(here)
        pairs, mask = batch.pairs, batch.mask
        at, (factor, fade) = splines.radial(pairs.r, h, INTERVALS), splines.taper(pairs.r, h)
        basis, slope = at.basis * factor, at.slope * factor + at.basis * fade
        X = sum_odd(pairs, torch.stack([b[:, None] * pairs.e for b in basis], 2))
        along, whole = _damping(pairs, mask, basis, slope, known)
        spread = slope @ along + (basis / pairs.r) @ (whole - along)
        X = X[mask].double().cpu().flatten(0, 1)
        y = 2 * batch.v_next[mask].double().cpu().flatten()
        normal, moment = normal + X.T @ X, moment + X.T @ y
        bias += T * spread.double().cpu()
        total, count = total + float(y @ y), count + len(y)
        seen.append(float(pairs.r.min()))
    return Normal(normal, moment, bias, total, count, min(seen))


def _damping(
    pairs: Pairs, mask: Tensor, basis: Tensor, slope: Tensor, known: Tensor | None
) -> tuple[Tensor, Tensor]:
    """e.G e and tr G (P,), G = C_ii - C_ij + C_jj - C_ji of C = (1 + A)^-1, over ends that count.

    The own blocks of A are inverted, c_i = (1 + A_ii)^-1, those of pairs, A_ij = -g, expanded:
    C_ij = c_i g c_j and C_ii = c_i + c_i (sum_j g c_j g) c_i.
    """
    counted = mask.to(basis.dtype)[:, None, None]
    unit = torch.eye(pairs.e.shape[1], dtype=basis.dtype, device=basis.device)
    i, j = pairs.i, pairs.j
    if known is None:
        G = (counted[i] + counted[j]) * unit
    else:
        theta = known.to(basis)
        across = -0.25 * (theta @ basis) / pairs.r
        axial = -0.25 * theta @ slope - across
        g = axial[:, None, None] * pairs.e[:, :, None] * pairs.e[:, None, :]
        g = g + across[:, None, None] * unit
        c = torch.linalg.inv(unit + sum_even(pairs, g))
        C = c + c @ sum_sided(pairs, g @ c[j] @ g, g @ c[i] @ g) @ c
        cross = c[i] @ g @ c[j]
        G = counted[i] * (C[i] - cross) + counted[j] * (C[j] - cross.transpose(1, 2))
    along = (pairs.e[:, None, :] @ G @ pairs.e[:, :, None])[:, 0, 0]
    return along, G.diagonal(dim1=1, dim2=2).sum(1)


def regress_halfway(sample: Sample, T: float, error: float = 0.0) -> Curves:
    """The pair force of Brownian motion, see `halfway_sums`; the residual is of 2 v'.

    Args:
        sample: of the data in reduced units.
        T: variance of v' per component to begin with.
        error: variance of v' due to localisation.
    """
    sums = halfway_sums(sample, ROUGH, T, None)
    theta = sums.solve([_bend(INTERVALS + 2)])
    for count in (ROUGH, HALFWAY):
        T = max(sums.residual(theta) / 4 - error, 0.05 * T)
        sums = halfway_sums(sample, count, T, theta)
        theta = sums.solve([_bend(INTERVALS + 2)])
    r, basis = _curve(sums.nearest, sample.snapshots.cutoff)
    uncertain = sums.error([_bend(INTERVALS + 2)], theta, basis)
    return Curves(r, theta @ basis, 0 * r, 0 * r, sums.residual(theta), uncertain)


def attracts(sample: Sample, measured: Measured) -> bool:
    """Whether the mean force of Brownian pairs pulls somewhere, by PULL of its standard errors.

    Args:
        sample: of the data in reduced units.
        measured: scales of the data.
    """
    few = sample._replace(times=evenly(sample.times, ROUGH))
    curves = regress_halfway(few, measured.temperature, measured.noise)
    return bool((curves.force + PULL * curves.error < 0).any())


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
            model.bath.start(curves.drag, noise)
    if model.external is not None and curves.external is not None:
        like = model.external.coefficients
        like.copy_(curves.external.reshape(like.shape).to(like))
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
    bend = torch.eye(len(at), dtype=r.dtype).diff(n=2, dim=0)
    found = torch.linalg.solve(at @ at.T + 1e-3 * bend.T @ bend, at @ psi)
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
