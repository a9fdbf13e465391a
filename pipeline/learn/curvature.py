"""Curvature of the loss of the metriplectic model, and its training by Gauss-Newton steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pipeline.learn import bands
from pipeline.learn.data import Transition
from pipeline.learn.gauss_newton import GaussNewton, fisher
from pipeline.learn.learner import SMOOTH, Learner
from pipeline.learn.likelihood import Step, cholesky, isotropic, noise_ratio, solve, whitened

STARTED = 0.3  # factor on the learning rate of strengths that a regression has found


def steered(learner: Learner) -> dict[str, nn.Parameter]:
    """The parameters that can follow the curvature: of all closures but the teacher."""
    return {
        name: p
        for name, p in learner.named_parameters()
        if p.requires_grad and name.startswith("model.") and not name.startswith("model.teacher.")
    }


def curvature(learner: Learner, item: Transition) -> Tensor:
    """(p, p) of the loss without its entropy part, at some snapshots, in what is `steered`."""
    names = steered(learner)
    with torch.no_grad():
        L = cholesky(learner.moments(item, 0)[0].vv)
        size = len(item.now.pairs.i)
        H = fisher(learner, list(names), lambda: outputs(learner, item, L), size)
    weight = learner.options.smoothness * SMOOTH
    roughness = torch.as_tensor(weight * learner.model.roughness(learner.smoothness))
    return H + bands.second_derivatives(roughness, list(names.values()))


def outputs(learner: Learner, item: Transition, L: list[list[Tensor]]) -> Tensor:
    """Numbers, half the sum of whose squares is as curved as the loss.

    Args:
        learner: of the loss.
        item: the snapshots.
        L: Cholesky factor of the covariance of their velocities, rows of columns.
    """
    now, mask, options = item.now, item.now.mask, learner.options
    dynamics, residual = learner.evaluate(now, learner.entropy(now))
    vv = learner.noise.share * learner.model.covariance(dynamics).vv
    vv = vv + isotropic(learner.extra, residual)
    unseen = torch.zeros_like(residual[:, 0])
    step = Step(residual, unseen, vv, residual, unseen, dynamics.thermo.T)
    share = mask.sum() ** -0.5
    anchor = torch.log(learner.temperature_ratio(step, dynamics, mask))
    parts = [
        share * solve(L, residual)[mask],
        share * 0.5**0.5 * whitened(L, L, vv)[mask],
        (2 * options.anchor_weight) ** 0.5 * anchor,
    ]
    if not learner.paper and options.pair_friction:
        ratio = noise_ratio(dynamics, learner.model.scales.dimension)
        parts.append((2 * options.conduction_weight) ** 0.5 * torch.log(ratio))
        both = mask[now.pairs.i] & mask[now.pairs.j]
        i, j = now.pairs.i[both], now.pairs.j[both]
        L_i, L_j = ([[x[k] for x in row] for row in L] for k in (i, j))
        R = whitened(L_i, L_j, learner.pair_noise(dynamics)[both])
        parts.append(share * options.pair_weight**0.5 * learner.noise.clean * R)
    if dynamics.bath is not None and not (learner.brownian or learner.model.bath.active):
        parts.append((2 * options.bath_weight) ** 0.5 * torch.log(dynamics.bath.T))
    return torch.cat([part.flatten() for part in parts])


class NewtonLearner(Learner):
    """A `Learner` whose closures follow the curvature of the loss, once that was measured.

    Teacher, latents and strengths go on by Adam: they are many, and each knows of few rows.
    """

    curvature: Tensor  # (p, p) of the loss in the parameters of `steered`, in their order

    def optimizer(self) -> torch.optim.Optimizer:
        """See `Trainee`."""
        teacher = [p for p in self.model.teacher.parameters() if p.requires_grad]
        _, latents, strengths = self.groups()
        strengths["lr"] *= STARTED
        groups: list[dict[str, Any]] = [
            {"params": list(steered(self).values()), "lr": self.options.newton_rate},
            {"params": teacher, "lr": self.options.learning_rate},
            latents,
            strengths,
        ]
        groups = [group for group in groups if group["params"]]
        return GaussNewton(groups, self.curvature, self.options.steps)

    def measure_curvature(self, item: Transition) -> None:
        """At a snapshot, for the steps to follow."""
        self.curvature = curvature(self, item)
