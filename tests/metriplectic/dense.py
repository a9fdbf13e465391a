"""The paper's equations built the long way: dense matrices, derivatives by autodiff only.

Q is assembled column by column from the noise ansatz (eq. 7) with its D x D Wiener matrices,
M = Q Q^T / (2 k_B), div M by forward autodiff of the dense M, gradients of E and S by autodiff.
Only the *values* of the closures are used, never the derivatives they return.

With a bath the state goes on with the momentum p_b that the bath got from each particle and its
entropy S_b; its energy is u . p_b + T_b S_b.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import grad, jacfwd

from pipeline.closures.reference import Reference
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import Pairs, State


class Dense:
    """Dense operators of a small system as functions of the flat state x = (r, v, S)."""

    def __init__(
        self,
        model: Metriplectic,
        state: State,
        pairs: Pairs,
        reference: Reference | None = None,
        limit: float | None = None,
        strength: Tensor | None = None,
        flow: Tensor | None = None,
    ) -> None:
        self.model, self.i, self.j = model, pairs.i, pairs.j
        self.reference, self.limit = reference, limit
        self.N, self.D = state.r.shape
        self.strength = torch.ones_like(state.S) if strength is None else strength
        r_ij = pairs.e * pairs.r[:, None]
        self.shift = r_ij - (state.r[self.i] - state.r[self.j])  # of the images, constant
        self.boost = torch.zeros_like(r_ij) if pairs.boost is None else pairs.boost
        self.k_B, self.m = model.k_B.detach(), model.m.detach()
        self.x = torch.cat((state.r.flatten(), state.v.flatten(), state.S))
        self.own = len(self.x)  # entries of the particles; those of the bath follow
        self.flow = torch.zeros_like(state.v) if flow is None else flow
        if model.bath is not None:
            self.T_b = model.bath.temperature()
            self.x = torch.cat((self.x, self.x.new_zeros(self.N * self.D + 1)))

    def unpack(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        n = self.N * self.D
        return x[:n].view(self.N, self.D), x[n : 2 * n].view(self.N, self.D), x[2 * n : self.own]

    def geometry(self, r: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """r_ij, e_ij, v_ij."""
        r_ij = r[self.i] - r[self.j] + self.shift
        distance = r_ij.square().sum(1).sqrt()
        return distance, r_ij / distance[:, None], v[self.i] - v[self.j] - self.boost

    def volumes(self, r: Tensor) -> Tensor:
        distance, _, _ = self.geometry(r, r)
        w = self.model.volume(self.model.radial(distance)).w
        weights = torch.zeros((self.N, self.N), dtype=r.dtype)
        weights = weights.index_put((self.i, self.j), w).index_put((self.j, self.i), w)
        s = self.strength * self.weights(distance)
        weights = s[:, None] * weights * s[None, :]
        return 1.0 / (weights.sum(1) + self.model.volume.self_weight())

    def weights(self, distance: Tensor) -> Tensor:
        """What each particle weighs by its neighbourhood."""
        if self.model.neighbourhood is None:
            return torch.ones_like(self.strength)
        u = self.model.neighbourhood(self.model.radial(distance)).u
        rho = u.new_zeros((self.N, u.shape[1])).index_add(0, self.i, u).index_add(0, self.j, u)
        return self.model.neighbourhood.weight(rho).a

    def internal(self, r: Tensor, S: Tensor) -> Tensor:
        U = self.model.energy_closure(S, self.volumes(r)).U.sum()
        if self.model.external is not None:
            U = U + self.model.external(r).phi.sum()
        if self.model.pair_energy is not None:
            psi = self.model.pair_energy(self.model.radial(self.geometry(r, r)[0])).psi
            U = U + (self.strength[self.i] * self.strength[self.j] * psi).sum()
        if self.reference is None:
            return U
        return U + self.model.strain(self.reference, self.reference.displacement(r), S).U.sum()

    def E(self, x: Tensor) -> Tensor:
        r, v, S = self.unpack(x)
        energy = 0.5 * self.m * v.square().sum() + self.internal(r, S)
        if self.model.bath is None:
            return energy
        return energy + self.flow.flatten() @ x[self.own : -1] + self.T_b * x[-1]

    def temperatures(self, r: Tensor, S: Tensor) -> Tensor:
        return grad(self.internal, argnums=1)(r, S)

    def Q(self, x: Tensor) -> Tensor:
        """Noise matrix (N (2D + 1), pairs (D^2 + 1)): dx~ = Q dW (paper, eq. 7 and 12)."""
        r, v, S = self.unpack(x)
        distance, e, v_ij = self.geometry(r, v)
        T, V = self.temperatures(r, S), self.volumes(r)
        i, j, D = self.i, self.j, self.D
        A = self.model.friction(self.model.radial(distance), T[i], T[j], V[i] * V[j]).value
        a2, b2, c2 = A
        if self.limit is not None:
            drag = (1 / T[i] + 1 / T[j]) / 2 * (a2 + b2) / (self.m * self.limit)
            heat = c2 / (T[i] * T[j]) / self.limit
            a2, b2 = (y / (1 + drag**4) ** 0.25 for y in (a2, b2))
            c2 = c2 / (1 + heat**4) ** 0.25
        a, b, c = a2.sqrt(), b2.sqrt(), c2.sqrt()
        unit = torch.eye(D, dtype=x.dtype)
        strength = (2.0 * self.k_B).sqrt()
        columns = []
        for p in range(len(i)):
            one_i = torch.eye(self.N, dtype=x.dtype)[i[p]]
            one_j = torch.eye(self.N, dtype=x.dtype)[j[p]]
            for alpha in range(D):
                for beta in range(D):
                    dW = unit[alpha][:, None] * unit[beta][None, :]
                    trace = unit * dW.trace() / D
                    force = strength * (a[p] * (0.5 * (dW + dW.T) - trace) + b[p] * trace) @ e[p]
                    dv = (one_i - one_j)[:, None] * force / self.m
                    dS = -0.5 * (one_i + one_j) * (force @ v_ij[p]) / T
                    columns.append(torch.cat((torch.zeros_like(dv).flatten(), dv.flatten(), dS)))
            dS = strength * c[p] * (one_i - one_j) / T
            columns.append(torch.cat((torch.zeros_like(x[: 2 * self.N * D]), dS)))
        if self.model.bath is None:
            return torch.stack(columns, 1)
        still = x.new_zeros(self.N * D + 1)
        columns = [torch.cat((column, still)) for column in columns]
        return torch.stack(columns + self.bath_columns(v, T, V), 1)

    def bath_columns(self, v: Tensor, T: Tensor, V: Tensor) -> list[Tensor]:
        """Columns of Q, one per particle and axis and one per particle for heat."""
        contact, strength = self.model.bath(V, T), (2.0 * self.k_B).sqrt()
        g, c = contact.g2.sqrt(), contact.c2.sqrt()
        columns = []
        for k, one in enumerate(torch.eye(self.N, dtype=v.dtype)):
            zero_S = torch.zeros_like(T)
            for axis in torch.eye(self.D, dtype=v.dtype):
                force = strength * g[k] * one[:, None] * axis
                heat = -(force * (v - self.flow)).sum() / self.T_b
                parts = (0 * v, force / self.m, zero_S, -force, heat)
                columns.append(torch.cat([x.flatten() for x in parts]))
            heat = strength * c[k] * one
            parts = (0 * v, 0 * v, heat / T, 0 * v, -heat.sum() / self.T_b)
            columns.append(torch.cat([x.flatten() for x in parts]))
        return columns

    def M(self, x: Tensor) -> Tensor:
        Q = self.Q(x)
        return Q @ Q.T / (2.0 * self.k_B)

    def L(self) -> Tensor:
        n = self.N * self.D
        L = torch.zeros((len(self.x),) * 2, dtype=self.x.dtype)
        block = torch.eye(n, dtype=self.x.dtype) / self.m
        L[:n, n : 2 * n], L[n : 2 * n, :n] = block, -block
        return L

    def grad_E(self) -> Tensor:
        return grad(self.E)(self.x)

    def grad_S(self) -> Tensor:
        gradient = torch.zeros_like(self.x)
        gradient[2 * self.N * self.D : self.own] = 1.0
        if self.model.bath is not None:
            gradient[-1] = 1.0
        return gradient

    def div_M(self) -> Tensor:
        """Row a: sum_b dM_ab / dx_b."""
        return torch.einsum("abb->a", jacfwd(self.M)(self.x))

    def drift(self) -> Tensor:
        """L grad E + M grad S + k_B div M, flat."""
        M = self.M(self.x)
        return self.L() @ self.grad_E() + M @ self.grad_S() + self.k_B * self.div_M()


def flat(r: Tensor, v: Tensor, S: Tensor) -> Tensor:
    return torch.cat((r.flatten(), v.flatten(), S))
