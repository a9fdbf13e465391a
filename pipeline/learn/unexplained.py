"""What a trained metriplectic model leaves of steps that it was not trained on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.learn import bond_residuals, kalman
from pipeline.learn.data import Transition
from pipeline.learn.errors_in_variables import SharedErrors
from pipeline.learn.lasting import lasting, remembers
from pipeline.learn.learned_curves import Group
from pipeline.learn.likelihood import scores
from pipeline.learn.residuals import Left, measure
from pipeline.learn.snapshots import Snapshots

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner


def groups(learner: Learner, snapshots: Snapshots, times: np.ndarray) -> dict[str, Group]:
    """Group ``residuals``, see `pipeline.learn.residuals`, and ``lasting``, what it is that they
    remember where they do; none without two snapshots.

    Args:
        learner: trained.
        snapshots, times: what is looked at.
    """
    if len(times) < 2 or learner.noise.shake:
        return {}
    left = functools.partial(_left, learner, snapshots, SharedErrors())
    step: Callable[[int], Left] = left
    memory = learner.model.memory
    if memory is not None:
        times = kalman.looked_at(snapshots, times)
    if memory is not None and memory.bonds:
        step = bond_residuals.white(left, learner, snapshots, times)
    elif memory is not None:
        step = kalman.white(left, learner, snapshots, times, learner.modes_error)
    found = {"residuals": measure(step, times, snapshots.order)}
    if not learner.brownian and remembers(found["residuals"]):
        found["lasting"] = lasting(step, times, snapshots.order)
    return found


def _left(learner: Learner, snapshots: Snapshots, errors: SharedErrors, t: int) -> Left:
    """Of the step of snapshot t, simulated errors of the positions shared with the next."""
    now, noise = snapshots.batch(np.array([t])), learner.noise
    item = Transition(now, snapshots.after(np.array([t])))
    step, dynamics = learner.moments(item, -1 - t, errors)
    score = scores(step)
    shared = learner.pair_noise(dynamics).diagonal(dim1=1, dim2=2).mean(1)
    vv = step.vv.diagonal(dim1=1, dim2=2).mean(1)
    whole = learner.model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2).mean(1)
    later, echo = 0.5 * (1 - noise.share) * whole, score.echo
    if echo is None:
        later, echo = later - 4 * noise.error, torch.zeros_like(score.z)
    bare = 2 * now.v_next if learner.brownian else now.change()
    found = (step.residual_v, bare, score.z, echo, vv, later, shared)
    return Left(*found, dynamics.pairs, now.mask, now.next_row, now.r, now.particle)
