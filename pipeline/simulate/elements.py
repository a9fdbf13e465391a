"""Rubber with memory in plane strain, by finite elements: Mooney-Rivlin and a Prony series.

    W = C10 (I1 - 3) + C01 (I2 - 3) + (J - 1)^2 / D1            I1, I2 of J^(-2/3) C
    S(t) = S_vol + g_inf S_iso + sum_k Q_k,    dQ_k/dt + Q_k / tau_k = g_k dS_iso/dt

with S the second Piola-Kirchhoff stress and g_inf = 1 - sum_k g_k: after a sudden strain the
isochoric stress falls as g_inf + sum_k g_k exp(-t / tau_k). Simo, Comput. Methods Appl. Mech. Eng.
60, 153 (1987), in the form of Holzapfel, Nonlinear Solid Mechanics (2000), section 6.10. The
constants of W are the instantaneous ones and volume changes do not relax.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import skfem
from scipy import sparse
from skfem.models.poisson import mass

from pipeline.simulate.replicated import Rubber


class Memory(NamedTuple):
    """What a point remembers; (...) are the points."""

    S_iso: np.ndarray  # (..., 2, 2) [Pa]
    Q: np.ndarray  # (K, ..., 2, 2) relaxing stresses [Pa]


class Response(NamedTuple):
    """Stress and tangent at points (...)."""

    S: np.ndarray  # (..., 2, 2) second Piola-Kirchhoff stress in the plane [Pa]
    tangent: np.ndarray  # (..., 2, 2, 2, 2) dS/dE, E the Green strain [Pa]
    memory: Memory


def rest(shape: tuple[int, ...], rubber: Rubber) -> Memory:
    """Memory of points that have never been strained."""
    return Memory(np.zeros((*shape, 2, 2)), np.zeros((len(rubber.g), *shape, 2, 2)))


def respond(F: np.ndarray, before: Memory, dt: float, rubber: Rubber) -> Response:
    """Stress after a step of length ``dt`` [s] that ends at deformation gradient F (..., 2, 2).

    Within the step S_iso is taken to change at a constant rate, which makes the integral of the
    Prony series exact: Q' = exp(-dt/tau) Q + g (1 - exp(-dt/tau)) tau/dt (S_iso' - S_iso).
    """
    S_iso, S_vol, C_iso, C_vol = _elastic(F, rubber)
    x = dt / np.array(rubber.tau)
    share = np.array(rubber.g) * -np.expm1(-x) / x
    axes = (...,) + (None,) * S_iso.ndim
    Q = np.exp(-x)[axes] * before.Q + share[axes] * (S_iso - before.S_iso)
    S = S_vol + rubber.g_inf * S_iso + Q.sum(0)
    tangent = C_vol + (rubber.g_inf + share.sum()) * C_iso
    return Response(S, tangent, Memory(S_iso, Q))


def _elastic(F: np.ndarray, rubber: Rubber) -> tuple[np.ndarray, ...]:
    """S_iso, S_vol and their derivatives in E; the third direction has stretch one."""
    C = np.swapaxes(F, -1, -2) @ F
    J = F[..., 0, 0] * F[..., 1, 1] - F[..., 0, 1] * F[..., 1, 0]
    K = np.linalg.inv(C)
    unit = np.broadcast_to(np.eye(2), C.shape)
    I1 = C[..., 0, 0] + C[..., 1, 1] + 1.0
    I2 = 0.5 * (I1**2 - (C * C).sum((-1, -2)) - 1.0)
    slope_2 = _scaled(I1, unit) - C  # dI2/dC
    first = unit - _scaled(I1 / 3.0, K)
    second = slope_2 - _scaled(2.0 * I2 / 3.0, K)
    one, two = 2.0 * rubber.C10 * J ** (-2.0 / 3.0), 2.0 * rubber.C01 * J ** (-4.0 / 3.0)
    minus_dK = 0.5 * (_across(K, K) + np.swapaxes(_across(K, K), -1, -2))
    same = 0.5 * (_across(unit, unit) + np.swapaxes(_across(unit, unit), -1, -2))
    # Derivatives in E are twice those in C: dJ/dC = J K / 2.
    C_1 = -2.0 / 3.0 * (_outer(first, K) + _outer(K, unit)) + _scaled(2.0 * I1 / 3.0, minus_dK)
    C_2 = (
        -4.0 / 3.0 * (_outer(second, K) + _outer(K, slope_2))
        + 2.0 * (_outer(unit, unit) - same)
        + _scaled(4.0 * I2 / 3.0, minus_dK)
    )
    stiff = 2.0 / rubber.D1
    S_vol = _scaled(stiff * (J - 1.0) * J, K)
    C_vol = _scaled(stiff * (2.0 * J - 1.0) * J, _outer(K, K))
    C_vol = C_vol - _scaled(2.0 * stiff * (J - 1.0) * J, minus_dK)
    S_iso = _scaled(one, first) + _scaled(two, second)
    return S_iso, S_vol, _scaled(one, C_1) + _scaled(two, C_2), C_vol


def _scaled(factor: np.ndarray, x: np.ndarray) -> np.ndarray:
    return factor[(...,) + (None,) * (x.ndim - factor.ndim)] * x


def _outer(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x_ij y_kl."""
    return x[..., :, :, None, None] * y[..., None, None, :, :]


def _across(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x_ik y_jl."""
    return x[..., :, None, :, None] * y[..., None, :, None, :]


class Body:
    """Biquadratic quadrilaterals on a square, total Lagrangian.

    Nine nodes an element do not lock at the nearly incompressible end of the relaxation, where
    the bulk modulus is hundreds of times the shear modulus.

    Args:
        length: side of the square [m]; its lower left corner is the origin.
        elements: per side.
        rubber: material.
        distortion: random displacement of inner mesh nodes, in element sizes; two meshes of the
            same size then differ, and so do their solutions, by the error of discretisation.
        seed: of the distortion.
    """

    def __init__(
        self, length: float, elements: int, rubber: Rubber, distortion: float = 0.0, seed: int = 0
    ) -> None:
        side = np.linspace(0.0, length, elements + 1)
        mesh = skfem.MeshQuad.init_tensor(side, side)
        inner = ((mesh.p > 0) & (mesh.p < length)).all(axis=0)
        moved = np.random.default_rng(seed).uniform(-distortion, distortion, mesh.p.shape)
        points = mesh.p + moved * inner * (length / elements)
        self.length, self.rubber = length, rubber
        self.basis = skfem.Basis(skfem.MeshQuad(points, mesh.t), skfem.ElementQuad2(), intorder=4)
        gradients = np.stack([function[0].grad for function in self.basis.basis])
        # (element, point, function, axis)
        self.gradients = np.ascontiguousarray(gradients.transpose(2, 3, 0, 1))
        self.weights = self.basis.dx
        nodes = self.basis.element_dofs.T
        self.rows = (2 * nodes[:, :, None] + np.arange(2)).reshape(len(nodes), -1)

    @property
    def degrees(self) -> int:
        """Number of degrees of freedom; component c of node n is 2 n + c."""
        return 2 * self.basis.N

    @property
    def places(self) -> np.ndarray:
        """(nodes, 2) undeformed positions of the nodes [m]."""
        return self.basis.doflocs.T

    @cached_property
    def mass(self) -> sparse.csc_array:
        """Consistent mass matrix per unit thickness [kg / m]."""
        scalar = mass.assemble(self.basis)
        return sparse.csc_array(sparse.kron(self.rubber.density * scalar, sparse.eye(2)))

    def probes(self, points: np.ndarray) -> sparse.csr_array:
        """(P, nodes) weights of the nodes' values at undeformed positions (P, 2)."""
        return sparse.csr_array(self.basis.probes(points.T))

    def rest(self) -> Memory:
        """Memory of all integration points before any strain."""
        return rest(self.weights.shape, self.rubber)

    def forces(
        self, u: np.ndarray, before: Memory, dt: float
    ) -> tuple[np.ndarray, sparse.csc_array, Memory]:
        """Internal forces (degrees,), their tangent in u, and the memory after the step.

        Args:
            u: displacements at the end of the step [m].
            before: memory at its beginning.
            dt: its length [s].
        """
        G, w = self.gradients, self.weights
        local = u[self.rows].reshape(len(G), 1, -1, 2)
        F = np.eye(2) + np.swapaxes(local, 2, 3) @ G
        S, tangent, memory = respond(F, before, dt, self.rubber)
        force = (w[..., None, None] * (G @ S @ np.swapaxes(F, 2, 3))).sum(1)
        # A_iJkL = F_iM T_MJNL F_kN + delta_ik S_JL
        A = np.einsum("eqiM,eqMJNL,eqkN->eqiJkL", F, tangent, F, optimize=True)
        A = A + np.einsum("ik,eqJL->eqiJkL", np.eye(2), S)
        B = np.einsum("eqaJ,ik->eqiJak", G, np.eye(2)).reshape(*w.shape, 4, -1)
        stiff = np.swapaxes(B, 2, 3) @ (w[..., None, None] * A.reshape(*w.shape, 4, 4) @ B)
        return self._gathered(force), self._matrix(stiff.sum(1)), memory

    def _gathered(self, local: np.ndarray) -> np.ndarray:
        return np.bincount(self.rows.ravel(), local.ravel(), self.degrees)

    def _matrix(self, local: np.ndarray) -> sparse.csc_array:
        size = self.rows.shape[1]
        i = np.repeat(self.rows, size, axis=1).ravel()
        j = np.tile(self.rows, (1, size)).ravel()
        shape = (self.degrees, self.degrees)
        return sparse.csc_array(sparse.coo_array((local.ravel(), (i, j)), shape=shape))
