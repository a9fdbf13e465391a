"""Drawn entropies handed out to particles so that the start of a rollout is in equilibrium.

A particle that holds more entropy is hotter and keeps its neighbours farther away: in equilibrium
entropies and volumes are correlated, p(S_i | V_i) ~ exp(S_i - U(S_i, V_i) / T). Entropies drawn
without a look at the volumes would push the particles apart in the first steps, which heats them
(the ideal gas by 6 %). Exchanging the draws between particles brings the correlation back and
leaves their law as it is: that of the sample which was learned from. Another sample has a
temperature of its own, to which `tempered` brings them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.energy import Energy
from pipeline.errors import InputError

SWEEPS = 200  # each particle is offered this many exchanges
TRIES = 100  # steps of Newton's method


def arranged(
    energy: Energy, S: Tensor, z: Tensor, V: Tensor, temperature: float, rng: np.random.Generator
) -> Tensor:
    """The same latents z (n,) in an order drawn from exp(-sum_i U(S_i + z_i, V_i) / T).

    Metropolis steps: random pairs of particles exchange their latents with probability
    min(1, exp(-dU / T)). The sum of the entropies stays, so that only energy decides.

    Args:
        energy: U(S, V).
        S: (n,) entropies without the latents [k_B].
        z: (n,) latents [k_B].
        V: (n,) volumes.
        temperature: T, of the surroundings.
        rng: of the pairs and of the acceptance.
    """
    z, half = z.clone(), len(z) // 2
    U = energy(S + z, V).U
    for _ in range(SWEEPS):
        order = torch.from_numpy(rng.permutation(len(z)))
        who, partner = order[: 2 * half], order[: 2 * half].roll(half)
        offered = z[partner]
        then = energy(S[who] + offered, V[who]).U
        change = (then - U[who]).view(2, half).sum(0)
        u = torch.from_numpy(rng.random(half)).clamp(min=1e-300)
        taken = (torch.log(u) < -change / temperature).repeat(2)
        z[who[taken]], U[who[taken]] = offered[taken], then[taken]
    return z


def tempered(energy: Energy, S: Tensor, V: Tensor, temperature: float) -> Tensor:
    """The entropies S (n,) shifted by one number, so that the mean of T(S, V) is ``temperature``.

    Newton steps on ln <T>, which is close to linear in the shift (an ideal gas: exactly so).

    Args:
        energy: U(S, V).
        S: (n,) entropies [k_B].
        V: (n,) volumes.
        temperature: wanted.

    Raises:
        InputError: if no shift gives that temperature.
    """
    for _ in range(TRIES):
        now = energy(S, V)
        mean = now.T.mean()
        if bool((mean / temperature - 1).abs() < 1e-9):
            return S
        S = S + mean * torch.log(temperature / mean) / now.dTdS.mean()
    raise InputError(
        f"The learned energy has no state of mean temperature {temperature:.4g} (it stayed at "
        f"{float(mean):.4g}): train on data nearer to this temperature."
    )
