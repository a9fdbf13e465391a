"""The loss of the metriplectic model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pipeline.learn.anchor import Noise, target
from pipeline.learn.carrier import Carrier
from pipeline.learn.conduction import noise_ratio
from pipeline.learn.data import Transition
from pipeline.learn.latent import Latent
from pipeline.learn.likelihood import Scores, Step, pair_score, scores
from pipeline.learn.midpoint import expansion, middle
from pipeline.learn.snapshots import Batch
from pipeline.learn.twin import draws, shaken, spread, twin
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import outer, pair_tensor
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import State, sum_odd

SMOOTH = 1e-4  # weight of the summed squared second differences at smoothness 1


class Learner(Carrier):
    """Maximum likelihood for the metriplectic model (paper, section 5.5), gauge fixed.

    Args:
        model: to be trained.
        latent: entropies of the training particles.
        settings: complete settings of the training.
        noise: variances that are not the model's, and T0.
        rows: number of rows of the training block's loss, which share the prior of the latents.
    """

    def __init__(
        self,
        model: Metriplectic,
        latent: Latent,
        settings: dict[str, Any],
        noise: Noise,
        rows: int,
    ) -> None:
        super().__init__(model, latent, settings)
        self.noise, self.rows = noise, rows
        self.paper = settings["loss"] == "paper"
        self.corrected = noise.corrected
        self.extra = noise.floor + noise.known
        self.centred = settings["stride"] > 1 and not self.paper

    def entropy(self, batch: Batch) -> Tensor:
        """S_i = teacher + z_i (n,)."""
        bare = State(batch.r, batch.v, batch.v[:, 0])
        S = self.model.entropy(bare, batch.pairs)
        return S + self.latent(batch.particle) if self.options["entropy"] == "latent" else S

    def evaluate(self, now: Batch, S: Tensor) -> tuple[Dynamics, Tensor]:
        """The model at a batch, and the residual v' - mu (n, D)."""
        v = middle(now) if self.centred else now.v
        state, strength = State(now.r, v, S), self.latent.strength(now.particle)
        dynamics = self.model.dynamics(state, now.pairs, now.reference, strength=strength)
        return dynamics, now.change() - dynamics.drift.dv

    def moments(self, item: Transition, draw: int) -> tuple[Step, Dynamics]:
        """Residual and covariance of one snapshot interval (dt = 1), all rows.

        Args:
            item: snapshots t and t + 1.
            draw: number of the simulated localisation error, where there is one.
        """
        now, generator = item.now, draws(self.options["seed"], draw, item.now.r.device)
        if self.noise.shake:
            now = shaken(now, self.noise.shake, generator, self.noise.pace)
        S = self.entropy(now)
        S_next = self.entropy(item.after)[now.next_row]
        dynamics, residual = self.evaluate(now, S)
        echo, excess = None, S.new_zeros(())
        if self.noise.shake:
            # How far the shaken are from coming back is no noise of the model.
            excess = spread(residual, now.mask)
        if self.corrected:
            echo = self.evaluate(twin(now, self.noise.sigma, generator), S)[1] - residual
            excess = spread(echo, now.mask)
        covariance = self.model.covariance(dynamics)
        unit = torch.eye(now.r.shape[1], dtype=S.dtype, device=S.device)
        dS = dynamics.drift.dS
        SS_floor = self.options["floor"] * covariance.SS.detach()[now.mask].mean()
        step = Step(
            residual_v=residual,
            residual_S=S_next - S - (dS if self.paper else dS.detach()),
            vv=covariance.vv + (self.extra + excess) * unit,
            vS=covariance.vS,
            SS=covariance.SS + SS_floor,
            T=dynamics.thermo.T,
            echo=echo,
            excess=excess,
        )
        return step, dynamics

    def terms(self, item: Transition) -> dict[str, Tensor]:
        """Every term of the loss, weighted, each a scalar; their sum is the loss."""
        step, dynamics = self.moments(item, self.global_step)
        score = scores(step, heat=not self.paper)
        mask, options = item.now.mask, self.options
        anchor = torch.log(self.temperature_ratio(step, dynamics, mask)).square()
        terms = {
            "nll": self.likelihood(score, dynamics)[mask].mean(),
            "entropy": (1.0 if self.paper else options["entropy_weight"]) * score.S[mask].mean(),
            "anchor": options["anchor_weight"] * anchor,
            "smoothness": options["smoothness"] * SMOOTH * self.model.roughness(),
        }
        # Localisation error enters the drift of neighbours and correlates their residuals, which
        # the pair term would read as friction: it is trusted in so far as motion is.
        weight = options["pair_weight"] * self.noise.clean**2
        if not self.paper:
            ratio = noise_ratio(dynamics, self.model.scales.dimension)
            terms["conduction"] = options["conduction_weight"] * torch.log(ratio).square()
        if not self.paper and weight > 0:
            terms["pair"] = weight * self.pair_term(score, dynamics, mask)
        if options["entropy"] == "latent":
            terms["latent"] = self.latent.penalty(options["latent_scale"], self.rows)
        if self.latent.strong:
            scale = options["strength_scale"]
            terms["strength"] = self.latent.strength_penalty(scale, self.rows)
        return terms

    def likelihood(self, score: Scores, dynamics: Dynamics) -> Tensor:
        """Negative log-likelihood of the velocities (n,)."""
        return score.v - expansion(dynamics) if self.centred else score.v

    def temperature_ratio(self, step: Step, dynamics: Dynamics, mask: Tensor) -> Tensor:
        """Mean temperature over that of the anchor; no gradient into the latter."""
        T = step.T[mask].mean()
        own = step.vv.diagonal(dim1=1, dim2=2)[mask].mean() - self.extra - step.excess
        force = dynamics.drift.dv + sum_odd(dynamics.pairs, dynamics.friction)
        gamma = own.detach() / (2 * T.detach())
        dt, moved = self.noise.step, force.detach()[mask]
        return T / target(self.noise.temperature, gamma * dt, moved * dt)

    def pair_term(self, score: Scores, dynamics: Dynamics, mask: Tensor) -> Tensor:
        D = dynamics.v_ij.shape[1]
        K = pair_tensor(dynamics.amplitudes.a2, dynamics.amplitudes.b2, D)
        covariance = (2 * self.model.k_B / self.model.m**2) * outer(K, dynamics.pairs.e)
        return pair_score(score, dynamics.pairs, covariance, mask)

    def validate(self, item: Transition, index: int) -> dict[str, Tensor]:
        """Velocity likelihood, and the mean temperature over that of the anchor."""
        step, dynamics = self.moments(item, -1 - index)
        mask = item.now.mask
        nll = self.likelihood(scores(step), dynamics)[mask].mean()
        ratio = self.temperature_ratio(step, dynamics, mask)
        return {"nll": nll, "temperature_ratio": ratio}
