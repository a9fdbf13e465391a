"""The fast equations against the paper's, built as dense matrices with autodiff."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import hessian

from pipeline.dynamics.accounts import conservative_force
from tests.metriplectic.cases import (
    SOLIDS,
    geometry,
    random_model,
    random_reference,
    random_state,
    strengths,
)
from tests.metriplectic.dense import Dense, flat

N = 6


def error(x: Tensor, y: Tensor) -> float:
    return float((x - y).abs().max() / y.abs().max())


@pytest.fixture(params=["free", "lees_edwards"])
def space_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[None, strengths(N)], ids=["alike", "strengths"])
def strength(request: pytest.FixtureRequest) -> Tensor | None:
    return request.param


def test_drift_with_every_divergence_term(
    kind: str, dimension: int, space_name: str, strength: Tensor | None
) -> None:
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry(space_name, dimension))
    rates = model.dynamics(state, pairs, strength=strength).drift
    dense = Dense(model, state, pairs, strength=strength).drift()
    assert len(pairs.i) >= 5
    assert_equal_rates(flat(state.v, rates.dv, rates.dS), dense, dimension)


@pytest.mark.parametrize("kind", SOLIDS)
def test_drift_of_a_solid(kind: str, dimension: int) -> None:
    model = random_model(kind, dimension)
    box = geometry("free", dimension)
    state, pairs = random_state(box)
    reference = random_reference(box)
    rates = model.dynamics(state, pairs, reference).drift
    energy = model.energy(state, model.dynamics(state, pairs, reference))
    dense = Dense(model, state, pairs, reference)
    assert abs(energy - dense.E(dense.x)) < 1e-12 * abs(energy)
    assert_equal_rates(flat(state.v, rates.dv, rates.dS), dense.drift(), dimension)


@pytest.mark.parametrize("limit", [0.01, 0.3])
def test_saturated_friction_keeps_the_laws(limit: float, dimension: int) -> None:
    model = random_model("splines", dimension)
    state, pairs = random_state(geometry("periodic", dimension))
    free, held = (model.dynamics(state, pairs, limit=x) for x in (None, limit))
    dense = Dense(model, state, pairs, limit=limit)
    assert_equal_rates(flat(state.v, *held.drift), dense.drift(), dimension)
    assert (held.amplitudes.a2 < free.amplitudes.a2).all()


def assert_equal_rates(fast: Tensor, dense: Tensor, dimension: int) -> None:
    """dr, dv and dS each agree to 1e-10 of their largest element."""
    n = N * dimension
    for part in (slice(0, n), slice(n, 2 * n), slice(2 * n, None)):
        assert error(fast[part], dense[part]) < 1e-10


def test_degeneracies_and_positivity(kind: str, dimension: int, strength: Tensor | None) -> None:
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry("periodic", dimension))
    dense = Dense(model, state, pairs, strength=strength)
    M, L = dense.M(dense.x), dense.L()
    grad_E, grad_S = dense.grad_E(), dense.grad_S()
    scale = M.abs().max()
    assert torch.equal(L @ grad_S, torch.zeros_like(grad_S))
    assert (M @ grad_E).abs().max() < 1e-12 * scale * grad_E.abs().max()
    assert (M - M.T).abs().max() <= 1e-14 * scale
    assert torch.linalg.eigvalsh(M).min() > -1e-12 * scale
    assert scale > 1e-3


def test_energy_balances_by_ito(kind: str, dimension: int, strength: Tensor | None) -> None:
    """gradE . drift + k_B Hess E : M = 0, of the fast drift with the dense gradients."""
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry("periodic", dimension))
    dense = Dense(model, state, pairs, strength=strength)
    rates = model.dynamics(state, pairs, strength=strength).drift
    power = dense.grad_E() @ flat(state.v, rates.dv, rates.dS)
    ito = dense.k_B * (hessian(dense.E)(dense.x) * dense.M(dense.x)).sum()
    assert abs(power + ito) < 1e-11 * abs(ito)
    assert abs(ito) > 1e-3


def test_marginal_covariance(kind: str, dimension: int, strength: Tensor | None) -> None:
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry("lees_edwards", dimension))
    covariance = model.covariance(model.dynamics(state, pairs, strength=strength))
    dense = Dense(model, state, pairs, strength=strength)
    full = 2.0 * dense.k_B * dense.M(dense.x)
    D = dimension
    for k in range(N):
        v = N * D + k * D + torch.arange(D)
        S = torch.tensor([2 * N * D + k])
        assert (covariance.vv[k] - full[v][:, v]).abs().max() < 1e-12 * full.abs().max()
        assert (covariance.vS[k] - full[v, S]).abs().max() < 1e-12 * full.abs().max()
        assert (covariance.SS[k] - full[S, S]).abs().max() < 1e-12 * full.abs().max()


def test_energy_and_force_of_the_model_are_the_dense_ones(
    kind: str, dimension: int, strength: Tensor | None
) -> None:
    """-dE/dr by autodiff of the energy is the drift with friction taken off."""
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry("slab", dimension))
    dense = Dense(model, state, pairs, strength=strength)
    dynamics = model.dynamics(state, pairs, strength=strength)
    energy = model.energy(state, dynamics)
    assert abs(energy - dense.E(dense.x)) < 1e-12 * abs(energy)
    force = -dense.grad_E()[: N * dimension].view(N, dimension)
    assert error(conservative_force(model, dynamics), force) < 1e-10
