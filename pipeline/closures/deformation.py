"""How the neighbourhood of a particle is deformed, and what is made of it."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.closures.reference import Reference
from pipeline.pairs import sum_even, sum_sided


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
