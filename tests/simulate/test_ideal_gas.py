"""The simulated ideal gas against its laws, computed here anew from positions and entropies."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from pipeline import graphs
from pipeline.learn.likelihood import cholesky, solve
from pipeline.learn.snapshots import Snapshots
from pipeline.pairs import State
from pipeline.simulate.ideal_gas import model, simulate
from pipeline.simulate.replicated import Force, IdealGas
from pipeline.trajectory import Trajectory

SMALL = IdealGas(particles=216, cutoff=0.26, relaxation=40, frames=60)
FORCE = Force(kind="taylor_green", amplitude=40.0, periods=(1, 1, -2))


@pytest.fixture(scope="module")
def still() -> Trajectory:
    return simulate(SMALL, 1)


@pytest.fixture(scope="module")
def stirred() -> Trajectory:
    return simulate(SMALL.replace(force=FORCE), 1)


@pytest.fixture(scope="module")
def sheared() -> Trajectory:
    return simulate(SMALL.replace(shear_rate=1.0), 1)


def lucy(r: np.ndarray, h: float) -> np.ndarray:
    x = np.clip(r / h, 0, 1)
    return 105 / (16 * math.pi * h**3) * (1 + 3 * x) * (1 - x) ** 3


def volumes(r: np.ndarray, h: float) -> np.ndarray:
    tree = cKDTree(r % 1.0, boxsize=1.0)
    near = tree.sparse_distance_matrix(tree, h, output_type="ndarray")
    return 1 / np.bincount(near["i"], lucy(near["v"], h), len(r))


def kinetic(v: np.ndarray) -> float:
    return float((v**2).sum() / (3 * (v.shape[-2] - 1) * len(v)))


def test_temperatures_follow_from_entropies(still: Trajectory) -> None:
    """Sackur and Tetrode: T = T0 exp(S / C) (V0 / V)^(2/3), C = 3 N_p / 2."""
    V = volumes(still.position[20], SMALL.cutoff)
    T = np.exp(still.extra["entropy"][20] / 15) * (1 / 216 / V) ** (2 / 3)
    assert np.allclose(T, still.extra["temperature"][20], rtol=1e-9)


def test_the_start_is_in_equilibrium(still: Trajectory) -> None:
    """Equipartition, and temperatures that are gamma distributed with shape C."""
    T = still.extra["temperature"]
    assert T.mean() == pytest.approx(1.0, abs=0.02)
    assert T.var() == pytest.approx(1 / 15, rel=0.25)
    assert kinetic(still.velocity) == pytest.approx(1.0, abs=0.12)
    # Pressure forces and friction leave the law as it was: the halves of the record agree.
    early, late = T[:30], T[30:]
    assert abs(early.mean() - late.mean()) < 0.01


def test_energy_and_momentum_are_conserved(still: Trajectory) -> None:
    kinetic_energy = 0.5 * (still.velocity**2).sum(axis=(1, 2))
    energy = kinetic_energy + 15 * still.extra["temperature"].sum(axis=1)
    assert np.ptp(energy) < 5e-3 * kinetic_energy.mean()
    assert np.abs(still.velocity.sum(axis=1)).max() < 1e-9


@pytest.mark.slow
def test_replicas_are_independent_and_seeds_repeatable(still: Trajectory) -> None:
    few = SMALL.replace(relaxation=2, frames=3)
    one, again, other = (simulate(few, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.position, again.position)
    assert abs(np.corrcoef(one.velocity[0].ravel(), other.velocity[0].ravel())[0, 1]) < 0.15


def test_the_flow_is_as_asked(sheared: Trajectory) -> None:
    y = sheared.position[..., 1] - sheared.position[..., 1].mean(axis=1, keepdims=True)
    rate = (y * sheared.velocity[..., 0]).sum() / (y**2).sum()
    assert rate == pytest.approx(1.0, abs=0.15)
    step = np.diff(sheared.position, axis=0) - sheared.velocity[1:] * sheared.dt
    assert np.abs(step).max() < 1e-12


def whitened(made: Trajectory) -> np.ndarray:
    """Residuals of the true law over its own noise, as the training sees them."""
    gas = IdealGas(**{k: made.attributes[k] for k in ("particles", "cutoff", "shear_rate")})
    data = Snapshots(made, graphs.build(made, gas.cutoff), dtype=torch.float64)
    now = data.batch(np.arange(len(made.time) - 1))
    S = torch.from_numpy(made.extra["entropy"][:-1].ravel())
    law = model(gas)
    dynamics = law.dynamics(State(now.r, now.v, S), now.pairs)
    residual = now.change() - dynamics.drift.dv
    return solve(cholesky(law.covariance(dynamics).vv), residual).numpy()


@pytest.mark.parametrize("flow", ["still", "stirred", "sheared"])
def test_training_sees_the_law_that_was_put_in(flow: str, request: pytest.FixtureRequest) -> None:
    """The body force and the boost of images are part of the drift, the rest is white noise."""
    z = whitened(request.getfixturevalue(flow))
    assert (z**2).mean() == pytest.approx(1.0, abs=0.02)


def test_without_its_force_the_law_does_not_fit(stirred: Trajectory) -> None:
    bare = {key: value for key, value in stirred.attributes.items() if key != "force"}
    assert (whitened(stirred._replace(attributes=bare)) ** 2).mean() > 1.2


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="colour is not a setting"):
        SMALL.replace(colour=1)

    with pytest.raises(ValueError, match=r"at most half of simulate\.length"):
        SMALL.replace(cutoff=0.6)
