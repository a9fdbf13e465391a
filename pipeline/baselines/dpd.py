"""Dissipative particle dynamics with four parameters (paper, F.3; Groot and Warren 1997)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.baselines.base import Baseline, DataSummary, Motion
from pipeline.errors import InputError
from pipeline.pairs import Pairs, State, dot, sum_even, sum_odd

SHARE = 0.5  # of the velocity change given to forces at the start, and to noise


class DPD(Baseline):
    """m dv_i = sum_j [alpha w e_ij - gamma w^2 (e_ij . v_ij) e_ij] dt + sigma w e_ij dW_ij.

    w = 1 - r / h, and gamma = sigma^2 / (2 k_B T) by the fluctuation-dissipation theorem. One
    dW_ij = dW_ji per pair, so that momentum is kept. The motion depends on alpha / m, sigma / m
    and k_B T / m only: m is kept at the 1 of reduced units, as a fourth parameter that is not
    trained.

    Args:
        cutoff: h [a].
        alpha: [m a / dt^2] to start from; may change its sign in training.
        sigma: [m a / dt^(3/2)] to start from.
        temperature: k_B T [m a^2 / dt^2] to start from.
    """

    def __init__(self, cutoff: float, alpha: float, sigma: float, temperature: float) -> None:
        super().__init__()
        given = {"cutoff": cutoff, "alpha": alpha, "sigma": sigma, "temperature": temperature}
        for name, value in given.items():
            if not value > 0:
                raise InputError(
                    f"The {name} of a DPD model must start positive, got {value}: use reduced "
                    f"units."
                )
        self.cutoff, self.first_alpha = float(cutoff), float(alpha)
        self.scaled_alpha = nn.Parameter(torch.tensor(1.0))
        self.log_sigma = nn.Parameter(torch.tensor(float(sigma)).log())
        self.log_k_B_T = nn.Parameter(torch.tensor(float(temperature)).log())
        self.log_m = nn.Parameter(torch.tensor(0.0), requires_grad=False)

    @classmethod
    def start(cls, summary: DataSummary) -> dict[str, float]:
        """Force and noise that each explain half of the velocity change, at the measured T0."""
        batch = summary.sample(5)
        unit = cls(summary.cutoff, alpha=1.0, sigma=1.0, temperature=1.0).to(batch.r)
        still = torch.zeros_like(batch.v)
        with torch.no_grad():
            motion = unit.dynamics(State(batch.r, still, still[:, 0]), batch.pairs)
            force = motion.dv[batch.mask].square().mean()
            noise = unit.covariance(motion).diagonal(dim1=1, dim2=2)[batch.mask].mean()
        # Not so much that friction, sigma^2 / 2 k_B T, reverses a velocity within a step.
        random = min(SHARE * summary.unexplained, 2 * summary.temperature)
        return {
            "alpha": float((SHARE * summary.unexplained / force).sqrt()),
            "sigma": float((random / noise).sqrt()),
            "temperature": summary.temperature,
        }

    @property
    def alpha(self) -> Tensor:
        """Strength of the repulsion."""
        return self.scaled_alpha * self.first_alpha

    @property
    def sigma(self) -> Tensor:
        """Strength of the noise."""
        return self.log_sigma.exp()

    @property
    def k_B_T(self) -> Tensor:
        """Thermal energy."""
        return self.log_k_B_T.exp()

    @property
    def gamma(self) -> Tensor:
        """Strength of the friction, sigma^2 / (2 k_B T)."""
        return self.sigma.square() / (2 * self.k_B_T)

    @property
    def m(self) -> Tensor:  # type: ignore[override]
        """Mass of a particle."""
        return self.log_m.exp()

    def dynamics(self, state: State, pairs: Pairs) -> Motion:
        """Drift and amplitude sigma w / m of the noise of every pair (P,)."""
        w = 1.0 - pairs.r / self.cutoff
        closing = dot(pairs.e, pairs.difference(state.v))
        f = self.alpha * w - self.gamma * w.square() * closing
        dv = sum_odd(pairs, f[:, None] * pairs.e) / self.m
        return Motion(pairs, dv, self.sigma * w / self.m)

    def fluctuation(self, motion: Motion, increments: Tensor) -> Tensor:
        """dv_i = sum_j sigma w_ij e_ij dW_ij / m for increments (P,)."""
        return sum_odd(motion.pairs, (motion.amplitude * increments)[:, None] * motion.pairs.e)

    def covariance(self, motion: Motion) -> Tensor:
        """Sigma_i = sum_j (sigma w_ij / m)^2 e_ij e_ij^T (N, D, D)."""
        e = motion.pairs.e
        ee = e[:, :, None] * e[:, None, :]
        return sum_even(motion.pairs, motion.amplitude.square()[:, None, None] * ee)
