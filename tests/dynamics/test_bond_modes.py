"""Bonds that remember: the laws of the operators, moments of the step, accounts, their limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.analysis.conservation import balance
from pipeline.closures.reference import Reference, reference
from pipeline.dynamics.bond_modes import BondModes, Heat
from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.dynamics.thermal import Conditions
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.pairs import find
from pipeline.simulate.elastic_network import lattice
from pipeline.simulate.replicated import ElasticNetwork
from pipeline.space import periodic
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits

NETWORK = ElasticNetwork(columns=8, rows=8, relaxation=50, frames=21)
T, CUTOFF = NETWORK.temperature * NETWORK.dt**2, 1.4
STIFF, TIME = 0.01, 10.0  # c and tau in reduced units


def solid(heat_capacity: float = 1e6, friction: float = 1e-9) -> Metriplectic:
    """A soft solid, almost without friction, whose bonds remember."""
    closures = {
        "volume": {"kind": "splines"},
        "energy": {"kind": "exponentials", "heat_capacity": heat_capacity, "expansion": 1e-9},
        "friction": {"kind": "revenga", "eta": friction, "zeta": friction, "kappa": friction},
        "teacher": {"kind": "uniform"},
        "strain": {"kind": "green"},
    }
    settings = {"dimension": 2, "cutoff": CUTOFF, "temperature": T, "volume": 0.87}
    model = build({**settings, "closures": closures}).double()
    model.strain.start(torch.tensor([0.01, 0.01, 0.003], dtype=torch.float64))
    return remembering(model, STIFF, TIME)


def remembering(model: Metriplectic, *modes: float) -> Metriplectic:
    c, tau = (torch.tensor([x], dtype=torch.float64) for x in modes)
    model.remember("bonds", 1).set(tau, c, c * T, T)
    return model


def body() -> Reference:
    made = lattice(NETWORK.columns, NETWORK.rows)
    box = periodic(made.sides)
    return reference(find(torch.from_numpy(made.places), box, CUTOFF), CUTOFF, box)


def ran(model: Metriplectic, window: Trajectory | None = None, seed: int = 0, **changes) -> Rollout:
    """From a snapshot of the network."""
    window = NETWORK.simulate(1) if window is None else window
    settings = Conditions(
        ReducedUnits(1.0, NETWORK.dt), np.zeros(64), temperature=T, substeps=4, reference=body()
    )
    return rollout(window, model, replace(settings, **changes), seed, progress=False)


def test_short_steps_are_the_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one bond in (x, S_i, S_j): drift M grad S + k_B div M, noise of covariance 2 k_B M.

    The divergence is by differences, so that it checks the rate by which modes creep.
    """
    C, c, tau, dt = np.array([7.0, 4.0]), 3.0, 5.0, 1e-6
    U0 = np.array([1.3, 0.6]) * C

    def mobility(x: np.ndarray) -> np.ndarray:
        hot = U0 / C * np.exp(x[1:] / C)
        way = np.array([1.0, *(-c * x[0] / (2 * hot))])
        return 2 / (1 / hot).sum() / (c * tau) * np.outer(way, way)

    at, h = np.array([0.4, 0.0, 0.0]), 1e-5
    turn = h * np.eye(3)
    divergence = sum(
        (mobility(at + turn[k]) - mobility(at - turn[k]))[:, k] / (2 * h) for k in range(3)
    )
    M, grad_S, grad_E = mobility(at), np.array([0.0, 1.0, 1.0]), np.array([c * at[0], *(U0 / C)])
    assert np.abs(M @ grad_E).max() < 1e-14
    bonds = find(torch.tensor([[0.0, 0.0], [1.0, 0.0]]).double(), periodic((9.0, 9.0)), 1.4)
    pair = reference(bonds, 1.4, periodic((9.0, 9.0)))
    model = remembering(solid(), c, tau)
    modes, r = BondModes(model.memory, pair), bonds.r.new_tensor([[0.0, 0.0], [1.0, 0.0]])
    heat = Heat(torch.from_numpy(U0 / C), torch.from_numpy(U0 / C**2))

    def stepped(draw: float) -> np.ndarray:
        modes.x = torch.full((1, 1), at[0], dtype=torch.float64)
        monkeypatch.setattr(BondModes, "_normal", lambda *_: torch.full((1, 1), draw).double())
        dS = modes.step((r, r), heat, dt, (0, 0))
        return np.array([float(modes.x) - at[0], *dS.tolist()])

    # Draws of +1 and -1 with a mean of 0 and a variance of 1, as N(0, 1) to this order.
    up, down = stepped(1.0), stepped(-1.0)
    drift = (up + down) / (2 * dt)
    expected = M @ grad_S + divergence
    assert np.abs(drift - expected).max() < 2e-3 * np.abs(expected).max()
    noise = (up - down) / 2
    assert np.abs(np.outer(noise, noise) / dt - 2 * M).max() < 1e-3 * np.abs(M).max()


@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_equipartition_of_bonds_that_are_held(dt: float) -> None:
    """<x^2> = T / c, and <x(0) x(t)> decays in tau, whatever the step."""
    solid_ = body()
    modes = BondModes(solid().memory, solid_)
    heat = Heat(torch.full((64,), T).double(), torch.full((64,), T / 1e6).double())
    modes.enter(3, 0)
    r, first, squares, product = solid_.bonds.r, modes.x, [], 0.0
    place = torch.from_numpy(lattice(8, 8).places)
    for step in range(2000):
        modes.step((place, place), heat, dt, (3, step))
        squares.append(float(modes.x.square().mean()))
        if step + 1 == int(TIME / dt):
            product = float((modes.x * first).mean())
    count = len(r) * max(1.0, 2000 * dt / (2 * TIME))
    assert np.mean(squares) == pytest.approx(T / STIFF, rel=4 * (2 / count) ** 0.5)
    assert product == pytest.approx(T / STIFF / np.e, abs=4 * T / STIFF / len(r) ** 0.5)


@pytest.mark.parametrize("heat_capacity", [1e6, 5.0])
@pytest.mark.parametrize("compiled", [True, False], ids=["engine", "torch"])
def test_energy_and_momentum_are_kept(heat_capacity: float, compiled: bool) -> None:
    """Particles, springs, modes and the heat of their creep: nothing is given from outside."""
    swings = []
    for substeps in (4, 8):
        done = ran(solid(heat_capacity), substeps=substeps, compiled=compiled)
        assert not done.stopped
        seen = done.observables
        assert np.abs(seen["work"]).max() == 0
        assert np.abs(seen["momentum"] - seen["momentum"][0]).max() < 1e-12
        swings.append(np.ptp(balance(seen).energy))
        # The creep moves far more energy than is lost.
        assert np.ptp(seen["entropy"]) * T > 20 * swings[-1] * seen["kinetic"].mean()
    assert swings[1] < 0.5 * swings[0]


def test_the_engine_follows_the_reference() -> None:
    window = NETWORK.simulate(1)
    theirs, ours = (ran(solid(20.0, 1e-4), window, compiled=c) for c in (False, True))
    assert (theirs.engine, ours.engine) == ("torch", "compiled")
    np.testing.assert_allclose(
        ours.trajectory.position, theirs.trajectory.position, atol=1e-9, rtol=0
    )
    for name in ("energy", "half_kick", "entropy"):
        np.testing.assert_allclose(ours.observables[name], theirs.observables[name], atol=1e-9)


@pytest.mark.parametrize(("modes", "held"), [((1e-14, 10.0), 0.0), ((0.02, 1e9), 0.02)])
def test_modes_without_strength_are_none_and_those_that_stay_are_springs(modes, held) -> None:
    """c -> 0: the path without them. tau -> inf, begun at x = 0: a spring along every bond."""
    window = NETWORK.simulate(1)
    model = remembering(solid(), *modes)
    found = ran(model, window, compiled=False).trajectory.position
    plain = solid()
    plain.memory = None
    if not held:
        wanted = ran(plain, window).trajectory.position
        np.testing.assert_allclose(found, wanted, atol=1e-6)
        return
    kept = BondModes(model.memory, body())
    kept.enter(0, 0)
    place, at = torch.from_numpy(lattice(8, 8).places), torch.from_numpy(window.position[0])
    bonds = kept._bonds(place)
    kept.x = torch.zeros_like(kept.x)
    heat = Heat(torch.full((64,), T).double(), torch.full((64,), T / 1e6).double())
    kept.step((place, at), heat, 1.0, (0, 0))
    longer = kept._bonds(at).r - bonds.r
    np.testing.assert_allclose(kept.x[0], longer, atol=6 * (2 * T / (held * 1e9)) ** 0.5)
    force = torch.zeros((64, 2), dtype=torch.float64)
    pull = -held * longer[:, None] * kept._bonds(at).e
    force.index_add_(0, bonds.i, pull).index_add_(0, bonds.j, -pull)
    np.testing.assert_allclose(kept.force(at), force, atol=1e-5 * held)
