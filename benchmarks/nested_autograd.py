"""The paper's model written straightforwardly: every derivative by nested autograd.

The baseline of the speed table and an independent oracle for the converter: the equations as
printed (A.3, C.1) over a full list of pairs, T, P, forces and friction derivatives from
`torch.autograd.grad(create_graph=True)`. Parameter names are those of the authors' saved weights.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.networks import CMNN, MLP, Kernel
from pipeline.metriplectic.noise import Covariance
from pipeline.pairs import Pairs, Rates, State


def derivative(y: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


class Ends(NamedTuple):
    """What noise and covariance need of an evaluation; i and j in the full list of pairs."""

    i: Tensor
    e: Tensor
    v: Tensor
    T: Tensor
    A: Tensor
    B: Tensor
    C: Tensor


class NestedAutograd(nn.Module):
    """Drift and marginal covariance of the paper's fluid model."""

    def __init__(self, dimension: int, cutoff: float, width: int = 50) -> None:
        super().__init__()
        self.D, self.h = dimension, cutoff
        self.log_k_B = nn.Parameter(torch.tensor(0.0))
        self.log_m = nn.Parameter(torch.tensor(0.0))
        self.model_W = Kernel(width)
        self.teacher = MLP(1 + dimension, width)
        self.model_A, self.model_B, self.model_C = (MLP(2, width) for _ in range(3))
        self.model_U_vol = CMNN(width)

    def entropy(self, state: State, pairs: Pairs) -> Tensor:
        """Teacher: mean over neighbours of MLP(r/h, v_ij)."""
        i, _, r_ij, v_ij = full_list(state.r, state.v, pairs)
        S_ij = self.teacher(r_ij.norm(dim=1) / self.h, *v_ij.unbind(1))
        count = torch.zeros_like(state.S).index_add(0, i, torch.ones_like(S_ij))
        return torch.zeros_like(state.S).index_add(0, i, S_ij) / count.clamp(min=1.0)

    def forward(self, state: State, pairs: Pairs) -> tuple[Rates, Covariance]:
        rates, ends = self.drift(state, pairs)
        return rates, self.covariance(ends)

    def drift(self, state: State, pairs: Pairs) -> tuple[Rates, Ends]:
        D, k_B, m = self.D, self.log_k_B.exp(), self.log_m.exp()
        r = state.r.detach().requires_grad_()
        S = state.S if state.S.requires_grad else state.S.detach().requires_grad_()
        i, j, r_ij, v = full_list(r, state.v, pairs)
        distance = r_ij.norm(dim=1)
        x, e = distance / self.h, r_ij / distance[:, None]

        d = torch.zeros_like(S).index_add(0, i, self.model_W(x)) + self.model_W(x.new_zeros(1))
        U = self.model_U_vol(S, 1.0 / d)
        force = -derivative(U, r)
        T = derivative(U, S)
        C = T / derivative(T, S)

        x, e, T_i, T_j, C_i, C_j = x.detach(), e.detach(), T[i], T[j], C[i], C[j]
        A, A_i, A_j = self.amplitude(self.model_A, x, T_i, T_j)
        B, B_i, B_j = self.amplitude(self.model_B, x, T_i, T_j)
        H, H_i, H_j = self.amplitude(self.model_C, x, T_i, T_j)

        ev = (e * v).sum(1)

        def tensor(lateral: Tensor, axial: Tensor) -> Tensor:
            return lateral[:, None] * v + (axial * ev)[:, None] * e

        def square(lateral: Tensor, axial: Tensor) -> Tensor:
            return lateral * (v * v).sum(1) + axial * ev**2

        K = A**2 / 2, A**2 / 2 + (B**2 - A**2) / D
        K_i = A * A_i, A * A_i + 2 / D * B * B_i - 2 / D * A * A_i
        K_j = A * A_j, A * A_j + 2 / D * B * B_j - 2 / D * A * A_j
        column = slice(None), None

        drag = (
            -0.5 * (1 / T_i + 1 / T_j)[column] * tensor(*K)
            + 0.5 * k_B * (1 / (T_i * C_i) + 1 / (T_j * C_j))[column] * tensor(*K)
            - 0.5 * k_B * (1 / C_i)[column] * tensor(*K_i)
            - 0.5 * k_B * (1 / C_j)[column] * tensor(*K_j)
        )
        heat = (
            0.25 * (1 / T_i + 1 / T_j) * square(*K)
            + (1 / T_i - 1 / T_j) * H**2
            - k_B / m * ((D + 1) * A**2 / 2 + (B**2 - A**2) / D)
            - 0.25 * k_B * (2 / (T_i * C_i) + 1 / (T_j * C_j)) * square(*K)
            - k_B * (2 / (T_i * C_i) - 1 / (T_j * C_j)) * H**2
            + 0.25 * k_B * (1 / C_i * square(*K_i) + 1 / C_j * square(*K_j))
            + 2 * k_B * (H * H_i / C_i - H * H_j / C_j)
        )
        dv = (force + torch.zeros_like(r).index_add(0, i, drag)) / m
        dS = torch.zeros_like(S).index_add(0, i, heat) / T
        return Rates(dv, dS), Ends(i, e, v, T, A, B, H)

    def covariance(self, ends: Ends) -> Covariance:
        i, e, v, T, A, B, C = ends
        D, k_B, m = self.D, self.log_k_B.exp(), self.log_m.exp()
        lateral, axial = A**2 / 2, A**2 / 2 + (B**2 - A**2) / D
        unit = torch.eye(D, dtype=e.dtype)
        K = lateral[:, None, None] * unit + axial[:, None, None] * e[:, :, None] * e[:, None, :]
        G = torch.einsum("pab,pb->pa", K, v)
        vv = v.new_zeros((len(T), D, D)).index_add(0, i, K)
        vS = v.new_zeros((len(T), D)).index_add(0, i, G)
        SS = torch.zeros_like(T).index_add(0, i, (G * v).sum(1) / 4 + C**2)
        return Covariance(2 * k_B / m**2 * vv, -k_B / m * vS / T[:, None], 2 * k_B * SS / T**2)

    def amplitude(
        self, network: MLP, x: Tensor, T_i: Tensor, T_j: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """MLP(x, T_i) MLP(x, T_j) and its derivatives in T_i and T_j."""
        value = network(x, T_i) * network(x, T_j)
        return value, derivative(value, T_i), derivative(value, T_j)


def full_list(r: Tensor, v: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both directions of every pair: i, j, r_ij (differentiable in r), v_ij."""
    i, j = torch.cat((pairs.i, pairs.j)), torch.cat((pairs.j, pairs.i))
    offset = pairs.e * pairs.r[:, None] - (r[pairs.i] - r[pairs.j]).detach()
    r_ij = r[i] - r[j] + torch.cat((offset, -offset))
    v_ij = pairs.difference(v)
    return i, j, r_ij, torch.cat((v_ij, -v_ij))
