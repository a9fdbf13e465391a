"""Laws of the assembled model, on learned and analytic closures, in 2D and 3D."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline import pairs as neighbours
from pipeline import space
from pipeline.pairs import State
from tests.metriplectic.cases import (
    CUTOFF,
    SOLIDS,
    crowd,
    draw,
    geometry,
    random_model,
    random_reference,
    random_state,
    strengths,
)


@pytest.mark.parametrize("space_name", ["free", "periodic", "lees_edwards"])
def test_momentum_is_conserved_to_round_off(kind: str, dimension: int, space_name: str) -> None:
    model = random_model(kind, dimension)
    state, pairs = crowd(geometry(space_name, dimension))
    dynamics = model.dynamics(state, pairs, strength=strengths(pairs.n))
    generator = torch.Generator().manual_seed(4)
    for dv in (
        dynamics.drift.dv,
        model.fluctuation(dynamics, draw(pairs, 1.0, generator)).dv,
    ):
        assert dv.abs().max() > 1e-3
        assert dv.sum(0).abs().max() < 1e-12 * dv.abs().sum()


@pytest.mark.parametrize("solid", SOLIDS)
def test_momentum_of_a_solid(solid: str, dimension: int) -> None:
    model = random_model(solid, dimension)
    box = geometry("free", dimension)
    state, pairs = random_state(box)
    dv = model.dynamics(state, pairs, random_reference(box)).drift.dv
    assert dv.sum(0).abs().max() < 1e-13 * dv.abs().sum()


def test_entropy_grows_without_noise(kind: str, dimension: int) -> None:
    """With k_B = 0, sum dS/dt = gradS . M gradS >= 0, and energy is constant."""
    model = random_model(kind, dimension)
    model.log_k_B.fill_(-math.inf)
    state, pairs = crowd(geometry("periodic", dimension))
    dynamics = model.dynamics(state, pairs, strength=strengths(pairs.n))
    assert dynamics.drift.dS.sum() > 0.0
    alike = State(state.r, torch.ones_like(state.v), torch.zeros_like(state.S))
    rest = model.dynamics(alike, pairs)
    uniform = rest.thermo.T.max() - rest.thermo.T.min() < 1e-12
    assert uniform or rest.drift.dS.sum() > 0.0


def orthogonal(dimension: int, seed: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn((dimension, dimension), generator=generator, dtype=torch.float64)
    return torch.linalg.qr(matrix).Q


def test_rotation_and_reflection(kind: str, dimension: int) -> None:
    model = random_model(kind, dimension)
    box = geometry("free", dimension)
    state, pairs = crowd(box)
    R = orthogonal(dimension)
    turned = State(state.r @ R.T, state.v @ R.T, state.S)
    turned_pairs = neighbours.find(turned.r, box, CUTOFF)
    s = strengths(pairs.n)
    x = model.dynamics(state, pairs, strength=s)
    y = model.dynamics(turned, turned_pairs, strength=s)
    assert torch.allclose(x.drift.dv @ R.T, y.drift.dv, rtol=1e-9, atol=1e-9)
    assert torch.allclose(x.drift.dS, y.drift.dS, rtol=1e-9, atol=1e-9)
    vv = R @ model.covariance(x).vv @ R.T
    assert torch.allclose(vv, model.covariance(y).vv, rtol=1e-9, atol=1e-9)
    if kind != "paper":  # the paper's teacher sees the components of v_ij
        S, turned_S = model.entropy(state, pairs), model.entropy(turned, turned_pairs)
        assert torch.allclose(S, turned_S, rtol=1e-9, atol=1e-9)


def test_permutation_of_particles_and_of_pairs(kind: str, dimension: int) -> None:
    model = random_model(kind, dimension)
    box = geometry("lees_edwards", dimension)
    state, pairs = crowd(box)
    order = torch.randperm(len(state.S), generator=torch.Generator().manual_seed(7))
    moved = State(*(x[order] for x in state))
    moved_pairs = neighbours.find(moved.r, box, CUTOFF, time=0.7)
    s = strengths(pairs.n)
    x = model.dynamics(state, pairs, strength=s).drift
    y = model.dynamics(moved, moved_pairs, strength=s[order]).drift
    assert torch.allclose(x.dv[order], y.dv, rtol=1e-9, atol=1e-9)
    assert torch.allclose(x.dS[order], y.dS, rtol=1e-9, atol=1e-9)
    S, moved_S = model.entropy(state, pairs), model.entropy(moved, moved_pairs)
    assert torch.allclose(S[order], moved_S, rtol=1e-9, atol=1e-9)


def test_strengths_of_one_change_nothing(kind: str, dimension: int) -> None:
    model = random_model(kind, dimension)
    state, pairs = crowd(geometry("periodic", dimension))
    x, y = (model.dynamics(state, pairs, strength=s) for s in (None, torch.ones_like(state.S)))
    for a, b in zip((*x.drift, *x.thermo), (*y.drift, *y.thermo), strict=True):
        assert torch.equal(a, b)
    mixed = model.dynamics(state, pairs, strength=strengths(pairs.n))
    assert (mixed.drift.dv - x.drift.dv).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["splines", "networks", "many_body", "ideal_gas"])
def test_forces_fade_where_neighbours_enter(kind: str) -> None:
    """A pair at the cutoff contributes nothing, so no rate jumps when it enters the list."""
    model = random_model(kind, 3)
    v, S = torch.randn(2, 3, dtype=torch.float64), torch.tensor([0.3, -0.2]).double()

    def largest(distance: float) -> Tensor:
        r = torch.tensor([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]], dtype=torch.float64)
        pairs = neighbours.find(r, space.free(3), CUTOFF)
        drift = model.dynamics(State(r, v, S), pairs).drift
        return torch.stack((drift.dv.abs().max(), drift.dS.abs().max()))

    assert (largest(CUTOFF * (1.0 - 1e-6)) < 1e-4 * largest(0.5 * CUTOFF)).all()
