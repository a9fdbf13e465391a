"""Strengths of particles: what the numbers mean, how they are kept, and that they are found."""

from __future__ import annotations

import numpy as np
import torch

from pipeline.learn.latent import Latent
from pipeline.learn.learned_curves import latent_groups


def latent(count: int = 10) -> Latent:
    met = np.ones(count, dtype=bool)
    met[-2:] = False
    made = Latent(np.arange(count) + 7, met, met)
    made.log_s.data = torch.randn(count, generator=torch.Generator().manual_seed(0))
    return made


def test_mean_belongs_to_the_kernel_and_strangers_are_average() -> None:
    made = latent()
    log_s = made.centred().detach()
    assert abs(float(log_s[made.present].mean())) < 1e-6
    assert torch.equal(log_s[~made.present], torch.zeros(2))
    shifted = latent()
    shifted.log_s.data += 3.0
    assert torch.allclose(shifted.centred(), log_s, atol=1e-5)
    every = torch.arange(10)
    assert torch.allclose(made.strength(every).log(), log_s, atol=1e-6)


def test_without_strengths_there_are_none() -> None:
    made = Latent(np.arange(4), np.ones(4, dtype=bool))
    assert made.strength(torch.arange(4)) is None
    assert not made.log_s.requires_grad
    assert set(latent_groups(made, {})) == {"latent"}


def test_prior_is_normal_in_the_logarithm() -> None:
    made = latent()
    expected = 0.5 * (made.centred() / 0.3).square().sum() / 50
    assert torch.allclose(made.strength_penalty(0.3, 50), expected)
