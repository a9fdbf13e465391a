"""The likelihood of one step, marginal per particle, and the pair term that sharpens friction.

Conventions: drift and noise are evaluated at (r, v, S) of snapshot t, the residual is that of
v' = v(t + 1) and S' = S(t + 1); r' follows from v' and carries no information of its own.

Steps of training longer than those of rollouts take the implicit midpoint in velocities:

    v' - v = F(r) - Gamma (v + v') / 2 + noise of variance 2 Gamma T,  dt = 1

It keeps the temperature exactly and decays to second order in Gamma, where the explicit step of the
rollouts is of first order: over a stride their difference is of the size of Gamma itself. Friction
is linear in the velocities, so the step is evaluated at the mean of the two that the data give;
the density of v' then has the Jacobian det(1 + Gamma / 2). (The same in one variable: Ornstein-
Uhlenbeck by Crank-Nicolson.)

How strongly heat is exchanged the data hardly say: they do not determine the conduction amplitude
c^2, and the entropy term, free to choose S, would take it to zero: heat then stays where it is
made. Too strong a conduction is no better: its noise shakes S, and with it the pressures, between
the steps of a rollout, which costs energy balance. The neutral assumption that training starts from
and is held near is that both irreversible processes are alike: conduction makes as much entropy
noise as viscous heating does.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.dynamics.limits import friction_rate
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import pair_tensor, trace
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import Pairs, State


def middle(now: Batch) -> Tensor:
    """(v + v') / 2 (n, D); v where what follows is unknown."""
    return torch.where(now.mask[:, None], 0.5 * (now.v + now.v_next), now.v)


def expansion(dynamics: Dynamics, centred: bool = True) -> Tensor:
    """ln det(1 + Gamma / 2) per particle (n,), its own friction rate alone: D ln(1 + gamma_i / 2).

    The trace of Gamma is exact so; what neighbours have in common enters with its square.

    Args:
        dynamics: of the step.
        centred: whether the friction of pairs is that of the mean velocity; that of a bath is.
    """
    rate = friction_rate(dynamics) if centred else torch.zeros_like(dynamics.thermo.T)
    if dynamics.bath is not None:
        rate = rate + dynamics.bath.rate
    return dynamics.v_ij.shape[1] * torch.log1p(0.5 * rate)


def motion_share(motion: Tensor, vv: Tensor, errors: Tensor | float) -> Tensor:
    """Of the noise of motion in the variance of a residual (n,), no gradient.

    By so much of it the Jacobian of v' counts. With R = v' - v + gamma (v + v') / 2, S the variance
    of its noise and V that of R with the errors of the positions,

        d/d gamma < (R^2 - D^2) / 2 V > = S / (2 + gamma) / V,

    at the truth, D the echo of `errors_in_variables` that takes off what R and its errors share;
    the Jacobian's 1 / (2 + gamma) alone would make friction of the errors.

    Args:
        motion: covariance of the noise of motion (n, D, D).
        vv: as much of it as the residual shows, see `scales.shown`.
        errors: variance per component that errors of the positions add, negative where they are
            averages.
    """
    whole, own = (x.diagonal(dim1=1, dim2=2).mean(1).detach() for x in (motion, vv))
    return whole / torch.maximum(own + errors, own)


def noise_ratio(dynamics: Dynamics, dimension: int) -> Tensor:
    """Entropy noise of viscous heating over that of conduction (scalar), means over pairs.

    Sigma_SS has q/4 + c^2 per pair, and q = v_ij.K v_ij is 2 T tr K / m on average in
    equilibrium: the ratio is <T tr K / 2> / <c^2>. Its gradient reaches c^2 alone.
    """
    pairs, T, A = dynamics.pairs, dynamics.thermo.T.detach(), dynamics.amplitudes
    K = trace(pair_tensor(A.a2, A.b2, dimension), dimension).detach()
    heating = 0.25 * (T[pairs.i] + T[pairs.j]) * K
    return heating.mean() / A.c2.mean()


@torch.no_grad()
def equal_noise(model: Metriplectic, batch: Batch) -> None:
    """Scales c^2 so that the ratio is one on a batch, where the friction lets that be done."""
    state = State(batch.r, batch.v, torch.zeros_like(batch.v[:, 0]))
    dynamics = model.dynamics(state, batch.pairs, batch.reference)
    model.friction.amplify(heat=torch.log(noise_ratio(dynamics, model.scales.dimension)))


def isotropic(variance: Tensor | float, like: Tensor) -> Tensor:
    """(1, D, D) or (n, D, D) of a variance per component, a scalar or (n,), for vectors (n, D)."""
    unit = torch.eye(like.shape[1], dtype=like.dtype, device=like.device)
    return torch.as_tensor(variance).reshape(-1, 1, 1).to(like) * unit


def cholesky(vv: Tensor) -> list[list[Tensor]]:
    """Lower Cholesky factor of (n, D, D), column by column: far faster than LAPACK for D <= 4."""
    size = vv.shape[-1]
    L: list[list[Tensor]] = [[vv[:, 0, 0]] * size for _ in range(size)]
    for k in range(size):
        pivot = vv[:, k, k]
        for q in range(k):
            pivot = pivot - L[k][q] ** 2
        L[k][k] = torch.sqrt(pivot)
        for row in range(k + 1, size):
            entry = vv[:, row, k]
            for q in range(k):
                entry = entry - L[row][q] * L[k][q]
            L[row][k] = entry / L[k][k]
    return L


def solve(L: list[list[Tensor]], x: Tensor) -> Tensor:
    """L^-1 x for vectors x (n, D)."""
    columns: list[Tensor] = []
    for k in range(x.shape[1]):
        value = x[:, k]
        for q in range(k):
            value = value - L[k][q] * columns[q]
        columns.append(value / L[k][k])
    return torch.stack(columns, dim=1)


def judged(step: Step, growth: Tensor, errors: float, bare: Tensor | float | None) -> Tensor:
    """Negative log-likelihood of velocities by which models are compared (n,), without a gradient.

    The variance V of `velocity_scores` holds that of the echo of errors of the positions, D, by the
    model itself. Taken as known its gradient is right; the value falls with the echo, and with it
    wherever friction grows. Here the errors have one variance e for all models, and for any e >= 0

        < ln (S + e) + (R^2 - D^2 + e) / (S + e) >

    is least where S and the drift are true. Where R holds v' in the friction of the mean velocity,
    it is divided by what multiplies v', which makes the Jacobian one for R and errors alike.

    Args:
        step: of the rows that count.
        growth: (n,) ln |d(residual) / dv'|, see `expansion`.
        errors: variance per component of the errors that vv holds besides the echo.
        bare: e, the variance of the echo without forces, a scalar or (n,); None where no echo is
            taken off.
    """
    size = step.residual_v.shape[1]
    shrunk = torch.exp(-growth / size)
    own = step.vv - isotropic(errors + step.excess, step.residual_v)
    e = step.excess if bare is None else bare
    echo = None if step.echo is None else step.echo * shrunk[:, None]
    vv = own * shrunk[:, None, None] ** 2 + isotropic(errors + e, step.residual_v)
    return velocity_scores(step.residual_v * shrunk[:, None], vv, echo, e).value


class Velocity(NamedTuple):
    """Score of velocities, see `Scores`."""

    value: Tensor
    z: Tensor
    echo: Tensor | None
    L: list[list[Tensor]]


def velocity_scores(
    residual: Tensor, vv: Tensor, noisier: Tensor | None, excess: Tensor | float
) -> Velocity:
    """Gaussian score of velocity residuals (n, D) of covariance vv (n, D, D).

    Args:
        residual: v' - mu_v.
        vv: covariance of v'.
        noisier: (n, D) echo of a simulated localisation error, see `errors_in_variables.twin`, or
            None.
        excess: variance of that echo per component, a scalar or (n,), contained in vv.
    """
    L = cholesky(vv)
    z = solve(L, residual)
    half_log = sum(torch.log(L[k][k]) for k in range(z.shape[1]))
    square, echo = z.square().sum(1), None
    if noisier is not None:
        # What the echo takes off on average, the trace puts back: the value stays that of a
        # likelihood, only its gradient loses the bias of noisy inputs.
        echo = solve(L, noisier)
        unit_vectors = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
        trace = sum(solve(L, e.expand_as(z)).square().sum(1) for e in unit_vectors)
        square = square - echo.square().sum(1) + excess * trace
    return Velocity(half_log + 0.5 * square, z, echo, L)


REMAINDER = 1e-3  # least fraction of the heat's variance that the velocity leaves open


class Step(NamedTuple):
    """Mean and covariance of one step per particle, and what was seen; reduced units."""

    residual_v: Tensor  # (n, D) v' - mu_v
    residual_S: Tensor  # (n,) S' - mu_S
    vv: Tensor  # (n, D, D) covariance of v'
    vS: Tensor  # (n, D)
    SS: Tensor  # (n,)
    T: Tensor  # (n,) temperature
    echo: Tensor | None = None  # (n, D) change of residual_v under one more localisation error
    # Variance of the echo per component, a scalar or (n,), contained in vv.
    excess: Tensor | float = 0.0
    jacobian: Tensor | float = 0.0  # (n,) ln |d(residual_v) / dv'|


class Scores(NamedTuple):
    """Negative log-likelihood per row, without the constant (D/2) ln 2 pi, as the paper's."""

    v: Tensor  # (n,) of the velocity alone
    S: Tensor  # (n,) of entropy (or heat) given the velocity
    z: Tensor  # (n, D) whitened velocity residual L^-1 (v' - mu)
    echo: Tensor | None  # (n, D) whitened echo, see `errors_in_variables.twin`
    L: list[list[Tensor]]  # lower Cholesky factor of the velocity covariance, rows of columns


def scores(step: Step, heat: bool = True) -> Scores:
    """Gaussian scores of velocity and, given it, of entropy (paper, section 5.5 and appendix C).

    With ``heat`` the last variable is the heat T (S' - mu_S), which adds ln T per particle and
    makes the score bounded and free of the scale of S; without it the paper's own loss, which
    has no minimum unless the temperature is held by something else.

    The heat score teaches the labels S alone: they are the model's own, and whatever makes them
    quieter (less friction, no conduction, equal temperatures) would otherwise be learned against
    what the velocities say. The paper's score is taken as printed, gradient and all.

    Args:
        step: moments of the rows that count.
        heat: score T dS rather than dS.
    """
    velocity = velocity_scores(step.residual_v, step.vv, step.echo, step.excess)
    L, z = velocity.L, velocity.z
    if not heat:
        S = _entropy_score(step, L, z, torch.ones_like(step.T))
    else:
        fixed = step._replace(vS=step.vS.detach(), SS=step.SS.detach())
        unit = step.T.detach()
        S = _entropy_score(fixed, [[x.detach() for x in row] for row in L], z.detach(), unit)
    return Scores(velocity.value, S, z, velocity.echo, L)


def _entropy_score(step: Step, L: list[list[Tensor]], z: Tensor, unit: Tensor) -> Tensor:
    """(n,) score of unit x (S' - mu_S) given the whitened velocity residual z."""
    across = solve(L, step.vS * unit[:, None])
    # With a single neighbour the heat is a function of the velocity and nothing is left.
    whole = step.SS * unit**2
    left = torch.maximum(whole - across.square().sum(1), REMAINDER * whole.detach())
    surprise = step.residual_S * unit - (across * z).sum(1)
    return 0.5 * torch.log(left) + 0.5 * surprise.square() / left


def pair_score(scores: Scores, pairs: Pairs, K: Tensor, mask: Tensor) -> Tensor:
    """1/2 sum_pairs || R_ij - z_i z_j^T ||^2 per particle, the cross-covariance of neighbours.

    R_ij = -2 k_B dt L_i^-1 K_ij L_j^-T / m^2 is the model's correlation of the whitened residuals
    of two neighbours. To leading order in R this is their joint likelihood beyond the marginals.
    Covariance and residual are detached: otherwise a larger covariance would drive the term to
    zero.

    Args:
        scores: of all n rows.
        pairs: neighbours among the rows.
        K: (P, D, D) covariance 2 k_B dt K_ij / m^2 that pair ij alone contributes to v_i, so that
            cov(v_i, v_j) = -K.
        mask: (n,) rows that count; pairs need both.
    """
    both = mask[pairs.i] & mask[pairs.j]
    i, j = pairs.i[both], pairs.j[both]
    L = [[entry.detach() for entry in row] for row in scores.L]
    z = scores.z.detach()
    L_i, L_j = ([[entry[k] for entry in row] for row in L] for k in (i, j))
    R = -whitened(L_i, L_j, K[both])
    seen = z[i][:, :, None] * z[j][:, None, :]
    if scores.echo is not None:
        echo = scores.echo.detach()
        seen = seen - echo[i][:, :, None] * echo[j][:, None, :]
    excess = (R - seen).square().sum((1, 2))
    return 0.5 * excess.sum() / mask.sum().clamp_min(1)


def whitened(L_i: list[list[Tensor]], L_j: list[list[Tensor]], K: Tensor) -> Tensor:
    """L_i^-1 K L_j^-T (n, D, D)."""
    left = torch.stack([solve(L_i, K[:, :, k]) for k in range(K.shape[2])], dim=2)
    return torch.stack([solve(L_j, left[:, k, :]) for k in range(K.shape[1])], dim=1)
