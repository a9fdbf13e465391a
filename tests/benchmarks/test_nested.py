"""The baseline of the speed tables computes the paper's model, not merely something slow."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.nested_autograd import NestedAutograd
from benchmarks.nested_steps import fluctuation, paper_loss, time_step
from pipeline.learn.data import Transition
from pipeline.learn.snapshots import Batch
from tests.metriplectic.cases import CUTOFF, geometry, random_state


def model(dimension: int) -> NestedAutograd:
    torch.manual_seed(3)
    made = NestedAutograd(dimension, CUTOFF, width=8).double()
    for parameter in made.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("dimension", [2, 3])
def test_sampled_noise_has_the_printed_covariance(dimension: int) -> None:
    nested = model(dimension)
    state, pairs = random_state(geometry("periodic", dimension))
    _, ends = nested.drift(state, pairs)
    ends = ends._replace(**{k: getattr(ends, k).detach() for k in ("T", "A", "B", "C")})
    expected = nested.covariance(ends)
    generator = torch.Generator().manual_seed(0)
    draws = [fluctuation(nested, pairs, ends, generator) for _ in range(2000)]
    dv, dS = (torch.stack(x).detach() for x in zip(*draws, strict=True))
    vv = torch.einsum("sna,snb->nab", dv, dv) / len(dv)
    vS = torch.einsum("sna,sn->na", dv, dS) / len(dv)
    SS = dS.square().mean(0)
    for seen, true in zip((vv, vS, SS), expected, strict=True):
        assert (seen - true).norm() < 0.1 * true.norm()


def test_a_step_of_the_baseline_keeps_momentum() -> None:
    nested = model(2)
    space = geometry("periodic", 2)
    state, _ = random_state(space)
    after = time_step(nested, state, space, 0.0, torch.Generator().manual_seed(0))
    assert torch.allclose(after.v.sum(0), state.v.sum(0), atol=1e-12)


def test_the_loss_of_the_baseline_is_a_normal_density() -> None:
    nested = model(2)
    state, pairs = random_state(geometry("periodic", 2))
    n = len(state.r)
    row, rows = torch.arange(n), torch.ones(n, dtype=torch.bool)
    v_next = state.v + 0.1
    now = Batch(state.r, state.v, v_next, pairs, row, rows, row, torch.zeros(n))
    item = Transition(now, now._replace(v=v_next))
    loss = paper_loss(nested, item)
    S = nested.entropy(state, pairs)
    S_next = nested.entropy(state._replace(v=v_next), pairs)
    rates, (vv, vS, SS) = nested(state._replace(S=S), pairs)
    total = 0.0
    for k in range(n):
        top = torch.cat((vv[k], vS[k][:, None]), 1)
        matrix = torch.cat((top, torch.cat((vS[k], SS[k][None]))[None]), 0)
        mean = torch.cat((rates.dv[k], rates.dS[k][None]))
        seen = torch.cat((v_next[k] - state.v[k], (S_next - S)[k][None]))
        law = torch.distributions.MultivariateNormal(mean, matrix + 1e-6 * torch.eye(3).double())
        total += -law.log_prob(seen).item()
    constant = 1.5 * math.log(2 * math.pi)
    assert abs(loss.item() + constant - total / n) < 1e-9 * abs(total / n)
