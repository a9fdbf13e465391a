"""Dissipative particle dynamics with four parameters (paper, F.3; Groot and Warren 1997)."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.baselines.base import Motion
from pipeline.errors import InputError
from pipeline.pairs import Pairs, State, dot, sum_even, sum_odd


class DPD(nn.Module):
    """m dv_i = sum_j [alpha w e_ij - gamma w^2 (e_ij . v_ij) e_ij] dt + sigma w e_ij dW_ij.

    w = 1 - r / h, and gamma = sigma^2 / (2 k_B T) by the fluctuation-dissipation theorem. One
    dW_ij = dW_ji per pair, so that momentum is kept. The motion depends on alpha / m, sigma / m
    and k_B T / m only: m is kept at the 1 of reduced units, as a fourth parameter that is not
    trained.

    Args:
        settings: cutoff h [a]; alpha [m a / dt^2], sigma [m a / dt^(3/2)] and temperature k_B T
            [m a^2 / dt^2] to start from, all positive. Alpha may change its sign in training.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        for name in ("cutoff", "alpha", "sigma", "temperature"):
            if not settings[name] > 0:
                raise InputError(
                    f"The {name} of a DPD model must start positive, got {settings[name]}: use "
                    f"reduced units."
                )
        self._settings = copy.deepcopy(settings)
        self.cutoff = float(settings["cutoff"])
        self.scaled_alpha = nn.Parameter(torch.tensor(1.0))
        self.log_sigma = nn.Parameter(torch.tensor(float(settings["sigma"])).log())
        self.log_k_B_T = nn.Parameter(torch.tensor(float(settings["temperature"])).log())
        self.log_m = nn.Parameter(torch.tensor(0.0), requires_grad=False)

    @property
    def alpha(self) -> Tensor:
        """Strength of the repulsion."""
        return self.scaled_alpha * float(self._settings["alpha"])

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
    def m(self) -> Tensor:
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

    def settings(self) -> dict[str, Any]:
        """Plain values from which `build` makes the same model (state dict apart)."""
        return copy.deepcopy(self._settings)
