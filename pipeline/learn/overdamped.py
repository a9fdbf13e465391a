"""The likelihood of Brownian motion: forces halfway along the step, and their Jacobian.

A frame is long against steep forces: over one step of a tracked colloid its force may change by a
quarter, and drift and noise taken at the beginning (Ito) learn a force averaged over the frame,
5 to 12 % too small near contact. Taken halfway (Stratonovich), with r' = r + v',

    2 v' = F(r + v'/2) / m + noise of variance 4 T_b / m        dt = 1, gamma = 2

force and diffusion are right to second order in dt, in a harmonic trap T exactly so. Localisation
error cancels in the product of displacement and halfway force, which makes it the better choice
for tracks as well (Frishman and Ronceray, Phys. Rev. X 10, 021009 (2020)). v' enters its own mean:
its density has the Jacobian det(2 - (dF/dr) / 2m) = 2^D det(1 + A), A = -(dF/dr) / 4m.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.learn.snapshots import Batch, shifted


def halfway(batch: Batch) -> Batch:
    """The batch halfway to its next snapshot; who is not seen there stays."""
    return shifted(batch, 0.5 * batch.v_next)


def contraction(
    force: Callable[[Batch], Tensor], here: Batch, at: Tensor, length: float, probe: Tensor
) -> Tensor:
    """ln det(1 + A) per particle (n,), A = -(dF/dr) / 4 at unit mass, estimated by a random probe.

    With x ~ N(0, 1) on every coordinate and A symmetric, y = A x and z = A y,

        ln det(1 + A) = E[ x.y - y.y / 2 + y.z / 3 - z.z / 4 ] + O(A^5)

    (Hutchinson, Commun. Stat. 18, 1059 (1989)). A x is the change of the force over a short
    displacement along x: one evaluation each, and no second derivative of a closure.

    Args:
        force: F / m (n, D) of a batch.
        here: the batch halfway.
        at: (n, D) its force.
        length: of the displacement, per component [a].
        probe: (n, D) x.
    """

    def changed(x: Tensor) -> Tensor:
        return 0.25 * (at - force(shifted(here, length * x))) / length

    y = changed(probe)
    z = changed(y)
    return (probe * y - y * y / 2 + y * z / 3 - z * z / 4).sum(1)


def probes(batch: Batch, generator: torch.Generator) -> Tensor:
    """Independent N(0, 1) numbers (n, D)."""
    return torch.randn(
        batch.r.shape, generator=generator, dtype=batch.r.dtype, device=batch.r.device
    )
