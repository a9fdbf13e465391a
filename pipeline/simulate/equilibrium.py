"""Equilibrium states of the ideal gas, drawn from their law instead of waited for.

Entropies relax over tens of thousands of steps, since friction and conduction are weak. But with
U = C T (m = k_B = 1) the density exp(sum_i S_i - E / T0) of states (r, v, S) is a product:

    r     exp(-Phi / T0), Phi = N_p T0 sum_i ln d_i        Langevin steps, see `settle`
    v     exp(-v^2 / 2 T0)                                 normal
    T_i   T_i^(C - 1) exp(-C T_i / T0)                     gamma of shape C, at any r

Momentum is then taken off, and v and T_i are scaled so that every draw has the same energy.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.energy import IdealGasEnergy
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.thermo import inverse_volume
from pipeline.pairs import NeighbourList, Pairs, State, sum_odd
from pipeline.space import Space, periodic

SETTLING = 1000  # Langevin steps: positions forget theirs within a tenth of them
STEP = 0.25  # of a Langevin step, over the time a thermal particle takes for one cutoff / 10


def equilibrium(
    model: Metriplectic, particles: int, space: Space, rng: np.random.Generator
) -> State:
    """A draw at the model's T0, the flow of a sheared box included.

    Args:
        model: with the ideal gas's closures.
        particles: N.
        space: box in reduced units, periodic on every axis.
        rng: of the draw.
    """
    law = model.energy_closure
    if not isinstance(law, IdealGasEnergy):
        raise ValueError(
            f"Only the ideal gas has a known law of entropies, got {type(law).__name__}: choose "
            f"the closure ideal_gas."
        )
    r, d = settle(model, particles, periodic(space.lengths), rng)
    v = torch.from_numpy(rng.normal(scale=law.T0**0.5, size=r.shape))
    v = v - v.mean(0)
    T = torch.from_numpy(rng.gamma(law.C, law.T0 / law.C, size=particles))
    energy = 0.5 * v.square().sum() + law.C * T.sum()
    mean = particles * law.C + 0.5 * r.shape[1] * (particles - 1)
    scale = law.T0 * mean / energy
    v, T = v * scale.sqrt(), T * scale
    S = law.C * (torch.log(T / law.T0) - law.beta * torch.log(d * law.V0))
    flow = torch.zeros_like(v)
    flow[:, 0] = space.rate * (r[:, 1] - r[:, 1].mean())
    return State(r, v + flow, S)


def settle(
    model: Metriplectic, particles: int, space: Space, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Positions (N, D) of the isothermal gas and their inverse volumes (N,).

    Langevin steps B A O A B of order dt^2 (Leimkuhler and Matthews, Appl. Math. Res. Express 2013,
    34) from a jittered lattice.
    """
    lengths, side = np.array(space.lengths), math.ceil(particles ** (1 / len(space.lengths)))
    sites = np.stack(np.meshgrid(*[np.arange(side)] * len(lengths)), -1).reshape(-1, len(lengths))
    sites = rng.permutation(sites)[:particles] + 0.5 + 0.05 * rng.normal(size=(particles, 1))
    r = torch.from_numpy(sites / side * lengths)
    T0 = float(model.scales.temperature)
    dt = STEP * 0.1 * model.cutoff / T0**0.5
    near = NeighbourList(space, model.cutoff, 0.2 * model.cutoff)
    v = torch.from_numpy(rng.normal(scale=T0**0.5, size=r.shape))
    force, d = _force(model, near.pairs(r))
    keep = math.exp(-dt * T0**0.5 / model.cutoff)
    for _ in range(SETTLING):
        v = v + 0.5 * dt * force
        r = r + 0.5 * dt * v
        noise = torch.from_numpy(rng.normal(scale=(T0 * (1 - keep**2)) ** 0.5, size=r.shape))
        v = keep * v + noise
        r = r + 0.5 * dt * v
        force, d = _force(model, near.pairs(r))
        v = v + 0.5 * dt * force
    return torch.remainder(r, torch.from_numpy(lengths)), d


def _force(model: Metriplectic, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """-dPhi/dr (N, D) = -N_p T0 sum_j (1/d_i + 1/d_j) w' e_ij, and d (N,)."""
    law = model.energy_closure
    assert isinstance(law, IdealGasEnergy)
    kernel = model.volume(model.radial(pairs.r))
    d = inverse_volume(pairs, kernel, model.volume.self_weight())
    V = 1.0 / d
    atoms = law.beta * law.C  # N_p
    f = -atoms * law.T0 * (V[pairs.i] + V[pairs.j]) * kernel.dwdr
    return sum_odd(pairs, f[:, None] * pairs.e), d
