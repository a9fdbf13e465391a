"""The likelihood of one step, marginal per particle, and the pair term that sharpens friction.

Conventions: drift and noise are evaluated at (r, v, S) of snapshot t, the residual is that of
v' = v(t + 1) and S' = S(t + 1); r' follows from v' and carries no information of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.learn.gaussian import solve, velocity_scores
from pipeline.pairs import Pairs

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
    excess: Tensor | float = 0.0  # variance of the echo per component, contained in vv


class Scores(NamedTuple):
    """Negative log-likelihood per row, without the constant (D/2) ln 2 pi, as the paper's."""

    v: Tensor  # (n,) of the velocity alone
    S: Tensor  # (n,) of entropy (or heat) given the velocity
    z: Tensor  # (n, D) whitened velocity residual L^-1 (v' - mu)
    echo: Tensor | None  # (n, D) whitened echo, see `pipeline.learn.twin`
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
    R = -_whiten(L_i, L_j, K[both])
    seen = z[i][:, :, None] * z[j][:, None, :]
    if scores.echo is not None:
        echo = scores.echo.detach()
        seen = seen - echo[i][:, :, None] * echo[j][:, None, :]
    excess = (R - seen).square().sum((1, 2))
    return 0.5 * excess.sum() / mask.sum().clamp_min(1)


def _whiten(L_i: list[list[Tensor]], L_j: list[list[Tensor]], K: Tensor) -> Tensor:
    left = torch.stack([solve(L_i, K[:, :, k]) for k in range(K.shape[2])], dim=2)
    return torch.stack([solve(L_j, left[:, k, :]) for k in range(K.shape[1])], dim=1)
