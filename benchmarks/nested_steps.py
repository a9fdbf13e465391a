"""Training step and time step of the paper's model in nested autograd, as its algorithms say.

Algorithm 1 (training): teacher at t and t + 1, Gaussian likelihood of (v', S') with the marginal
covariance. Algorithm 2 (rollout): neighbour search, drift, D x D Wiener increments, Euler step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.nested_autograd import Ends, NestedAutograd
from pipeline import pairs
from pipeline.learn.data import Transition
from pipeline.learn.snapshots import Batch
from pipeline.pairs import Pairs, Rates, State
from pipeline.space import Space

RIDGE = 1e-6  # on the covariance: a particle with one neighbour has a singular one


def paper_loss(model: NestedAutograd, item: Transition) -> Tensor:
    """-ln p(v', S' | r, v, S) per scored row, without constants (paper, section 5.5)."""
    now, rows = item.now, item.now.mask

    def teach(batch: Batch) -> Tensor:
        return model.entropy(State(batch.r, batch.v, batch.v[:, 0]), batch.pairs)

    S, S_next = teach(now), teach(item.after)[now.next_row]
    rates, covariance = model(State(now.r, now.v, S), now.pairs)
    seen = torch.cat((now.v_next - now.v, (S_next - S)[:, None]), 1)
    residual = (seen - torch.cat((rates.dv, rates.dS[:, None]), 1))[rows]
    upper = torch.cat((covariance.vv, covariance.vS[:, :, None]), 2)
    lower = torch.cat((covariance.vS, covariance.SS[:, None]), 1)[:, None]
    matrix = torch.cat((upper, lower), 1)[rows]
    L = torch.linalg.cholesky(matrix + RIDGE * torch.eye(matrix.shape[1], dtype=matrix.dtype))
    z = torch.linalg.solve_triangular(L, residual[:, :, None], upper=False)
    return (torch.log(L.diagonal(dim1=1, dim2=2)).sum(1) + 0.5 * z.square().sum((1, 2))).mean()


def training_step(
    model: NestedAutograd, optimizer: torch.optim.Optimizer, item: Transition
) -> None:
    """Loss, backward pass, optimiser step."""
    optimizer.zero_grad()
    paper_loss(model, item).backward()
    optimizer.step()


def time_step(
    model: NestedAutograd, state: State, space: Space, time: float, generator: torch.Generator
) -> State:
    """v' = v + dv, r' = r + v', S' = S + dS (dt = 1), neighbours searched anew."""
    near = pairs.find(state.r, space, model.h, time)
    rates, ends = model.drift(state, near)
    noise = fluctuation(model, near, ends, generator)
    v = (state.v + rates.dv + noise.dv).detach()
    return State(state.r + v, v, (state.S + rates.dS + noise.dS).detach())


def fluctuation(
    model: NestedAutograd, near: Pairs, ends: Ends, generator: torch.Generator
) -> Rates:
    """dv, dS from matrices dW_ij = dW_ji and numbers dV_ij = -dV_ji of every pair (eq. 7).

    m dv_i = sum_j sqrt(2 k_B) [A dW-bar_ij + B/D tr(dW_ij)] e_ij, dW-bar symmetric and traceless.
    """
    i, e, v, T, A, B, C = ends
    D, k_B, m = model.D, model.log_k_B.exp(), model.log_m.exp()
    options = {"dtype": e.dtype, "generator": generator}
    W = torch.randn((len(near.r), D, D), **options).repeat(2, 1, 1)
    V = torch.randn(len(near.r), **options)
    trace = W.diagonal(dim1=1, dim2=2).sum(1) / D
    unit = torch.eye(D, dtype=e.dtype)
    bar = 0.5 * (W + W.transpose(1, 2)) - trace[:, None, None] * unit
    turned = torch.einsum("pab,pb->pa", bar, e)
    f = (2 * k_B).sqrt() * (A[:, None] * turned + (B * trace)[:, None] * e)
    heat = -0.5 * (f * v).sum(1) + (2 * k_B).sqrt() * C * torch.cat((V, -V))
    dv = torch.zeros_like(T)[:, None].expand(-1, D).clone().index_add(0, i, f) / m
    return Rates(dv, torch.zeros_like(T).index_add(0, i, heat) / T)
