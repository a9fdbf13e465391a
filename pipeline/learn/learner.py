"""The metriplectic model in training: its latents, its loss, and what it tells afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.analysis.drag import Drag
from pipeline.dynamics.thermal import Conditions, least_substeps
from pipeline.learn import bands, energy_balance, scales, uncertainty, unexplained, within_frame
from pipeline.learn.data import Transition
from pipeline.learn.errors_in_variables import SharedErrors, draws, spread, twin, with_noise
from pipeline.learn.force_matching import net_friction
from pipeline.learn.initial_closures import Likeliest
from pipeline.learn.latent import Latent
from pipeline.learn.learned_curves import Group, Samples, inspect
from pipeline.learn.likelihood import (
    Scores,
    Step,
    expansion,
    isotropic,
    judged,
    middle,
    motion_share,
    noise_ratio,
    pair_score,
    scores,
)
from pipeline.learn.overdamped import contraction, halfway, probes
from pipeline.learn.scales import Measured, Noise, target
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Sample, Snapshots, shifted
from pipeline.learn.trainee import Trainee
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import outer, pair_tensor
from pipeline.metriplectic.thermo import Dynamics, reversible
from pipeline.pairs import State

SMALL = 20_000  # rows of a training block that can be looked at as a whole
SMOOTH = 1e-4  # weight of the summed squared second differences at smoothness 1


class Learner(Trainee):
    """Maximum likelihood for the metriplectic model (paper, section 5.5), gauge fixed.

    Args:
        model: to be trained.
        latent: entropies of the training particles.
        settings: of the training.
        noise: variances that are not the model's, and T0.
        rows: number of rows of the training block's loss, which share the prior of the latents.
        likeliest: where the closures are known already and no step is to move them.
        held: friction of the medium that the model holds, per step, with its interval.
    """

    def __init__(
        self,
        model: Metriplectic,
        latent: Latent,
        settings: Training,
        noise: Noise,
        rows: int,
        likeliest: Likeliest | None = None,
        held: Drag | None = None,
    ) -> None:
        super().__init__(model, settings)
        self.held = held
        self.likeliest, self.settled = likeliest, likeliest is not None
        # SMOOTH for each of the rows, where not given.
        given = {} if likeliest is None else likeliest.smoothness
        self.smoothness = {name: x / (SMOOTH * rows) for name, x in given.items()}
        self.latent, self.noise, self.rows = latent, noise, rows
        self.paper = settings.loss == "paper"
        self.corrected = noise.corrected
        self.brownian = model.bath is not None and model.bath.brownian
        known = noise.known
        if self.brownian:
            # The residual 2 v' - F holds 8 sigma^2 (see `Noise.error`); forces halfway have no bias
            # to be corrected.
            self.corrected, known = False, 8 * noise.error
        self.extra = known if self.brownian else noise.floor + known
        self.centred = settings.span > 1 and not self.paper
        self.bends = False  # whether what forces change within a frame is counted, `within_frame`
        self.modes_error = 0.0  # sigma^2 of the positions that was found with modes of memory

    @property
    def small(self) -> bool:
        """Whether the training block can be looked at as a whole."""
        return self.rows <= SMALL

    def entropy(self, batch: Batch) -> Tensor:
        """S_i = teacher + z_i (n,)."""
        bare = State(batch.r, batch.v, batch.v[:, 0])
        S = self.model.entropy(bare, batch.pairs)
        return S + self.latent(batch.particle) if self.options.entropy == "latent" else S

    def evaluate(self, now: Batch, S: Tensor) -> tuple[Dynamics, Tensor]:
        """The model at a batch, and the residual v' - mu (n, D)."""
        v = middle(now) if self.centred else now.v
        dynamics = self.dynamics(halfway(now) if self.brownian else now, v, S)
        residual = now.change() - dynamics.drift.dv
        if self.bends:
            residual = residual - within_frame.bend(self.forces(now, v, S), now)
        if dynamics.bath is not None and not self.centred:
            # The friction of the bath is that of the mean velocity.
            residual = residual + 0.5 * dynamics.bath.rate[:, None] * (now.v_next - now.v)
        return dynamics, residual

    def dynamics(self, now: Batch, v: Tensor, S: Tensor) -> Dynamics:
        """The model at the positions of a batch."""
        strength = self.latent.strength(now.particle)
        state = State(now.r, v, S)
        return self.model.dynamics(
            state, now.pairs, now.reference, strength=strength, flow=now.flow
        )

    def forces(self, now: Batch, v: Tensor, S: Tensor) -> Callable[[Tensor], Tensor]:
        """F / m (n, D) of forces without friction, of the particles of a batch moved by (n, D)."""

        def found(shift: Tensor) -> Tensor:
            return reversible(self.dynamics(shifted(now, shift), v, S))

        return found

    def jacobian(self, now: Batch, dynamics: Dynamics, generator: torch.Generator) -> Tensor:
        """ln |d(residual) / dv'| per particle (n,); zero where v' enters nothing but itself."""
        found = expansion(dynamics, self.centred)
        if dynamics.bath is None or not self.brownian:
            return found
        here, S = halfway(now), torch.zeros_like(now.v[:, 0])
        length = 0.5 * float(self.model.bath.temperature().detach()) ** 0.5

        def force(at: Batch) -> Tensor:
            return self.dynamics(at, now.v, S).drift.dv

        return found + contraction(force, here, dynamics.drift.dv, length, probes(here, generator))

    def moments(
        self,
        item: Transition,
        draw: int,
        shared: SharedErrors | None = None,
        sigma: float | None = None,
    ) -> tuple[Step, Dynamics]:
        """Residual and covariance of one snapshot interval (dt = 1), all rows.

        Args:
            item: snapshots t and t + 1.
            draw: number of the simulated localisation error, where there is one.
            shared: where that error is to be the same for successive intervals.
            sigma: its standard deviation, where it is not to be that of the noise.
        """
        now, generator = item.now, draws(self.options.seed, draw, item.now.r.device)
        if self.noise.shake:
            now = with_noise(now, self.noise.shake, generator, self.noise.pace)
        S = self.entropy(now)
        S_next = self.entropy(item.after)[now.next_row]
        dynamics, residual = self.evaluate(now, S)
        echo, excess = None, S.new_zeros(())
        if self.noise.shake:
            # How far those put aside are from coming back is no noise of the model.
            excess = spread(residual, now)
        if self.corrected:
            sigma = self.noise.sigma if sigma is None else sigma
            other = twin(now, sigma, generator) if shared is None else shared.twin(now, sigma)
            echo = self.evaluate(other, S)[1] - residual
            excess = spread(echo, now)
        covariance = self.model.covariance(dynamics)
        vv = self.noise.share * covariance.vv
        share = motion_share(covariance.vv, vv, self.extra + excess)
        jacobian = share * self.jacobian(now, dynamics, generator)
        dS = dynamics.drift.dS
        SS_floor = self.options.floor * covariance.SS.detach()[now.mask].mean()
        step = Step(
            residual_v=residual,
            residual_S=S_next - S - (dS if self.paper else dS.detach()),
            vv=vv + isotropic(self.extra + excess, residual),
            vS=self.noise.share * covariance.vS,
            SS=covariance.SS + SS_floor,
            T=dynamics.thermo.T,
            echo=echo,
            excess=excess,
            jacobian=jacobian,
        )
        return step, dynamics

    def terms(self, item: Transition, draw: int | None = None) -> dict[str, Tensor]:
        """Every term of the loss, weighted, each a scalar; their sum is the loss.

        Args:
            item: some snapshots.
            draw: number of the simulated localisation error; by default that of the step.
        """
        step, dynamics = self.moments(item, self.global_step if draw is None else draw)
        score = scores(step, heat=not self.paper)
        mask, options = item.now.mask, self.options
        ln_ratio = torch.log(self.temperature_ratio(step, dynamics, mask))
        terms = {
            "nll": (score.v - step.jacobian)[mask].mean(),
            "anchor": options.anchor_weight * ln_ratio.square(),
            "smoothness": options.smoothness * SMOOTH * self.model.roughness(self.smoothness),
        }
        if options.entropy != "none":
            weight = 1.0 if self.paper else options.entropy_weight
            terms["entropy"] = weight * score.S[mask].mean()
        if dynamics.bath is not None and not (self.brownian or self.model.bath.active):
            ratio = dynamics.bath.T / (step.T[mask].mean() / torch.exp(ln_ratio)).detach()
            terms["bath"] = options.bath_weight * torch.log(ratio).square()
        # Localisation error enters the drift of neighbours and correlates their residuals, which
        # the pair term would read as friction: it is trusted in so far as motion is.
        weight = options.pair_weight * self.noise.clean**2
        if not self.paper and options.pair_friction:
            ratio = noise_ratio(dynamics, self.model.scales.dimension)
            terms["conduction"] = options.conduction_weight * torch.log(ratio).square()
        if not self.paper and weight > 0 and options.pair_friction:
            terms["pair"] = weight * self.pair_term(score, dynamics, mask)
        if options.entropy == "latent":
            terms["latent"] = self.latent.penalty(options.latent_scale, self.rows)
        if self.latent.strong:
            scale = options.strength_scale
            terms["strength"] = self.latent.strength_penalty(scale, self.rows)
        return terms

    def temperature_ratio(self, step: Step, dynamics: Dynamics, mask: Tensor) -> Tensor:
        """Mean temperature over that of the anchor; no gradient into the latter.

        Brownian motion is as hot as its bath, whose temperature its displacements say.
        """
        T, bath = step.T[mask].mean(), dynamics.bath
        if bath is not None and self.brownian:
            return T / bath.T.detach()
        own = step.vv - isotropic(self.extra + step.excess, step.residual_v)
        own = own.diagonal(dim1=1, dim2=2)[mask].mean() / self.noise.share
        force = reversible(dynamics)
        if bath is not None:
            own = own - 2 * bath.contact.g2[mask].mean()
        gamma = own.detach() / (2 * T.detach())
        dt, moved = self.noise.step, force.detach()[mask]
        return T / target(self.noise.temperature, gamma * dt, moved * dt)

    def groups(self) -> list[dict[str, Any]]:
        """The model's parameters, the latents and the strengths, each at its own rate."""
        rate = 0.0 if self.settled else self.options.learning_rate
        return [
            {"params": list(self.model.parameters()), "lr": rate},
            {"params": [self.latent.z], "lr": self.options.latent_rate},
            {"params": [self.latent.log_s], "lr": self.options.strength_rate},
        ]

    def conditions(
        self, sample: Sample, measured: Measured, who: np.ndarray | slice = slice(None)
    ) -> Conditions:
        """See `Trainee`."""
        limits, mean = scales.seen(self.model, self.latent, sample)
        z = (self.latent.z * self.latent.scored).detach().cpu().double().numpy()
        snapshots = sample.snapshots
        solid = snapshots.reference
        strength = self.latent.strength(torch.arange(len(z), device=self.latent.z.device))
        return Conditions(
            snapshots.units,
            z[who],
            mean,
            limits,
            strength=None if strength is None else strength.detach().cpu().double().numpy()[who],
            thermal_period=measured.thermal_period,
            substeps=self._substeps(),
            reference=None if solid is None else solid.to("cpu", torch.float64),
            flow=snapshots.flow,
        )

    def _substeps(self) -> int:
        """The fewest of a rollout: the force of a moment needs steps as short."""
        wanted = self.options.rollout_substeps
        return least_substeps(self.model, max(wanted, within_frame.SUBSTEPS * self.bends))

    def record(self, sample: Sample) -> dict[str, Any]:
        """Ranges of the state met in training and the laws of the latents."""
        limits, mean = scales.seen(self.model, self.latent, sample)
        seen = {
            "S": list(limits.S),
            "V": list(limits.V),
            "T": list(limits.T),
            "speed": limits.speed,
            "mean_T": mean,
            "heat_capacity": limits.heat_capacity,
        }
        return {
            "seen": seen,
            "bends": self.bends,
            "smoothness": {name: float(x) for name, x in self.smoothness.items()},
            "latent": {"std": float(self.latent.spread().detach()), "law": "normal"},
            "strength": {"std": float(self.latent.centred().detach().std()), "law": "log-normal"},
        }

    def tensors(self) -> dict[str, Tensor]:
        """The latents of particles scored and the strengths of those present, with their labels."""
        scored, present = self.latent.scored.cpu(), self.latent.present.cpu()
        return {
            "latent.labels": self.latent.labels.cpu()[scored],
            "latent.z": self.latent.z.detach().cpu()[scored],
            "latent.met": self.latent.labels.cpu()[present],
            "latent.log_s": self.latent.centred().detach().cpu()[present],
        }

    def inspect(self, sample: Sample, traits: dict[str, np.ndarray]) -> dict[str, Group]:
        """Curves with 95 % bands where the snapshots suffice for them.

        Group ``bands`` says how many snapshots and parameters they are from; zero without. Group
        ``net_friction`` of what a medium takes, where particles have surroundings and inertia and
        nobody comes or goes.
        """
        groups = inspect(self.model, self.latent, sample, traits)
        model = self.model
        surrounded = model.external is not None or model.bath is not None
        if surrounded and not self.brownian and sample.snapshots.whole:
            net = energy_balance.balance(
                energy_balance.course(model, self.latent, sample.snapshots)
            )
            if net is None:
                value, error = net_friction(sample, model.external)
                half = bands.Z * error
                net = energy_balance.Balance(value, value - half, value + half)
            groups["net_friction"] = {k: np.array([x]) for k, x in net._asdict().items()}
        known = uncertainty.information(self, sample)
        if known:
            with torch.enable_grad():
                samples = Samples(model, self.latent, sample)
                bands.add(groups, samples, known, self.options.pair_friction)
            if self.brownian and "bath" in groups:
                uncertainty.widen(groups["bath"], self.noise)
        if self.held is not None:  # it has no band of its own
            ends = {"low_rate": self.held.low, "high_rate": self.held.high}
            groups["bath"] |= {name: np.array([x]) for name, x in ends.items()}
        size = sum(p.numel() for parameters, _ in known for p in parameters)
        groups["bands"] = {
            "snapshots": np.array([known[0][1].snapshots if known else 0]),
            "parameters": np.array([size]),
        }
        return groups

    def tested(self, snapshots: Snapshots, times: np.ndarray) -> dict[str, Group]:
        """See `Trainee` and `pipeline.learn.unexplained`."""
        return unexplained.groups(self, snapshots, times)

    def bare(self, now: Batch) -> Tensor | float:
        """Variance of e(t + 1) - 2 e(t) + e(t - 1) of white errors e of the positions."""
        mean = 6 * self.noise.sigma**2
        return mean if now.blur is None else mean * now.blur

    def pair_noise(self, dynamics: Dynamics) -> Tensor:
        """(P, D, D) covariance per step that the noise of each pair gives to either end."""
        D = dynamics.v_ij.shape[1]
        K = pair_tensor(dynamics.amplitudes.a2, dynamics.amplitudes.b2, D)
        unit = 2 * self.noise.share * self.model.k_B / self.model.m**2
        return unit * outer(K, dynamics.pairs.e)

    def likelihood(self, item: Transition, k: int, sigma: float | None = None) -> Tensor:
        """Negative log-likelihood (n,) of a transition, of its particles; of another error of the
        positions where one is given."""
        step, _ = self.moments(item, -1 - k, sigma=sigma)
        return scores(step).v - step.jacobian

    def penalty(self) -> Tensor:
        """What the roughness of curves adds to the sum over all transitions."""
        weight = self.rows * self.options.smoothness * SMOOTH
        return torch.as_tensor(weight * self.model.roughness(self.smoothness))

    def pair_term(self, score: Scores, dynamics: Dynamics, mask: Tensor) -> Tensor:
        return pair_score(score, dynamics.pairs, self.pair_noise(dynamics), mask)

    def validate(self, item: Transition, index: int) -> dict[str, Tensor]:
        """Velocity likelihood, and the mean temperature over that of the anchor."""
        step, dynamics = self.moments(item, -1 - index)
        mask = item.now.mask
        if self.brownian:
            nll = (scores(step).v - step.jacobian)[mask].mean()
        else:
            bare = self.bare(item.now) if self.corrected else None
            growth = expansion(dynamics, self.centred)
            nll = judged(step, growth, self.extra, bare)[mask].mean()
        ratio = self.temperature_ratio(step, dynamics, mask)
        return {"nll": nll, "temperature_ratio": ratio}
