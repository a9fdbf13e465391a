"""Viscosity of the ideal gas: sheared, by Green and Kubo, and by the friction put in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import State, find
from pipeline.simulate.ideal_gas import equilibrium, model, simulate, space, units
from pipeline.simulate.replicated import IdealGas

SMALL = IdealGas(particles=216, cutoff=0.26, relaxation=200, frames=2000)
EVERY = 4  # frames between evaluations of the stress
REACHED = 0.85  # of the integral of Green and Kubo, up to 0.03


def evaluate(gas: IdealGas, state: State, time: float) -> Dynamics:
    law = model(gas)
    return law.dynamics(state, find(state.r, space(gas), law.cutoff, time))


def volume(gas: IdealGas) -> float:
    return (gas.length / units(gas).length) ** 3


def stresses(gas: IdealGas, seed: int) -> np.ndarray:
    """(T, 5) V sigma of motion and conservative forces: xy, xz, yz, (xx - yy)/2, (yy - zz)/2."""
    made = simulate(gas, seed)
    a, _ = units(gas)
    found = []
    for t in range(0, gas.frames, EVERY):
        r, v = (torch.from_numpy(x[t] / s) for x, s in _scaled(made, a, units(gas).velocity))
        state = State(r, v, torch.from_numpy(made.extra["entropy"][t]))
        d = evaluate(gas, state, float(made.time[t]) / gas.dt)
        u = v.clone()
        u[:, 0] -= space(gas).rate * (r[:, 1] - r[:, 1].mean())
        virial = (
            (d.pairs.r * d.pressure)[:, None, None] * d.pairs.e[:, :, None] * d.pairs.e[:, None]
        )
        total = (u[:, :, None] * u[:, None, :]).sum(0) + virial.sum(0)
        shears = [total[0, 1], total[0, 2], total[1, 2]]
        shears += [(total[k, k] - total[k + 1, k + 1]) / 2 for k in (0, 1)]
        found.append([float(x) for x in shears])
    return np.array(found)


def _scaled(made, length: float, speed: float):
    return (made.position, length), (made.velocity, speed)


def test_the_friction_is_the_one_put_in() -> None:
    """An affine flow meets eta (n V)^2: particles of volume V fill n V of space."""
    gas = SMALL.replace(shear_rate=1.0)
    state = equilibrium(model(gas), gas.particles, space(gas), np.random.default_rng(0))
    flow = torch.zeros_like(state.v)
    flow[:, 0] = space(gas).rate * state.r[:, 1]
    d = evaluate(gas, state._replace(v=flow), 0.0)
    stress = float((d.pairs.r * d.pairs.e[:, 1] * d.friction[:, 0]).sum()) / volume(gas)
    put_in = gas.viscosity * units(gas).length * gas.dt
    filled = gas.particles * float(d.thermo.V.mean()) / volume(gas)
    assert stress / space(gas).rate == pytest.approx(put_in * filled**2, rel=0.15)


@pytest.mark.slow
def test_shear_meets_the_viscosity_of_green_and_kubo() -> None:
    """Momentum is carried by the motion of particles, hundreds of times more than by friction.

    The integral runs to 0.03, where its noise is still small.
    """
    flows = (SMALL, SMALL.replace(shear_rate=4.0))
    seeds = range(1, 5)  # one alone is within a fifth
    stills, moved = ([stresses(gas, seed) for seed in seeds] for gas in flows)
    T = float(model(SMALL).scales.temperature)
    lags = np.arange(round(0.03 / (EVERY * SMALL.dt)))
    memory = [np.mean([x[: len(x) - k] * x[k:] for x in stills]) for k in lags]
    green_kubo = np.trapezoid(memory) * EVERY / (T * volume(SMALL)) / REACHED
    sheared = -np.mean([x[:, 0] for x in moved]) / (volume(SMALL) * 4.0 * SMALL.dt)
    assert sheared == pytest.approx(green_kubo, rel=0.4)
    assert sheared > 50 * SMALL.viscosity * units(SMALL).length * SMALL.dt
