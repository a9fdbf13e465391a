"""Modes of memory: the laws of the operators, moments of the step, exact solution, accounts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import expm, solve_discrete_lyapunov

from pipeline import pairs
from pipeline.analysis.conservation import balance
from pipeline.dynamics.integrators import kick, move
from pipeline.dynamics.modes import Modes
from pipeline.dynamics.rollout import rollout
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments
from pipeline.metriplectic.presets import SPLINES
from pipeline.pairs import State
from tests.dynamics.systems import LENGTH, TIME, conditions, lattice
from tests.dynamics.test_bath import T, bathed
from tests.dynamics.test_compiled import agree, both, crystal, led, settings, stream
from tests.metriplectic.cases import random_model

KERNELS = {1: ([4.0], [0.05]), 2: ([4.0, 0.7], [0.05, 0.2])}  # tau, c


def remembering(model: Metriplectic, modes: int = 1, kind: str = "maxwell", temperature: float = T):
    """The model with a memory in float64."""
    time, c = (torch.tensor(x, dtype=torch.float64) for x in KERNELS[modes])
    memory = model.double().remember(kind, modes)
    memory.set(time, c, 2 * c * temperature, temperature)
    return model


def linear(model: Metriplectic, dt: float, monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    """The step of a particle alone, (v, f_1 .. f_K)' = A (v, f) + B N(0, 1), one component."""
    K = len(model.memory.time())
    rows = 1 + K  # beginnings with one variable each, then one more for each source of noise
    n = 2 * rows
    modes = Modes(model.memory, n, 2)
    draws = torch.zeros((n, K, 2), dtype=torch.float64)
    v, xi = torch.zeros((n, 2), dtype=torch.float64), torch.zeros((n, 2), dtype=torch.float64)
    v[0, 0], xi[rows, 0] = 1.0, dt**0.5
    for k in range(K):
        modes.f[1 + k, k, 0] = 1.0
        draws[rows + 1 + k, k, 0] = 1.0
    monkeypatch.setattr(Modes, "_normal", lambda *_: draws)
    none = torch.zeros(0, dtype=torch.int64)
    near = pairs.Pairs(none, none, v.new_zeros(0), v.new_zeros((0, 2)), None, n)
    state, who = State(torch.zeros_like(v), v, v.new_zeros(n)), np.arange(n)
    dynamics = model.dynamics(state, near, force=modes.force(who))
    noise = Increments(near.e, near.r, xi, v.new_zeros(n))
    after = move(state, v + kick(model, dynamics, noise, dt).dv, state.S, dt)
    modes.step(who, (state, after), None, dt, (0, 0))
    moved = torch.cat((after.v[:, None, 0], modes.f[:, :, 0]), 1).numpy()
    return moved[:rows].T, moved[rows:].T


def operators(model: Metriplectic) -> tuple[np.ndarray, ...]:
    """L, M, grad E and grad S of (v, x_1 .. x_K, S_b) at a random state, written out."""
    rng, memory, m = np.random.default_rng(0), model.memory, float(model.m)
    c, tau, T_b = memory.stiffness().numpy(), memory.time().numpy(), float(memory.temperature())
    K = len(c)
    x = rng.normal(size=K + 2)
    grad_E = np.concatenate([[m * x[0]], c * x[1 : 1 + K], [T_b]])
    grad_S = np.eye(K + 2)[-1]
    L, M = np.zeros((K + 2, K + 2)), np.zeros((K + 2, K + 2))
    L[1 : 1 + K, 0], L[0, 1 : 1 + K] = 1 / m, -1 / m
    for k in range(K):
        # What the noise sqrt(2 T_b / c tau) of x takes from the bath: -c x dx / T_b.
        way = np.zeros(K + 2)
        way[1 + k], way[-1] = 1.0, -c[k] * x[1 + k] / T_b
        M += T_b / (c[k] * tau[k]) * np.outer(way, way)
    return L, M, grad_E, grad_S, x


@pytest.mark.parametrize("modes", [1, 2])
def test_short_steps_are_the_bracket(modes: int, monkeypatch) -> None:
    """L grad E + M grad S, and noise of covariance 2 k_B M; both degeneracies, M >= 0."""
    model = remembering(bathed({"kind": "uniform", "rate": 1e-9}), modes)
    L, M, grad_E, grad_S, x = operators(model)
    assert np.abs(L + L.T).max() == 0
    assert np.abs(L @ grad_S).max() == 0
    assert np.abs(M @ grad_E).max() < 1e-14 * np.abs(M).max()
    assert np.linalg.eigvalsh(M).min() > -1e-15
    drift, dt = (L @ grad_E + M @ grad_S)[:-1], 1e-5
    A, B = linear(model, dt, monkeypatch)
    scale = np.concatenate([[1.0], -model.memory.stiffness().numpy()])  # f = -c x
    moved = (A @ (scale * x[:-1]) / scale - x[:-1]) / dt
    assert np.abs(moved - drift).max() < 1e-4 * np.abs(drift).max()
    covariance = (B @ B.T) / np.outer(scale, scale) / dt
    assert np.abs(covariance - 2 * M[:-1, :-1]).max() < 1e-4 * np.abs(M[:-1, :-1]).max()


@pytest.mark.parametrize("rate", [1e-9, 0.5])
@pytest.mark.parametrize("modes", [1, 2])
@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_equipartition(rate: float, modes: int, dt: float, monkeypatch) -> None:
    """<v^2> = T / m, and c <x^2> = T of the sum of the forces, over 1 - C dt^2 / 4."""
    model = remembering(bathed({"kind": "uniform", "rate": rate}), modes)
    A, B = linear(model, dt, monkeypatch)
    covariance = solve_discrete_lyapunov(A, B @ B.T)
    C = float(model.memory.stiffness().sum())
    wanted = T / (1 - C * dt**2 / 4)
    assert covariance[0, 0] == pytest.approx(wanted, rel=1e-5)
    assert covariance[1:, 1:].sum() == pytest.approx(C * wanted, rel=1e-5)


@pytest.mark.parametrize("modes", [1, 2])
def test_velocities_of_a_free_particle_are_forgotten_as_they_should(modes, monkeypatch) -> None:
    """C(t) of the exact solution, exp(G t); half the step takes off four times of the error."""
    model = remembering(bathed({"kind": "uniform", "rate": 0.05}), modes)
    c, tau = (x.numpy() for x in (model.memory.stiffness(), model.memory.time()))
    G = np.zeros((1 + modes, 1 + modes))
    G[0, 0], G[0, 1:], G[1:, 0] = -0.05, 1.0, -c
    G[np.arange(1, 1 + modes), np.arange(1, 1 + modes)] = -1 / tau
    exact = np.array([expm(G * t)[0, 0] for t in range(13)])
    assert exact.min() < 0.2
    worst = []
    for steps in (4, 8):
        A, B = linear(model, 1 / steps, monkeypatch)
        start = solve_discrete_lyapunov(A, B @ B.T)
        found = [(np.linalg.matrix_power(A, steps * t) @ start)[0, 0] for t in range(13)]
        worst.append(np.abs(np.array(found) / found[0] - exact).max())
    assert worst[0] < 0.005
    assert worst[0] / worst[1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(("kind", "variance"), [("maxwell", 1.0), ("active", 2.0)])
def test_noise_of_particles_that_are_held(kind: str, variance: float) -> None:
    """<f(0) f(t)> = T K(t) per component of Maxwell's modes: fluctuation and dissipation."""
    n, steps = 4000, 6
    model = remembering(bathed({"kind": "uniform"}), 2, kind)
    modes, who = Modes(model.memory, n, 2), np.arange(n)
    modes.enter(who, 3, 0)
    still = State(*(torch.zeros((n, 2)) for _ in range(3)))
    force = [modes.force(who)]
    for step in range(steps):
        modes.step(who, (still, still), None, 0.5, (3, step))
        force.append(modes.force(who))
    found = [float((force[0] * one).mean()) for one in force]
    tau, c = (np.array(x) for x in KERNELS[2])
    kernel = [(c * np.exp(-0.5 * k / tau)).sum() for k in range(steps + 1)]
    assert np.allclose(
        found, variance * T * np.array(kernel), atol=4 * variance * T * 0.25 / n**0.5
    )
    modes.enter(who, 3, 1)  # nobody is new
    assert torch.equal(modes.force(who), force[-1])


def test_energy_momentum_and_entropy_with_the_modes() -> None:
    """What particles and modes have and what the bath gave: the first and the second law."""
    model = bathed({"kind": "uniform", "rate": 1e-6}, temperature=2 * T)
    wanted = conditions(substeps=4)
    seen = rollout(lattice(250), remembering(model), wanted, 0, progress=False).observables
    assert np.ptp(balance(seen).energy) < 0.1 * np.ptp(seen["work"])
    assert np.abs(seen["momentum"] - seen["impulse"] - seen["momentum"][0]).max() < 1e-12
    assert np.abs(seen["bath_impulse"] - seen["impulse"]).max() < 1e-15
    total = seen["entropy"] + seen["bath_entropy"]
    assert total[-1] - total[0] > 5  # the hot sample cools
    assert seen["bath_heat"][-1] < 0


FLOWING = {"bath": {"kind": "uniform", "rate": 0.1}}


@pytest.mark.parametrize("kind", ["maxwell", "active"])
@pytest.mark.parametrize("around", [{}, FLOWING], ids=["alone", "with a bath"])
def test_the_engine_follows_the_reference(kind: str, around: dict) -> None:
    """Particles that come and go, led ones, a medium that flows: torch and the compiled engine."""
    window = led(crystal(2, open_box=True))
    model = random_model("splines", 2, closures={**SPLINES, **around})
    model = remembering(model, 2, kind, temperature=1.0)
    wanted = settings(window, flow=stream(window), substeps=2)
    theirs, ours = both(window, model, wanted)
    agree(theirs, ours, 1e-9)
    assert np.abs(ours.observables["bath_work"]).max() > 1e-6
    for done in (theirs, ours):
        seen = done.observables
        assert np.abs(seen["momentum"] - seen["impulse"] - seen["momentum"][0]).max() < 1e-9


@pytest.mark.parametrize("kind", ["led", "flowing"])
def test_the_balance_closes_as_without_modes(kind: str) -> None:
    """Of particles led along, and of a medium that flows: the modes' part is exact."""
    window = lattice(20)
    if kind == "led":
        velocity = np.array([0.05, 0.02]) * LENGTH / TIME
        window.driven[:, :8], window.velocity[:, :8] = True, velocity
        window.position[:, :8] += velocity * window.time[:, None, None]
    swings = []
    for modes in (0, 2):
        model = bathed({"kind": "uniform", "rate": 0.01})
        model = remembering(model, modes) if modes else model
        flow = None if kind == "led" else lambda r, _: 0.02 * r.flip(1)
        wanted = replace(conditions(substeps=2), flow=flow)
        seen = rollout(window, model, wanted, 0, progress=False).observables
        swings.append((np.ptp(balance(seen).energy[1:]), np.ptp(seen["work"])))
    (without, _), (with_modes, given) = swings
    assert with_modes < 1.5 * without + 1e-3 * given
