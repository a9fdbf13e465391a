"""The undeformed configuration of a solid: bonds that do not change with the motion."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.pairs import Pairs, sum_even
from pipeline.space import Space


class Reference(NamedTuple):
    """Bonds of the undeformed configuration: a half list that does not change with the motion.

    Fixed bonds with weights that fade at the cutoff keep the energy continuous; the paper takes
    the current neighbours, and its energy jumps when one leaves.
    """

    bonds: Pairs  # undeformed geometry
    r0: Tensor  # (B, D) undeformed r_ij
    weight: Tensor  # (B,) fades at the cutoff
    inverse: Tensor  # (N, D, D) (sum_j weight r0 r0^T)^-1; zero where bonds do not span space
    space: Space

    def displacement(self, r: Tensor) -> Tensor:
        """Current r_ij (B, D) of the bonds at positions r (N, D), by their minimum image."""
        i, j = self.bonds.i, self.bonds.j
        return self.space.displacement(r.index_select(0, i), r.index_select(0, j))[0]


def reference(bonds: Pairs, cutoff: float, space: Space) -> Reference:
    """Reference configuration from the pairs of the undeformed positions.

    Particles with fewer than D independent bonds store no elastic energy.

    Args:
        bonds: pairs of the undeformed configuration.
        cutoff: length at which the weight of a bond vanishes.
        space: geometry.

    Raises:
        ValueError: in a sheared box, where the images of a bond move.
    """
    if space.rate != 0.0:
        raise ValueError(
            f"A solid's reference bonds need a box that is not sheared, got shear rate "
            f"{space.rate:g}: use a free or periodic space."
        )
    r0 = bonds.r[:, None] * bonds.e
    weight, _ = splines.taper(bonds.r, cutoff)
    second = sum_even(bonds, weight[:, None, None] * r0[:, :, None] * r0[:, None, :])
    eigenvalues = torch.linalg.eigvalsh(second)  # ascending
    spans = (eigenvalues[:, 0] > 1e-3 * eigenvalues[:, -1])[:, None, None]
    unit = torch.eye(r0.shape[1], dtype=r0.dtype, device=r0.device)
    inverse = torch.linalg.inv(torch.where(spans, second, unit)) * spans
    return Reference(bonds, r0, weight, inverse, space)
