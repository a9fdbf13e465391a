"""A medium, an external potential and attraction: the laws hold for particles and bath together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import hessian

from pipeline.dynamics.accounts import conservative_force
from pipeline.metriplectic import noise
from pipeline.pairs import State
from tests.metriplectic.cases import (
    SURROUNDED,
    draw,
    geometry,
    random_model,
    random_state,
    strengths,
)
from tests.metriplectic.dense import Dense

N, D = 6, 2


@pytest.fixture(params=SURROUNDED)
def surrounded(request: pytest.FixtureRequest) -> str:
    return request.param


def flow_of(state: State) -> Tensor:
    """A medium that shears."""
    return torch.stack((0.7 * state.r[:, 1], torch.full_like(state.S, -0.2)), 1)


class Small:
    """Six particles with their model and its dense form."""

    def __init__(self, kind: str) -> None:
        self.model = random_model(kind, D)
        self.state, self.pairs = random_state(geometry("free", D))
        self.flow, s = flow_of(self.state), strengths(N)
        self.dynamics = self.model.dynamics(self.state, self.pairs, strength=s, flow=self.flow)
        self.dense = Dense(self.model, self.state, self.pairs, strength=s, flow=self.flow)


def test_drift_of_particles(surrounded: str) -> None:
    small = Small(surrounded)
    rates, dense = small.dynamics.drift, small.dense.drift()
    v, S = dense[N * D : 2 * N * D].view(N, D), dense[2 * N * D : small.dense.own]
    assert (rates.dv - v).abs().max() < 1e-10 * v.abs().max()
    assert (rates.dS - S).abs().max() <= 1e-10 * S.abs().max()


def test_degeneracies_and_positivity(surrounded: str) -> None:
    """L grad S = 0 and M grad E = 0 with the entries of the bath; M symmetric, M >= 0."""
    dense = Small(surrounded).dense
    M, L = dense.M(dense.x), dense.L()
    grad_E, grad_S = dense.grad_E(), dense.grad_S()
    scale = M.abs().max()
    assert torch.equal(L @ grad_S, torch.zeros_like(grad_S))
    assert (M @ grad_E).abs().max() < 1e-12 * scale * grad_E.abs().max()
    assert (M - M.T).abs().max() <= 1e-14 * scale
    assert torch.linalg.eigvalsh(M).min() > -1e-12 * scale
    assert grad_S @ M @ grad_S > 0.0


def test_energy_balances_by_ito(surrounded: str) -> None:
    """The fast drift of the particles with the dense one of the bath conserves energy."""
    small = Small(surrounded)
    dense, bath = small.dense, small.dense.drift()[small.dense.own :]
    parts = (small.state.v, small.dynamics.drift.dv, small.dynamics.drift.dS, bath)
    power = dense.grad_E() @ torch.cat([x.flatten() for x in parts])
    ito = dense.k_B * (hessian(dense.E)(dense.x) * dense.M(dense.x)).sum()
    assert abs(ito) > 1e-3
    assert abs(power + ito) < 1e-11 * abs(ito)


def test_energy_and_force_are_the_dense_ones(surrounded: str) -> None:
    small = Small(surrounded)
    energy = small.model.energy(small.state, small.dynamics)
    assert abs(energy - small.dense.E(small.dense.x)) < 1e-12 * abs(energy)
    force = -small.dense.grad_E()[: N * D].view(N, D)
    found = conservative_force(small.model, small.dynamics)
    assert (found - force).abs().max() < 1e-10 * force.abs().max()


def test_covariance_is_that_of_the_noise(surrounded: str) -> None:
    """Fluctuation-dissipation: 2 k_B M, sampled noise included."""
    small = Small(surrounded)
    covariance = small.model.covariance(small.dynamics)
    full = 2.0 * small.dense.k_B * small.dense.M(small.dense.x)
    for k in range(N):
        v, S = N * D + k * D + torch.arange(D), 2 * N * D + k
        assert (covariance.vv[k] - full[v][:, v]).abs().max() < 1e-12 * full.abs().max()
        assert (covariance.vS[k] - full[v, S]).abs().max() < 1e-12 * full.abs().max()
        assert (covariance.SS[k] - full[S, S]).abs() < 1e-12 * full.abs().max()
    generator, count = torch.Generator().manual_seed(1), 4000
    draws = [draw(small.pairs, 1.0, generator, bath=True) for _ in range(count)]
    rates = [small.model.fluctuation(small.dynamics, x) for x in draws]
    rows = torch.stack([torch.cat((x.dv, x.dS[:, None]), 1) for x in rates])
    sampled = torch.einsum("kna,knb->nab", rows, rows) / count
    vv, SS = sampled[:, :D, :D], sampled[:, D, D]
    assert (vv - covariance.vv).norm() < 0.06 * covariance.vv.norm()
    assert (SS - covariance.SS).norm() <= 0.06 * covariance.SS.norm()


def test_a_bath_without_its_noise_is_refused() -> None:
    small = Small("bath")
    with pytest.raises(ValueError, match="increments drawn for it"):
        small.model.fluctuation(small.dynamics, draw(small.pairs, 1.0))


def test_counted_noise_of_the_bath_is_a_particles_own() -> None:
    """Neither order nor number of the others matters, and no two are alike."""
    small, tags = Small("bath"), torch.arange(1, N + 1).numpy()
    whole = noise.counted(small.pairs, tags, 0.5, seed=3, step=7, bath=True)
    turned = noise.counted(small.pairs, tags[::-1].copy(), 0.5, seed=3, step=7, bath=True)
    assert whole.bath_xi is not None
    assert turned.bath_xi is not None
    assert torch.equal(whole.bath_xi, turned.bath_xi.flip(0))
    assert len(torch.unique(whole.bath_xi)) == N * D
    plain = noise.counted(small.pairs, tags, 0.5, seed=3, step=7)
    assert torch.equal(whole.xi, plain.xi)
