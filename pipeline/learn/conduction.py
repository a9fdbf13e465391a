"""How fast heat spreads, which the data hardly say.

What is observed hardly determines the conduction amplitude c^2, and the entropy term, free to
choose S, would take it to zero: heat then piles up where it is made and a rollout ends with one
particle boiling. Heat and momentum diffusing equally fast, as in a simple fluid, is the neutral
assumption that training starts from and is held near.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.closures.friction import SplineFriction
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.dynamics import Dynamics
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import pair_tensor, trace
from pipeline.state import State


def prandtl(dynamics: Dynamics, dimension: int) -> Tensor:
    """Prandtl number of the pairs (scalar): rate of momentum over rate of heat exchange.

    A pair relaxes differences of velocity at the rate tr K / (D T) and of temperature at
    c^2 / (C T^2); means over pairs. Its gradient reaches c^2 alone.
    """
    pairs, thermo, A = dynamics.pairs, dynamics.thermo, dynamics.amplitudes
    T = 0.5 * (thermo.T[pairs.i] + thermo.T[pairs.j]).detach()
    C = (thermo.T / thermo.dTdS).detach().mean()
    momentum = trace(pair_tensor(A.a2, A.b2, dimension), dimension).detach() / (dimension * T)
    return momentum.mean() / (A.c2 / (C * T.square())).mean()


@torch.no_grad()
def equal_rates(model: Metriplectic, batch: Batch) -> None:
    """Scales c^2 of a spline friction so that the Prandtl number is one on a batch."""
    if isinstance(model.friction, SplineFriction):
        state = State(batch.r, batch.v, torch.zeros_like(batch.v[:, 0]))
        number = prandtl(model.dynamics(state, batch.pairs), model.scales.dimension)
        model.friction.coefficients[0, 2] += torch.log(number)
