"""Strain closures: the elastic, deviatoric part of a solid's energy (paper, section 5.7).

Each returns U_dev with its derivatives in S and the forces of the bonds, so that nothing above
needs to know how strain is measured.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures.jets import Monotone, Perceptron
from pipeline.closures.reference import Reference
from pipeline.closures.splines import Scales
from pipeline.pairs import sum_even, sum_odd, sum_sided


def deviator(x: Tensor) -> Tensor:
    """Traceless part of (N, D, D) matrices."""
    D = x.shape[-1]
    unit = torch.eye(D, dtype=x.dtype, device=x.device)
    return x - x.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] * unit / D


def deformation(reference: Reference, r_ij: Tensor) -> Tensor:
    """Weighted least-squares deformation gradient F_i (N, D, D) of each neighbourhood.

    F_i = (sum_j weight r_ij r0_ij^T) (sum_j weight r0_ij r0_ij^T)^-1, the best affine map.
    """
    moment = reference.weight[:, None, None] * r_ij[:, :, None] * reference.r0[:, None, :]
    return sum_even(reference.bonds, moment) @ reference.inverse


def scatter(reference: Reference, r_ij: Tensor, F: Tensor) -> Tensor:
    """sum_j weight |r_ij - F_i r0_ij|^2 (N,) of each neighbourhood, F_i its best affine map."""
    i, j = reference.bonds.i, reference.bonds.j
    r0 = reference.r0[:, :, None]
    parts = (
        reference.weight * (r_ij - (F.index_select(0, k) @ r0)[:, :, 0]).square().sum(1)
        for k in (i, j)
    )
    return sum_sided(reference.bonds, *parts)


def cofactor(F: Tensor) -> Tensor:
    """det(F) F^-T (N, D, D), finite where F is singular."""
    columns = F.unbind(2)
    if len(columns) == 2:
        (x, y), turn = columns, torch.tensor([1.0, -1.0], dtype=F.dtype, device=F.device)
        return torch.stack((y.flip(1) * turn, -x.flip(1) * turn), 2)
    x, y, z = columns
    pairs = ((y, z), (z, x), (x, y))
    return torch.stack([torch.linalg.cross(p, q) for p, q in pairs], 2)


class Elasticity(NamedTuple):
    """Elastic part of the energy and what follows from it."""

    U: Tensor  # (N,) U_dev
    T: Tensor  # (N,) its share of the temperature, dU_dev/dS
    dTdS: Tensor  # (N,)
    force: Tensor  # (N, D) sum of the bond forces, which are odd in i and j


class Elastic(Protocol):
    """Bonds, their current r_ij and S -> elastic energy and force."""

    def __call__(self, reference: Reference, r_ij: Tensor, S: Tensor) -> Elasticity: ...


def _changes(F: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Traceless Green strain (N, D, D), cofactor of F (N, D, D) and det F - 1 (N,)."""
    strain = deviator(0.5 * F.transpose(1, 2) @ F)  # the unit matrix has no deviator
    across = cofactor(F)
    return strain, across, (across[:, :, 0] * F[:, :, 0]).sum(1) - 1.0


def _forces(reference: Reference, r_ij: Tensor, F: Tensor, dUdF: Tensor, s: Tensor) -> Tensor:
    """(N, D) of energies with these dU/dF and of s/2 sum_j weight |r_ij - F r0_ij|^2."""
    bonds, spans = reference.bonds, reference.spans
    # dU = (dU/dF) : dF, and dF = weight dr_ij (inverse r0_ij)^T for every bond. F is the best
    # affine map: to first order the last term depends on r_ij alone.
    stress = dUdF @ reference.inverse - s * F
    ends = spans.index_select(0, bonds.i) + spans.index_select(0, bonds.j)
    both = stress.index_select(0, bonds.i) + stress.index_select(0, bonds.j)
    pull = (both @ reference.r0[:, :, None])[:, :, 0] + (s * ends)[:, None] * r_ij
    return sum_odd(bonds, -reference.weight[:, None] * pull)


class GreenStrain(nn.Module):
    """Elastic energy of shear, of volume and of what is not affine.

        U_dev = T0 ( sum_k c_k J^k / k + b/2 (det F - 1)^2
                     + s/2 sum_j weight |r_ij - F r0_ij|^2 )

    F is the deformation gradient of the neighbourhood and J = e:e/2 of the traceless part e of
    (F^T F - 1)/2: a rotation stores nothing. J is convex in e and the sum, with c_k > 0, convex
    and non-decreasing in J. U_dev does not depend on S (elasticity of energy, not of entropy). In
    3D the third invariant is left out.

    The paper has the first term alone. The volume of its U_vol comes from the current neighbours,
    whose number changes with shear and at the surface, which a stiff solid does not forgive; the
    second term measures volume against the undeformed body. The third gives a stiffness to
    zigzags, of which F, a mean over neighbours, sees nothing. Bonds fade with their weight.

    Args:
        scales: T0.
        terms: number of powers of J.
        stiffness: c_k, b and s at the start [T0; s per squared length].
    """

    T0: Tensor
    power: Tensor

    def __init__(self, scales: Scales, terms: int = 2, stiffness: float = 1.0) -> None:
        super().__init__()
        self.log_c = nn.Parameter(torch.full((terms,), stiffness).log())
        self.log_b = nn.Parameter(torch.tensor(stiffness).log())
        self.log_s = nn.Parameter(torch.tensor(stiffness).log())
        self.register_buffer("T0", torch.tensor(scales.temperature))
        self.register_buffer("power", torch.arange(terms, dtype=torch.float32))

    def forward(self, reference: Reference, r_ij: Tensor, S: Tensor) -> Elasticity:
        F = deformation(reference, r_ij)
        strain, across, growth = _changes(F)
        J = 0.5 * strain.square().sum((1, 2))
        c, b, s = (self.T0 * torch.exp(x) for x in (self.log_c, self.log_b, self.log_s))
        slope = J[:, None] ** self.power * c  # c_k J^(k-1)
        dUdF = slope.sum(1)[:, None, None] * (F @ strain) + (b * growth)[:, None, None] * across
        zigzag = scatter(reference, r_ij, F)
        kept = reference.spans * (b * growth**2 + s * zigzag)
        U = (slope / (self.power + 1.0)).sum(1) * J + 0.5 * kept
        zero = torch.zeros_like(S)
        return Elasticity(U, zero, zero, _forces(reference, r_ij, F, dUdF, s))

    @staticmethod
    def responses(reference: Reference, r_ij: Tensor) -> Tensor:
        """(N, D, 3) forces per unit of T0 c_1, T0 b and T0 s, in which they are linear."""
        F = deformation(reference, r_ij)
        strain, across, growth = _changes(F)
        none = r_ij.new_zeros(())
        parts = (
            _forces(reference, r_ij, F, F @ strain, none),
            _forces(reference, r_ij, F, growth[:, None, None] * across, none),
            _forces(reference, r_ij, F, torch.zeros_like(F), none + 1.0),
        )
        return torch.stack(parts, 2)

    @torch.no_grad()
    def start(self, stiffness: Tensor) -> None:
        """Sets T0 c_1, T0 b and T0 s (3,); what a regression leaves at or below zero is soft."""
        values = (stiffness / self.T0).clamp(min=1e-3 * float(stiffness.max() / self.T0))
        for parameter, value in zip((self.log_c[0], self.log_b, self.log_s), values, strict=True):
            parameter.copy_(value.log())


class PaperStrain(nn.Module):
    """U_dev = CMNN(S, invariants of eps) with eps_i = sum_j sym(l_ij), made traceless.

        l_ij = MLP(u_ij/h, r0_ij/h) - MLP(0, r0_ij/h),   u_ij = r_ij - r0_ij

    The paper's form (5.7), full D x D output as in the authors' code. Not objective: a rigid
    rotation stores energy. Invariants: e:e/2, and det e in 3D; U_dev may decrease with them.
    """

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.h, self.D = scales.cutoff, scales.dimension
        self.strain = Perceptron(2 * self.D, width, self.D**2)
        self.network = Monotone((1, *[0] * (self.D - 1)), width)

    def forward(self, reference: Reference, r_ij: Tensor, S: Tensor) -> Elasticity:
        bonds, D = reference.bonds, self.D
        u = (r_ij - reference.r0) / self.h
        r0 = reference.r0 / self.h
        value, slope = self._pair(torch.cat((u, -u)), torch.cat((r0, -r0)))
        l_i, l_j = value.chunk(2)
        strain = deviator(sum_sided(bonds, l_i, l_j))
        invariants, gradients = self._invariants(strain)
        jet = self.network.jet(torch.stack((S, *invariants), 1), tuple(range(D)))
        T, *U_I = jet.first
        stress = [y[:, :, None] * g for y, g in zip(U_I, gradients, strict=True)]
        tau = deviator(torch.stack(stress).sum(0))
        tau_ij = torch.cat((tau.index_select(0, bonds.i), tau.index_select(0, bonds.j)))
        # Column k of the Jacobian is dl/du_k; l_ji moves with -r_ij, hence the sign.
        g = torch.stack([(tau_ij * column).sum((1, 2)) for column in slope], 1) / self.h
        g_i, g_j = g.chunk(2)
        return Elasticity(jet.value[:, 0], T[:, 0], jet.curvature, sum_odd(bonds, g_j - g_i))

    def _pair(self, u: Tensor, r0: Tensor) -> tuple[Tensor, list[Tensor]]:
        """sym(l) (B, D, D) and its derivatives in the D components of u."""
        D = self.D
        moved = self.strain.jet(torch.cat((u, r0), 1), tuple(range(D)))
        rest = self.strain(torch.cat((torch.zeros_like(u), r0), 1))
        matrices = [y.unflatten(1, (D, D)) for y in (moved.value - rest, *moved.first)]
        value, *slope = (0.5 * (y + y.transpose(1, 2)) for y in matrices)
        return value, slope

    def _invariants(self, e: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Invariants (N,) of traceless e (N, D, D) and their gradients in e."""
        square = 0.5 * e.square().sum((1, 2))
        if self.D == 2:
            return [square], [e]
        # Cayley and Hamilton: det e = tr e^3 / 3 where tr e = 0.
        return [square, (e @ e * e).sum((1, 2)) / 3.0], [e, e @ e]


KINDS = {"green": GreenStrain, "paper": PaperStrain}
