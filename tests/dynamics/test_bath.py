"""One step for every regime: moments of the bath's step, and the account of what it gave."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from torch import Tensor

from pipeline import pairs, space
from pipeline.closures import splines
from pipeline.dynamics.integrators import heat, kick, move
from pipeline.dynamics.limits import UNLIMITED
from pipeline.dynamics.rollout import rollout
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.metriplectic.noise import Increments
from pipeline.pairs import State
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, conditions, lattice

T = 1e-3
GAS = {
    "volume": {"kind": "lucy"},
    "energy": {"kind": "ideal_gas", "atoms": 20.0},
    "friction": {"kind": "revenga", "eta": 0.01, "zeta": 0.01, "kappa": 0.3},
    "teacher": {"kind": "uniform"},
}
SIDE = 8.0


def bathed(bath: dict, temperature: float = T, **closures) -> Metriplectic:
    """The gas of `systems` in a bath; ``closures`` beside its own or instead of them."""
    torch.manual_seed(0)
    settings = {
        "dimension": 2,
        "cutoff": CUTOFF,
        "temperature": temperature,
        "volume": 0.85,
        "closures": {**GAS, "bath": bath, **closures},
    }
    return build(settings).double().requires_grad_(False)


def alone(
    model: Metriplectic, r: Tensor, v: Tensor, xi: Tensor, dt: float
) -> tuple[Tensor, Tensor]:
    """Particles far from each other a step later: r and v (n, 2), for increments xi (n, 2)."""
    n = len(r)
    none = torch.zeros(0, dtype=torch.int64)
    near = pairs.Pairs(none, none, r.new_zeros(0), r.new_zeros((0, 2)), None, n)
    state = State(r, v, r.new_zeros(n))
    noise = Increments(near.e, near.r, xi, r.new_zeros(n))
    given = kick(model, model.dynamics(state, near), noise, dt)
    after = move(state, v + given.dv, state.S, dt)
    return after.r, after.v


def linear(model: Metriplectic, centre: float, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The step in x as (r, v)' = A (r, v) + B N(0, 1), exact where forces are linear."""
    eps = 1e-3
    r = torch.full((4, 2), centre, dtype=torch.float64)
    v, xi = torch.zeros_like(r), torch.zeros_like(r)
    r[1, 0] += eps
    v[2, 0] += eps
    xi[3, 0] = eps * dt**0.5
    r_next, v_next = alone(model, r, v, xi, dt)
    rows = torch.stack((r_next[:, 0], v_next[:, 0]), 1)
    moved = ((rows[1:] - rows[0]) / eps).numpy()
    return moved[:2].T, moved[2]


RATES = (0.02, 0.5, 1.3, 1.999)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_free_particles_are_as_hot_and_as_mobile_as_they_should(rate: float, dt: float) -> None:
    """<v^2> = T_b / m and D = T_b / (m gamma), to round-off for every gamma dt."""
    A, B = linear(bathed({"kind": "uniform", "rate": rate}), 4.0, dt)
    alpha = A[1, 1]
    variance = B[1] ** 2 / (1 - alpha**2)
    assert variance == pytest.approx(T, rel=1e-6)  # the closures are made in float32
    assert variance * dt * (0.5 + alpha / (1 - alpha)) == pytest.approx(T / rate, rel=1e-6)


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_brownian_steps_forget_and_diffuse_alike(dt: float) -> None:
    """alpha = 0 and D = T_b / 2 per unit of time, however the unit is divided."""
    model = bathed({"kind": "brownian"}).at_step(dt)
    A, B = linear(model, 4.0, dt)
    assert A[1, 1] == pytest.approx(0.0, abs=1e-9)
    assert B[0] ** 2 / (2 * dt) == pytest.approx(T / 2, rel=1e-6)
    assert float(model.m) * B[1] ** 2 == pytest.approx(T, rel=1e-6)


def trap(stiffness: float) -> tuple[dict, Tensor]:
    """An external potential k |r - centre|^2 / 2, which cubic splines hold exactly."""
    ends = {"low": (0.0, 0.0), "high": (SIDE, SIDE)}
    x = torch.linspace(0, SIDE, 60, dtype=torch.float64)
    basis = splines.line(x, 0.0, SIDE, 4).basis
    bowl = torch.linalg.lstsq(basis.T, 0.5 * stiffness * (x - SIDE / 2)[:, None] ** 2).solution
    flat = torch.ones_like(bowl)
    return {"kind": "field", "intervals": 4, **ends}, (bowl @ flat.T + flat @ bowl.T) / T


@pytest.mark.parametrize(("bath", "dt"), [("uniform", 1.0), ("brownian", 1.0), ("brownian", 0.1)])
def test_harmonic_trap(bath: str, dt: float) -> None:
    """<r^2> = T/k and <v^2> = T/m, both over 1 - (omega dt)^2 / 4, the factor of leapfrog."""
    stiffness = 0.3
    rate = {"rate": 0.7} if bath == "uniform" else {}
    external, coefficients = trap(stiffness)
    model = bathed({"kind": bath, **rate}, external=external)
    model.external.coefficients.copy_(coefficients)
    model = model.at_step(dt)
    A, B = linear(model, SIDE / 2, dt)
    covariance = solve_discrete_lyapunov(A, np.outer(B, B))
    m = float(model.m)
    factor = 1 / (1 - stiffness / m * dt**2 / 4)
    assert covariance[0, 0] == pytest.approx(T / stiffness * factor, rel=1e-5)
    assert covariance[1, 1] == pytest.approx(T / m * factor, rel=1e-5)


def test_energy_momentum_and_entropy_with_the_bath() -> None:
    """What the particles have and what the bath gave: the first and the second law."""
    model = bathed({"kind": "uniform", "rate": 0.2, "conductance": 0.2}, temperature=2 * T)
    model.bath.log_T.fill_(math.log(T))
    settings = conditions(substeps=2)
    seen = rollout(lattice(250), model, settings, 0, progress=False).observables
    kept = seen["energy"] - seen["work"]
    assert np.ptp(kept[10:]) < 0.03 * np.ptp(seen["work"])
    assert np.abs(seen["momentum"] - seen["impulse"] - seen["momentum"][0]).max() < 1e-12
    assert np.abs(seen["bath_impulse"] - seen["impulse"]).max() < 1e-15
    lost = -seen["bath_entropy"] * T
    assert np.abs(seen["bath_heat"] - lost).max() < 1e-6 * np.ptp(lost)
    assert seen["bath_heat"][-1] < 0  # the hot sample cools
    total = seen["entropy"] + seen["bath_entropy"]
    # It rises to its maximum, and fluctuates there: 5 numbers a particle, half a k_B^2 each.
    fluctuation = (5 * 64 / 2) ** 0.5
    assert total[150:].mean() - total[0] > 5 * fluctuation
    assert np.ptp(total[150:]) < 8 * fluctuation
    # 128 velocity components over some 50 independent times; leapfrog is warmer by a few per cent.
    assert seen["temperature"][100:].mean() == pytest.approx(1.03 * T, rel=0.07)


def test_heats_come_to_the_temperature_of_the_bath() -> None:
    model = bathed({"kind": "uniform", "rate": 0.2, "conductance": 1.0}, temperature=2 * T)
    model.bath.log_T.fill_(math.log(T))
    done = rollout(lattice(300), model, conditions(), 0, progress=False)
    temperatures = done.trajectory.extra["temperature"]
    assert temperatures[0].mean() == pytest.approx(2 * T, rel=0.3)
    assert temperatures[150:].mean() == pytest.approx(T, rel=0.05)


def test_a_flowing_medium_carries_particles_and_its_work_is_told() -> None:
    model = bathed({"kind": "uniform", "rate": 0.3})

    def stream(r: Tensor, time: float) -> Tensor:
        return torch.tensor([0.05, 0.0], dtype=r.dtype).expand_as(r)

    seen = rollout(lattice(100), model, conditions(flow=stream), 0, progress=False).observables
    drift = seen["momentum"][50:].mean(0) / 64
    assert drift == pytest.approx([0.05, 0.0], abs=0.01)
    work = 0.05 * seen["bath_impulse"][:, 0]
    assert seen["bath_work"] == pytest.approx(work, abs=1e-12)
    kept = seen["energy"] - seen["work"]
    assert np.ptp(kept[10:]) < 0.05 * seen["kinetic"].mean()


@pytest.mark.parametrize("substeps", [1, 4])
def test_brownian_rollout(substeps: int) -> None:
    """Recorded velocities are those of a snapshot interval; energy and momentum are accounted."""
    model = bathed({"kind": "brownian"}, friction={"kind": "none"})
    settings = conditions(substeps=substeps)
    done = rollout(lattice(60), model, settings, 0, progress=False)
    made, seen = done.trajectory, done.observables
    step = np.diff(made.position, axis=0) / TIME
    assert np.abs(made.velocity[1:] - step).max() < 1e-12
    assert (made.velocity[1:] / (LENGTH / TIME)).var() == pytest.approx(T, rel=0.1)
    assert seen["temperature"].mean() == pytest.approx(T, rel=0.1)
    kept = seen["energy"] - seen["work"]
    assert np.ptp(kept[1:]) < 0.25 * seen["kinetic"].mean()
    assert np.abs(seen["momentum"] - seen["impulse"] - seen["momentum"][0]).max() < 1e-12


@pytest.mark.parametrize("compiled", [False, True])
def test_finer_steps_of_brownian_motion_are_no_faster_particles(compiled: bool) -> None:
    """A step of a sixteenth moves a quarter as far, four times as fast, as none in training did."""
    model = bathed({"kind": "brownian"}, friction={"kind": "none"})
    seen = UNLIMITED._replace(speed=4 * T**0.5)
    for substeps in (1, 16):
        asked = conditions(substeps=substeps, limits=seen, compiled=compiled)
        done = rollout(lattice(60), model, asked, 0, progress=False)
        assert (done.stopped, len(done.trajectory.time)) == ("", 60)
    slow = conditions(substeps=16, limits=seen._replace(speed=0.1 * T**0.5), compiled=compiled)
    assert "speed" in rollout(lattice(60), model, slow, 0, progress=False).stopped


def test_heat_of_the_bath_is_no_heat_of_particles() -> None:
    """Friction of the bath warms the bath: without conduction, entropies of lone particles stay."""
    model = bathed({"kind": "uniform", "rate": 0.5})
    r = torch.tensor([[1.0, 1.0], [6.0, 6.0]], dtype=torch.float64)
    near = pairs.find(r, space.free(2), CUTOFF)
    state = State(r, torch.ones_like(r), torch.zeros(2, dtype=torch.float64))
    dynamics = model.dynamics(state, near)
    noise = Increments(near.e, near.r, torch.ones_like(r), torch.ones(2, dtype=torch.float64))
    given = kick(model, dynamics, noise, 1.0)
    assert given.dv.abs().min() > 0.01
    assert heat(dynamics, given, state.v, state.v + given.dv).abs().max() == 0.0


def soft(r: np.ndarray) -> np.ndarray:
    """Energy of a pair over T, and its range 1.7."""
    return 3.0 * np.exp(-(r - 0.6) / 0.2)


WALL, REACH = 8.0, 2.0  # energy over T at a side, and from where it is felt


def reference_gas(frames: int, fine: int, D: float, seed: int, walls: bool = False) -> np.ndarray:
    """(frames, n, 2) Brownian dynamics by Euler and Maruyama in ``fine`` steps per frame, numpy.

    Periodic, or between soft walls.
    """
    rng = np.random.default_rng(seed)
    r = lattice(1).position[0] / LENGTH
    out = []
    for _ in range(frames):
        for _ in range(fine):
            dr = r[:, None] - r[None]
            if not walls:
                dr -= SIDE * np.round(dr / SIDE)
            d = np.sqrt((dr**2).sum(-1))
            np.fill_diagonal(d, 10.0)
            F = np.where(d < CUTOFF, soft(d) / 0.2, 0.0) / d
            drift = (F[..., None] * dr).sum(1)
            if walls:
                low, high = ((1 - x / REACH).clip(0, 1) for x in (r, SIDE - r))
                drift += 2 * WALL / REACH * (low - high)
            r = r + D / fine * drift + np.sqrt(2 * D / fine) * rng.normal(size=r.shape)
        out.append(r)
    return np.array(out)


def histogram(positions: np.ndarray, walls: bool = False) -> np.ndarray:
    """g(r) up to 2.4, to within a factor; between walls the density over the distance from them."""
    if walls:
        beside = np.minimum(positions, SIDE - positions)
        counts = np.histogram(beside, 24, (0.0, 4.0))[0].astype(float)
        return counts / counts.sum()
    counts = np.zeros(24)
    for r in positions:
        dr = r[:, None] - r[None]
        dr -= SIDE * np.round(dr / SIDE)
        d = np.sqrt((dr**2).sum(-1))[np.triu_indices(len(r), 1)]
        counts += np.histogram(d, 24, (0.0, 2.4))[0]
    return counts / counts.sum()


def softly(walls: bool, D: float) -> Metriplectic:
    """The law of `reference_gas` in closures."""
    cold = {"kind": "exponentials", "cold": 0, "expansion": 1e-9, "heat_capacity": 1e6}
    around = {}
    if walls:
        ends = {"low": [0.0, 0.0], "high": [SIDE, SIDE], "axes": [0, 1], "reach": REACH}
        around = {"external": {"kind": "walls", **ends}}
    model = bathed(
        {"kind": "brownian"},
        2 * D,
        friction={"kind": "none"},
        energy=cold,
        pair_energy={"kind": "splines"},
        **around,
    )
    r = torch.linspace(0.3, 0.97 * CUTOFF, 300).double()
    at = model.radial(r)
    wanted = torch.from_numpy(soft(r.numpy()) - soft(np.array(CUTOFF)))
    bend = torch.eye(len(at.basis), dtype=torch.float64).diff(n=2, dim=0)
    basis = at.basis * splines.taper(r, CUTOFF)[0]
    normal = basis @ basis.T + 1e-6 * bend.T @ bend
    model.pair_energy.coefficients.copy_(torch.linalg.solve(normal, basis @ wanted))
    if walls:
        model.external.coefficients.fill_(WALL)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("walls", [False, True])
def test_structure_of_an_overdamped_rollout(walls: bool) -> None:
    """g(r), and the density beside walls, equal those of Brownian dynamics in fine steps, of an
    independent program."""
    frames, D = 600, 0.01
    start = lattice(frames, 2 * D)
    if walls:
        start = start._replace(box=start.box._replace(periodic=(False, False)))
    settings = conditions(substeps=4, temperature=2 * D)
    made = rollout(start, softly(walls, D), settings, 0, progress=False)
    assert made.stopped == ""
    found = histogram(made.trajectory.position[50:] / LENGTH, walls)
    truth, again = (
        histogram(reference_gas(frames, 16, D, seed, walls)[50:], walls) for seed in (1, 2)
    )
    floor = np.linalg.norm(again - truth) / np.linalg.norm(truth)
    error = np.linalg.norm(found - truth) / np.linalg.norm(truth)
    print(f"error {error:.4f}, floor {floor:.4f}")
    assert floor < 0.06
    assert error < max(2.0 * floor, 0.03)


def test_what_an_active_bath_feeds_in_is_accounted() -> None:
    """Negative friction heats the gas; energy and impulse are the bath's to the last digit."""
    model = bathed({"kind": "active"})
    model.bath.start(-0.02, noise=0.01 * T)  # on balance -0.025
    seen = rollout(lattice(60), model, conditions(substeps=2), 0, progress=False).observables
    kept = seen["energy"] - seen["work"]
    assert seen["work"][-1] > 20 * T  # of 64 particles at T
    assert np.ptp(kept[10:]) < 0.05 * np.ptp(seen["work"])
    assert np.abs(seen["momentum"] - seen["impulse"] - seen["momentum"][0]).max() < 1e-12


@pytest.mark.parametrize("rate", [-0.05, 0.4])
def test_free_particles_in_an_active_bath(rate: float) -> None:
    """v' = alpha v + noise with alpha = (1 - gamma/2) / (1 + gamma/2) of either sign of gamma."""
    model = bathed({"kind": "active"})
    model.bath.start(rate, noise=0.3 * T)
    A, B = linear(model, 4.0, 1.0)
    b = 1 / (1 + 0.5 * rate)
    assert A[1, 1] == pytest.approx((1 - 0.5 * rate) * b, rel=1e-6)
    assert B[1] ** 2 == pytest.approx(0.3 * T * b**2, rel=1e-6)
