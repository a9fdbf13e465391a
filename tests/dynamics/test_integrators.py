"""Order of the step, its weak moments, and what it keeps."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from pipeline import pairs, space
from pipeline.dynamics.integrators import euler_heat, heat, kick, move
from pipeline.metriplectic.noise import Increments
from pipeline.pairs import State
from tests.dynamics.systems import CUTOFF, SIDE, gas, lattice
from tests.metriplectic.cases import draw

BOX = space.periodic((SIDE, SIDE))


def start() -> State:
    window = lattice(1)
    r = torch.from_numpy(window.position[0] / 2.0)
    v = torch.from_numpy(window.velocity[0] / 4.0)
    return State(r, v, torch.linspace(-1.0, 1.0, len(r), dtype=torch.float64))


def zero_noise(near: pairs.Pairs) -> Increments:
    return Increments(torch.zeros_like(near.e), torch.zeros_like(near.r))


def advance(model, state: State, dt: float, noise: Increments | None = None) -> State:
    near = pairs.find(state.r, BOX, CUTOFF)
    dynamics = model.dynamics(state, near)
    given = kick(model, dynamics, noise or zero_noise(near), dt)
    v = state.v + given.dv
    return move(state, v, heat(dynamics, given, state.v, v), dt)


def test_first_order_without_noise() -> None:
    model = gas(friction=0.05)
    model.log_k_B.fill_(-math.inf)
    ends = []
    for count in (8, 16, 32, 512):
        state = start()
        for _ in range(count):
            state = advance(model, state, 2.0 / count)
        ends.append(torch.cat([x.flatten() for x in state]))
    errors = [float((end - ends[-1]).norm()) for end in ends[:-1]]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert orders == pytest.approx([1.0, 1.0], abs=0.15)


def test_noise_has_the_covariance_of_the_likelihood() -> None:
    """Weak check: mean and covariance of small steps are those that training assumes."""
    model, state, dt = gas(), start(), 1e-4
    near = pairs.find(state.r, BOX, CUTOFF)
    dynamics = model.dynamics(state, near)
    covariance = model.covariance(dynamics)
    generator = torch.Generator().manual_seed(1)
    rows = []
    for _ in range(3000):
        noise = draw(near, dt, generator)
        dv = kick(model, dynamics, noise, dt)
        dS = heat(dynamics, dv, state.v, state.v + dv.dv)
        rows.append(torch.cat([dv.dv, dS[:, None]], 1))
    sample = torch.stack(rows)
    mean, moved = sample.mean(0), sample - sample.mean(0)
    vv = torch.einsum("kna,knb->nab", moved[..., :2], moved[..., :2]) / len(rows) / dt
    SS = moved[..., 2].square().mean(0) / dt
    assert float((vv - covariance.vv).norm() / covariance.vv.norm()) < 0.06
    assert float((SS - covariance.SS).norm() / covariance.SS.norm()) < 0.06
    drift = torch.cat([dynamics.drift.dv, dynamics.drift.dS[:, None]], 1)
    error = (mean / dt - drift) / (sample.std(0) / dt / len(rows) ** 0.5)
    assert float(error.square().mean()) == pytest.approx(1.0, abs=0.3)


def test_both_heats_agree_in_small_steps() -> None:
    model, state = gas(), start()
    near = pairs.find(state.r, BOX, CUTOFF)
    dynamics = model.dynamics(state, near)
    defects = []
    for dt in (1e-3, 1e-5):
        generator = torch.Generator().manual_seed(2)
        total = torch.zeros_like(state.S)
        for _ in range(200):
            noise = draw(near, dt, generator)
            given = kick(model, dynamics, noise, dt)
            total += heat(dynamics, given, state.v, state.v + given.dv)
            total -= euler_heat(model, dynamics, noise, dt)
        defects.append(float(total.norm()) / (200 * dt) ** 0.5)
    assert defects[1] < 0.2 * defects[0]


def test_momentum_to_round_off_and_energy_of_friction_exactly() -> None:
    """With the forces switched off, what friction takes from motion is what heats gain."""
    model, state = gas(friction=0.5), start()
    near = pairs.find(state.r, BOX, CUTOFF)
    dynamics = model.dynamics(state, near)
    noise = draw(near, 0.5, torch.Generator().manual_seed(3))
    given = kick(model, dynamics, noise, 0.5)
    impulse = pairs.sum_odd(near, given.p)
    v = state.v + impulse
    x = heat(dynamics, given, state.v, v)
    after = model.energy_closure(state.S + x, dynamics.thermo.V)
    gained = float((after.U - dynamics.thermo.U).sum())
    lost = 0.5 * float(state.v.square().sum() - v.square().sum())
    assert np.abs(impulse.sum(0).numpy()).max() < 1e-14
    # Of an ideal gas, whose heat capacity is one number.
    assert gained == pytest.approx(lost, rel=1e-10)
