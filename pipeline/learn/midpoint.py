"""The implicit midpoint in velocities, for steps of training longer than those of rollouts.

    v' - v = F(r) - Gamma (v + v') / 2 + noise of variance 2 Gamma T,  dt = 1

keeps the temperature exactly and decays to second order in Gamma, where the explicit step of the
rollouts is of first order: over a stride their difference is of the size of Gamma itself. Friction
is linear in the velocities, so the step is evaluated at the mean of the two that the data give;
the density of v' then has the Jacobian det(1 + Gamma / 2). (The same in one variable: Ornstein-
Uhlenbeck by Crank-Nicolson.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.dynamics.limits import friction_rate
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.thermo import Dynamics


def middle(now: Batch) -> Tensor:
    """(v + v') / 2 (n, D); v where what follows is unknown."""
    return torch.where(now.mask[:, None], 0.5 * (now.v + now.v_next), now.v)


def expansion(dynamics: Dynamics) -> Tensor:
    """ln det(1 + Gamma / 2) per particle (n,), its own friction rate alone: D ln(1 + gamma_i / 2).

    The trace of Gamma is exact so; what neighbours have in common enters with its square.
    """
    return dynamics.v_ij.shape[1] * torch.log1p(0.5 * friction_rate(dynamics))
