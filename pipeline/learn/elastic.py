"""What was learned of a solid's elasticity."""

from __future__ import annotations

import numpy as np
import torch

from pipeline.closures.strain import GreenStrain, deformation, deviator
from pipeline.learn.carried import Group
from pipeline.learn.snapshots import Batch
from pipeline.metriplectic.model import Metriplectic


@torch.no_grad()
def elastic_groups(model: Metriplectic, batch: Batch) -> dict[str, Group]:
    """Group ``strain``: the moduli, and U_dev against the invariant J over the range of the data.

    ``shear`` is dU/dJ at rest, ``bulk`` b and ``zigzag`` s, all in m a^2 / dt^2 (s per a^2). No
    group for a fluid, nor for the paper's strain, which has no moduli.
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
    return {
        "strain": {
            "J": grid,
            "U": (c / k * grid[:, None] ** k).sum(1),
            "samples_J": J[:: max(1, len(J) // 2000)],
            "shear": np.array([float(c[0])]),
            "bulk": np.array([float(closure.T0 * closure.log_b.exp())]),
            "zigzag": np.array([float(closure.T0 * closure.log_s.exp())]),
        }
    }
