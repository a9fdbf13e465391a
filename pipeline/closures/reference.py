"""The undeformed configuration of a solid: bonds that do not change with the motion."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.errors import InputError
from pipeline.pairs import Pairs, find, sum_even
from pipeline.space import Space
from pipeline.trajectory import Trajectory


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

    @property
    def spans(self) -> Tensor:
        """(N,) one where the bonds of a particle span space, else zero."""
        return (self.inverse.diagonal(dim1=1, dim2=2).sum(1) > 0).to(self.r0.dtype)

    @property
    def relative_weight(self) -> Tensor:
        """(B,) weight of each bond, 1 on average."""
        return self.weight / self.weight.mean()

    def displacement(self, r: Tensor) -> Tensor:
        """Current r_ij (B, D) of the bonds at positions r (N, D), by their minimum image."""
        i, j = self.bonds.i, self.bonds.j
        return self.space.displacement(r.index_select(0, i), r.index_select(0, j))[0]

    def to(self, device: str | torch.device, dtype: torch.dtype) -> Reference:
        """The same on another device, in another precision."""
        bonds = self.bonds
        i, j = (k.to(device) for k in (bonds.i, bonds.j))
        r, e, r0, weight, inverse = (
            x.to(device, dtype) for x in (bonds.r, bonds.e, self.r0, self.weight, self.inverse)
        )
        return Reference(Pairs(i, j, r, e, None, bonds.n), r0, weight, inverse, self.space)

    def repeated(self, count: int) -> Reference:
        """``count`` copies of the solid side by side, for as many snapshots in one batch."""
        n, bonds = self.bonds.n, self.bonds
        shift = n * torch.arange(count, device=bonds.i.device).repeat_interleave(len(bonds.i))
        i, j = bonds.i.repeat(count) + shift, bonds.j.repeat(count) + shift
        r, e = bonds.r.repeat(count), bonds.e.repeat(count, 1)
        return Reference(
            Pairs(i, j, r, e, None, n * count),
            self.r0.repeat(count, 1),
            self.weight.repeat(count),
            self.inverse.repeat(count, 1, 1),
            self.space,
        )


def reference(bonds: Pairs, cutoff: float, space: Space) -> Reference:
    """Reference configuration from the pairs of the undeformed positions.

    Particles with fewer than D independent bonds store no elastic energy.

    Args:
        bonds: pairs of the undeformed configuration.
        cutoff: length at which the weight of a bond vanishes.
        space: geometry.

    Raises:
        InputError: in a sheared box, where the images of a bond move.
    """
    if space.rate != 0.0:
        raise InputError(
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


def undeformed(
    trajectory: Trajectory,
    length: float,
    cutoff: float,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
) -> Reference | None:
    """Reference configuration of a solid's trajectory in reduced units; None where it has none.

    Args:
        trajectory: with or without a reference.
        length: reduced unit of length [length].
        cutoff: of the bonds [a].
        dtype, device: of the tensors; the geometry itself is computed in float64.

    Raises:
        InputError: if a particle of the solid is missing from a snapshot.
    """
    if trajectory.reference is None:
        return None
    if not trajectory.present.all():
        raise InputError(
            f"{int((~trajectory.present).any(axis=0).sum())} particles of the solid are missing "
            f"from some snapshots and strain needs all of them: give only particles that are "
            f"always seen, or no reference."
        )
    scaled = trajectory.space.scaled(length)
    r0 = torch.from_numpy(trajectory.reference / length).double()
    found = reference(find(r0, scaled, cutoff), cutoff, scaled)
    return found.to(device, dtype)
