"""Noise counted by seed, step and particles: of the right strength, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import pairs, space
from pipeline.metriplectic.noise import counted


def test_increments_have_the_variance_of_the_step() -> None:
    rng = np.random.default_rng(0)
    r = torch.from_numpy(8.0 * rng.random((200, 2)))
    near = pairs.find(r, space.periodic((8.0, 8.0)), 2.0)
    tags, dt, seen = np.arange(1, 201), 0.3, []
    for step in range(20):
        drawn = counted(near, tags, dt, 3, step, bath=True)
        seen.append([(x.square().mean(), x.mean()) for x in drawn if x is not None])
    square, mean = np.moveaxis(np.array(seen), 2, 0)
    assert square.mean(0) == pytest.approx(dt, rel=0.05)
    assert np.abs(mean.mean(0)).max() < 0.02
