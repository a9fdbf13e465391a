"""The noise against its covariance, and numbers by counting against published ones.

Noise against its covariance, sampled and column by column, and against the paper's ansatz.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments, normals, pair_normals, philox
from pipeline.pairs import Pairs, State
from tests.metriplectic.cases import crowd, draw, geometry, random_model, random_state
from tests.metriplectic.dense import Dense

# Known answers of philox4x32-10 published with Random123 (Salmon et al. 2011).
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (PI, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_words_are_the_published_ones(counter, key, words):
    assert tuple(philox(np.array(counter)[:, None], key)[:, 0].tolist()) == words


def test_normals_are_standard_and_independent():
    i = np.arange(1, 200_001)
    z = pair_normals(3, 7, i, i + 1)
    assert np.allclose(np.cov(z), np.eye(4), atol=0.015)
    assert np.allclose(z.mean(1), 0.0, atol=0.01)
    assert np.allclose((z**4).mean(1), 3.0, atol=0.1)
    assert np.isfinite(normals(np.array([[0], [0], [2**32 - 1], [2**32 - 1]]))).all()


def test_a_pair_listed_the_other_way_round_gets_the_opposite():
    i, j = np.array([5, 2, 9]), np.array([3, 7, 1])
    assert np.array_equal(pair_normals(1, 2, i, j), -pair_normals(1, 2, j, i))


def test_steps_seeds_and_partners_differ():
    one = np.array([1])
    base = pair_normals(1, 2, one, one + 1)
    others = [
        pair_normals(1, 3, one, one + 1),
        pair_normals(1, 2**32 + 2, one, one + 1),
        pair_normals(2, 2, one, one + 1),
        pair_normals(2**32 + 1, 2, one, one + 1),
        pair_normals(1, 2, one, one + 2),
    ]
    assert all(np.abs(base - other).min() > 1e-6 for other in others)


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
        dv, dS = model.fluctuation(dynamics, draw(pairs, dt, generator))
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
    dv, dS = model.fluctuation(dynamics, draw(pairs, 1.0, torch.Generator().manual_seed(4)))
    power = model.m * state.v * dv
    heat = dynamics.thermo.T * dS
    assert abs(power.sum() + heat.sum()) < 1e-12 * power.abs().sum()
