"""The elastic moduli of a learned solid, and its strain energy for learned.h5."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from pipeline.closures.reference import Reference
from pipeline.closures.strain import GreenStrain, deformation, deviator
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.thermo import inverse_volume, thermodynamics
from pipeline.units import neighbour_distance

BEND = 1e-3  # strain over which moduli are differences


def moduli(model: Metriplectic, reference: Reference, S: float) -> Tensor:
    """Shear and bulk modulus (2,) of the undeformed body [m / (dt^2 a^(D - 2))], float64.

    Differentiable in the parameters of the model.

    Strain energy and pressure both hold against a strain, and either may do what the other does
    not: what can be measured is the whole, the second derivative of the energy per volume under
    even shear, and -V dP/dV under even growth, at constant entropy. A particle has the volume that
    makes a its neighbour distance.

    Args:
        model: with a strain closure.
        reference: bonds of the undeformed body.
        S: entropy of every particle.
    """
    body = _Body(copy.deepcopy(model).double(), reference.to("cpu", torch.float64), S)
    known = {f"model.{name}": p.to("cpu", torch.float64) for name, p in model.named_parameters()}
    D = reference.r0.shape[1]
    rest, density = torch.eye(D, dtype=torch.float64), neighbour_distance(1.0, D) ** D

    def derivatives(direction: Tensor) -> tuple[Tensor, Tensor]:
        """First and second, per volume."""
        ahead, here, behind = (
            functional_call(body, known, (rest + x * BEND * direction,)) for x in (1, 0, -1)
        )
        second = (ahead - 2 * here + behind) / BEND**2
        return density * (ahead - behind) / (2 * BEND), density * second

    across = torch.zeros_like(rest)
    across[0, 1] = 1.0
    slope, bend = derivatives(rest)
    # P = -slope / (D x^(D - 1)) at the growth x of lengths: a body in a box may be under pressure.
    return torch.stack([derivatives(across)[1], (bend - (D - 1) * slope) / D**2])


class _Body(nn.Module):
    """Energy of a particle of a body that is deformed evenly, as a function of parameters."""

    def __init__(self, model: Metriplectic, reference: Reference, S: float) -> None:
        super().__init__()
        self.model, self.reference = model, reference
        self.entropy = torch.full((reference.bonds.n,), S, dtype=torch.float64)

    def forward(self, F: Tensor) -> Tensor:
        model, reference = self.model, self.reference
        r_ij = reference.r0 @ F.T
        w = model.volume(model.radial(r_ij.norm(dim=1)))
        d = inverse_volume(reference.bonds, w, model.volume.self_weight())
        elastic = model.strain(reference, r_ij, self.entropy) if model.strain is not None else None
        whole = reference.spans > 0
        return thermodynamics(model.energy_closure, d, self.entropy, elastic).U[whole].mean()


@torch.no_grad()
def elastic_groups(model: Metriplectic, batch: Batch, S: float) -> dict[str, dict[str, Any]]:
    """Group ``strain``: the moduli, and U_dev against the invariant J over the range of the data.

    ``shear_modulus`` and ``bulk_modulus`` are those of `moduli` at the mean entropy S; ``shear`` is
    dU/dJ at rest, ``bulk`` b and ``zigzag`` s, all in m a^2 / dt^2 (s per a^2). No group for a
    fluid, nor for the paper's strain, which has no moduli.
    """
    closure = model.strain
    if not isinstance(closure, GreenStrain) or batch.reference is None:
        return {}
    F = deformation(batch.reference, batch.reference.displacement(batch.r))
    strain = deviator(0.5 * F.transpose(1, 2) @ F)
    J = 0.5 * strain.square().sum((1, 2))[batch.mask]
    c = closure.T0 * torch.exp(closure.log_c)
    grid = torch.linspace(0.0, float(J.max()), 100, dtype=J.dtype)
    k = closure.power + 1.0
    shear, bulk = moduli(model, batch.reference, S).tolist()
    return {
        "strain": {
            "shear_modulus": np.array([shear]),
            "bulk_modulus": np.array([bulk]),
            "J": grid,
            "U": (c / k * grid[:, None] ** k).sum(1),
            "samples_J": J[:: max(1, len(J) // 2000)],
            "shear": np.array([float(c[0])]),
            "bulk": np.array([float(closure.T0 * closure.log_b.exp())]),
            "zigzag": np.array([float(closure.T0 * closure.log_s.exp())]),
        }
    }
