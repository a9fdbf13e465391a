"""Noise against its covariance, sampled and column by column, and against the paper's ansatz."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.metriplectic import noise
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments
from pipeline.pairs import Pairs, State
from tests.metriplectic.cases import crowd, geometry, random_model, random_state
from tests.metriplectic.dense import Dense


def noise_matrix(model: Metriplectic, state: State, pairs: Pairs) -> Tensor:
    """The linear map from increments to (dv, dS), column by column."""
    dynamics = model.dynamics(state, pairs)
    P, D = pairs.e.shape
    columns = []
    for unit in torch.eye(P * (D + 1), dtype=state.r.dtype):
        increments = Increments(unit[: P * D].view(P, D), unit[P * D :])
        dv, dS = model.fluctuation(dynamics, increments)
        columns.append(torch.cat((dv.flatten(), dS)))
    return torch.stack(columns, 1)


@pytest.mark.parametrize("space_name", ["periodic", "lees_edwards"])
def test_noise_satisfies_fluctuation_dissipation(
    kind: str, dimension: int, space_name: str
) -> None:
    """Q Q^T of the noise as drawn (D + 1 numbers a pair) is 2 k_B M of the paper's (D^2 + 1)."""
    model = random_model(kind, dimension)
    state, pairs = random_state(geometry(space_name, dimension))
    Q = noise_matrix(model, state, pairs)
    dense = Dense(model, state, pairs)
    expected = 2.0 * dense.k_B * dense.M(dense.x)[state.r.numel() :, state.r.numel() :]
    assert (Q @ Q.T - expected).abs().max() < 1e-12 * expected.abs().max()


def test_sampled_covariance_is_the_analytic_one(dimension: int) -> None:
    """Each element within 5 standard errors, var(x y) = S_xx S_yy + S_xy^2 for Gaussians."""
    model = random_model("splines", dimension)
    state, pairs = random_state(geometry("periodic", dimension))
    dynamics = model.dynamics(state, pairs)
    generator = torch.Generator().manual_seed(0)
    dt, samples = 0.25, 4000
    x = []
    for _ in range(samples):
        dv, dS = model.fluctuation(dynamics, noise.draw(pairs, dt, generator))
        x.append(torch.cat((dv, dS[:, None]), 1))
    draws = torch.stack(x)
    covariance = model.covariance(dynamics)
    rows = (
        torch.cat((covariance.vv, covariance.vS[:, :, None]), 2),
        torch.cat((covariance.vS, covariance.SS[:, None]), 1)[:, None],
    )
    expected = dt * torch.cat(rows, 1)
    sampled = torch.einsum("sna,snb->nab", draws, draws) / samples
    diagonal = expected.diagonal(dim1=1, dim2=2)
    variance = diagonal[:, :, None] * diagonal[:, None, :] + expected.square()
    assert ((sampled - expected).abs() < 5.0 * (variance / samples).sqrt()).all()
    assert (draws.mean(0).abs() < 5.0 * (diagonal / samples).sqrt()).all()


def test_noise_exchanges_energy_pair_by_pair(kind: str, dimension: int) -> None:
    """To first order the noise moves energy between motion and heat without loss."""
    model = random_model(kind, dimension)
    state, pairs = crowd(geometry("periodic", dimension))
    dynamics = model.dynamics(state, pairs)
    dv, dS = model.fluctuation(dynamics, noise.draw(pairs, 1.0, torch.Generator().manual_seed(4)))
    power = model.m * state.v * dv
    heat = dynamics.thermo.T * dS
    assert abs(power.sum() + heat.sum()) < 1e-12 * power.abs().sum()
