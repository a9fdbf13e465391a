"""How strongly heat is exchanged, which the data hardly say.

What is observed hardly determines the conduction amplitude c^2, and the entropy term, free to
choose S, would take it to zero: heat then stays where it is made. Too strong a conduction is no
better: its noise shakes S, and with it the pressures, between the steps of a rollout, which costs
energy balance. The neutral assumption that training starts from and is held near is that both
irreversible processes are alike: conduction makes as much entropy noise as viscous heating does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.closures.friction import SplineFriction
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.model import Dynamics, Metriplectic
from pipeline.metriplectic.pair_tensor import pair_tensor, trace
from pipeline.pairs import State


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
    """Scales c^2 of a spline friction so that the ratio is one on a batch."""
    if isinstance(model.friction, SplineFriction):
        state = State(batch.r, batch.v, torch.zeros_like(batch.v[:, 0]))
        dynamics = model.dynamics(state, batch.pairs, batch.reference)
        ratio = noise_ratio(dynamics, model.scales.dimension)
        model.friction.coefficients[0, 2] += torch.log(ratio)
