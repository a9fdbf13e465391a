"""What forces change within a frame.

Velocities of tracks are means over a frame, and their change is a mean of the force, too:

    v' - v = integral of (1 - |s|) F(t + s) ds,  s from -1 to 1
           = F(t) + [F(t + 1) - 2 F(t) + F(t - 1)] / 12 + O(dt^4)

which is Numerov's rule (Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I,
Springer (1993), section III.10). The three forces are those of the positions seen. A model that is
asked for F(t) alone learns a force that is averaged over a frame, and too small at contact; one
that counts the bracket learns the force of a moment, which rollouts must follow in steps shorter
than a frame.

Where the noise of all steps hides the bracket it is left out: it would cost two more evaluations of
the model, and shorter steps. So it is in films that are too large to be looked at as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pipeline.learn.snapshots import Batch, Sample

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

CHI2 = 10.0  # of the bracket in the residuals of all rows, from which on it counts
LOOKED_AT = 20  # snapshots
SUBSTEPS = 4  # of a rollout, so that a sixteenth of the bracket is lost


def bend(force: Callable[[Tensor], Tensor], now: Batch) -> Tensor:
    """[F(t + 1) - 2 F(t) + F(t - 1)] / 12 (n, D).

    Args:
        force: F / m of the particles moved by (n, D).
        now: snapshot t; who is not seen at t + 1 stays.
    """
    at = force(torch.zeros_like(now.r))
    return (force(now.v_next) - 2 * at + force(-now.v)) / 12


@torch.no_grad()
def matters(learner: Learner, sample: Sample) -> bool:
    """Whether the bracket stands out of what the model leaves at present."""
    size = left = 0.0
    for now in sample.each(LOOKED_AT):
        S = learner.entropy(now)
        found = bend(learner.forces(now, now.v, S), now)[now.mask]
        size += float(found.square().sum())
        left += float(learner.evaluate(now, S)[1][now.mask].square().sum())
    return learner.small and size * learner.rows * sample.snapshots.dimension > CHI2 * left
