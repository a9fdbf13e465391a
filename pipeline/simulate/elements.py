"""A square of rubber in plane strain by finite elements: internal forces and their tangent."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import skfem
from scipy import sparse
from skfem.models.poisson import mass

from pipeline.simulate.prony import Memory, Rubber, respond, rest


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
