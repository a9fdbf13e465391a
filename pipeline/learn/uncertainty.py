"""What a film says of the parameters of a trained model, and how sure it was before of its errors.

The error of the positions is measured beforehand, with an interval. Where it is most of what a step
shows, what is left for the noise of motion, and with it friction, is uncertain for that reason more
than for any other. Forces, which are seen in the mean of a step, hardly know.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.learn import bands
from pipeline.learn.data import Transitions
from pipeline.learn.learned_curves import Group
from pipeline.learn.scales import Noise
from pipeline.learn.snapshots import Sample
from pipeline.learn.solid_forces import SolidForces, applies

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

FEW = 60  # snapshots that tell what the interval of the error of the positions does


def information(learner: Learner, sample: Sample) -> list[bands.Block]:
    """Blocks of parameters with what is known of them; none where there are too few snapshots.

    Of forces that were found without a training it is known already.

    Args:
        learner: trained.
        sample: what it was trained on.
    """
    count = min(bands.MOST, len(sample.times))
    if count < bands.FEWEST:
        return []
    likeliest, model = learner.likeliest, learner.model
    if likeliest is not None:
        return [([model.get_parameter(name) for name in likeliest.names], likeliest.known)]
    strips = bands.parts(count, round(learner.rows / len(sample.times)))
    solid = applies(learner)
    blocks = bands.affordable(model, count * strips, friction=solid)
    known = _seen(learner, sample, blocks, count, strips)
    if solid:
        forces = SolidForces(learner, sample)
        known = [(forces.parameters, forces.information(count)), *known]
    return known


def _seen(
    learner: Learner, sample: Sample, blocks: list[list[nn.Parameter]], count: int, strips: int
) -> list[bands.Block]:
    """What the likelihood of particles by themselves says of blocks of parameters."""
    if not blocks:
        return []
    parameters = [p for block in blocks for p in block]
    transitions, times = Transitions(sample.snapshots), sample.times
    with torch.enable_grad():
        known = bands.information(
            learner.likelihood, transitions, times, parameters, learner.penalty, count, strips
        )
        known = known._replace(before=_before(learner, transitions, times, parameters))
    sizes = [sum(p.numel() for p in block) for block in blocks]
    return list(zip(blocks, bands.split(known, sizes), strict=True))


def _before(
    learner: Learner, snapshots: Transitions, times: np.ndarray, parameters: list[nn.Parameter]
) -> Tensor | None:
    """What the interval of the error of the positions does to friction; see `bands.Information`."""
    noise = learner.noise
    if not learner.corrected or noise.error_range is None:
        return None
    ends = [max(x, 0.0) ** 0.5 for x in noise.error_range]
    likelihoods = [functools.partial(learner.likelihood, sigma=sigma) for sigma in ends]
    moved = bands.change(likelihoods, snapshots, times, parameters, FEW) / (2 * bands.Z)
    rubbing = {id(p) for p in learner.model.friction.parameters()}
    kept = [torch.full((p.numel(),), float(id(p) in rubbing)) for p in parameters]
    return moved * torch.cat(kept).to(moved)


def widen(bath: Group, noise: Noise) -> None:
    """The intervals of D and T_b of Brownian motion by that of the error of the positions, whose
    variance sigma^2 is taken off D dt, or to what the steps say of both."""
    if noise.bath_range is not None:
        for name, weight in (("diffusion", 0.5), ("T", 1.0)):
            low, high = (weight * x for x in noise.bath_range)
            bath[f"low_{name}"] = np.minimum(bath[f"low_{name}"], low)
            bath[f"high_{name}"] = np.maximum(bath[f"high_{name}"], high)
        return
    if noise.error_range is None:
        return
    low, high = noise.error_range
    for name, weight in (("diffusion", 1.0), ("T", 2.0)):
        value = bath[name].detach().numpy()
        more = weight * max(noise.error - low, 0.0)
        less = weight * max(high - noise.error, 0.0)
        bath[f"high_{name}"] = value + np.hypot(bath[f"high_{name}"] - value, more)
        bath[f"low_{name}"] = value - np.hypot(value - bath[f"low_{name}"], less)
