"""The last steps of a training, of the whole training block at once.

Steps that see a few snapshots each end where their noise leaves them: as far from the optimum as a
fraction of the data would be. In a small film they see too little, and all of it can be looked at
together: the gradient g of the whole loss and its curvature H give

    x' = x - H^-1 g,

after which an estimate that was near is as good as the data allow (Le Cam's one-step estimator;
van der Vaart, Asymptotic Statistics, Cambridge (1998), section 5.7). The forces of a solid are
found so however long the film is, from all particles at once: `pipeline.learn.solid_forces`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.learn.bands import flat
from pipeline.learn.choice import BLOCKS, ERRORS, gain, scored
from pipeline.learn.curvature import curvature, steered
from pipeline.learn.data import Transitions
from pipeline.learn.learner import Learner
from pipeline.learn.snapshots import Sample
from pipeline.learn.solid_forces import SolidForces, applies
from pipeline.learn.task import Task
from pipeline.trajectory import evenly

STEPS = 40
AT_ONCE = 10  # snapshots
CURVED = 4000  # rows that the curvature is from, more do not change where steps end
DAMPING = 1e-4  # of the curvature per row, at the first step
FACTOR = 4.0  # by which the damping falls after a step, and rises in place of one
GOOD = 0.7  # of the gain expected, from which on the curvature serves again
FARTHEST = 0.5  # largest change of a coefficient in a step
SETTLED = 0.05  # change of the whole log-likelihood that a step may still expect


class Objective(Protocol):
    """What the whole training block says, per row, as a function of some parameters."""

    parameters: list[nn.Parameter]
    rows: int

    def move(self, change: Tensor) -> None:
        """Along coordinates (p,) of the parameters."""

    def whole(self) -> tuple[float, Tensor]:
        """Loss and gradient (p,) in the coordinates."""

    def curvature(self) -> Tensor:
        """(p, p) of the loss in the coordinates, of some snapshots."""


def refine(task: Task) -> bool:
    """Takes whole steps until none brings anything; whether they were kept.

    They are kept unless the validation block is less likely with them, by more than chance: the
    training block, several times as long, is likelier.

    Args:
        task: trained; closures alone move, entropies and strengths of particles stay.
    """
    learner = task.learner
    if not isinstance(learner, Learner):
        return False
    if applies(learner):
        forces = SolidForces(learner, task.sample)
        kept = _kept(task, forces, lambda: forces.scored(task.validation))
        forces.keep_noise()
        return kept
    if not _small(task, learner):
        return False
    return _kept(task, Likelihood(learner, task.sample), lambda: scored(task))


def _kept(task: Task, objective: Objective, score: Callable[[], np.ndarray]) -> bool:
    """Goes down, and back up where the validation block, scored (T,), is less likely then."""
    model, validated = task.learner.model, score()
    before = copy.deepcopy(model.state_dict())
    descend(objective)
    block = task.snapshots.order.blocks(task.validation, BLOCKS)
    found, error = gain(validated, score(), block)
    if found > -ERRORS * error:
        return True
    model.load_state_dict(before)
    return False


def _small(task: Task, learner: Learner) -> bool:
    plain = task.settings.closures == "splines" and not (learner.settled or learner.noise.shake)
    return plain and learner.small


def descend(objective: Objective) -> None:
    """Steps of Levenberg and Marquardt: what the data hardly say is damped, not all of a step."""
    (loss, gradient), damping = objective.whole(), DAMPING
    H, stale = objective.curvature(), False
    for _ in range(STEPS):
        if not np.isfinite(loss):
            return  # no training goes on from here, and validation says what it is worth
        change = _step(H, gradient, damping)
        while float(change.abs().max()) > FARTHEST:
            damping *= FACTOR
            change = _step(H, gradient, damping)
        expected = -float(gradient @ change + 0.5 * change @ H @ change)
        if expected * objective.rows < SETTLED:
            return
        before = [p.detach().clone() for p in objective.parameters]
        objective.move(change)
        tried, slope = objective.whole()
        gained = loss - tried
        if tried < loss:
            loss, gradient, damping, stale = tried, slope, damping / FACTOR, True
        else:
            _put(objective.parameters, before)
            damping *= FACTOR**2
        if stale and gained < GOOD * expected:
            H, stale = objective.curvature(), False


def _step(H: Tensor, gradient: Tensor, damping: float) -> Tensor:
    return -torch.linalg.solve(H + damping * torch.eye(len(H), dtype=H.dtype), gradient)


@torch.no_grad()
def _put(parameters: list[nn.Parameter], values: list[Tensor]) -> None:
    for p, value in zip(parameters, values, strict=True):
        p.copy_(value)


class Likelihood:
    """Of a small film: the loss of training, without that of entropies."""

    def __init__(self, learner: Learner, sample: Sample) -> None:
        self.learner, self.sample, self.rows = learner, sample, learner.rows
        self.parameters = list(steered(learner).values())
        self.transitions = Transitions(sample.snapshots)

    @torch.no_grad()
    def move(self, change: Tensor) -> None:
        """See `Objective`; the coordinates are the parameters."""
        parts = change.split([p.numel() for p in self.parameters])
        for p, part in zip(self.parameters, parts, strict=True):
            p.add_(part.reshape(p.shape).to(p))

    def curvature(self) -> Tensor:
        """See `Objective`."""
        times = self.sample.times
        count = max(1, CURVED * len(times) // self.rows)
        return curvature(self.learner, self.transitions[evenly(times, count).tolist()])

    def whole(self) -> tuple[float, Tensor]:
        """See `Objective`."""
        times, parameters = self.sample.times, self.parameters
        loss, gradient, rows = 0.0, torch.zeros(sum(p.numel() for p in parameters)).double(), 0
        for k, some in enumerate(np.array_split(times, -(-len(times) // AT_ONCE))):
            item = self.transitions[some.tolist()]
            terms = self.learner.terms(item, k)
            terms.pop("entropy", None)
            value = torch.stack([torch.as_tensor(term) for term in terms.values()]).sum()
            found = torch.autograd.grad(value, parameters, allow_unused=True)
            count = int(item.now.mask.sum())
            gradient += count * flat(found, parameters)
            loss, rows = loss + count * float(value.detach()), rows + count
        return loss / rows, gradient / rows
