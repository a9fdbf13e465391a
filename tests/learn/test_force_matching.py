"""The regression of velocity changes on pair features, against a law known exactly."""

from __future__ import annotations

import numpy as np
import torch

from pipeline import graphs, pairs
from pipeline.learn import force_matching
from pipeline.learn.snapshots import Sample, Snapshots
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice


def made(frames: int = 8):
    """Snapshots whose velocity changes are a pair force and a central friction, no noise."""
    rng = np.random.default_rng(0)
    window = lattice(frames)
    shift = 0.1 * LENGTH * rng.normal(size=window.position.shape)
    window = window._replace(position=window.position + shift)
    speed = 0.01 * rng.normal(size=shift.shape)
    near = graphs.build(window, CUTOFF * LENGTH)
    a, h = near.neighbour_distance, near.cutoff / near.neighbour_distance
    for t in range(0, frames - 1, 2):
        r = torch.from_numpy(window.position[t])
        found = pairs.find(r, window.space, near.cutoff)
        x = found.r / a
        v = torch.from_numpy(speed[t])
        u = (1 - (x / h) ** 2) ** 2
        approach = (found.e * found.difference(v)).sum(1)
        f = (0.02 * u - 0.1 * u * approach)[:, None] * found.e
        speed[t + 1] = (v + pairs.sum_odd(found, f)).numpy()
    window.run[:] = np.arange(frames) // 2
    return window._replace(velocity=speed * a / TIME), near


def test_regression_finds_force_and_friction() -> None:
    data = Snapshots(*made(), 0.0, torch.float64)
    curves = force_matching.regress(Sample(data, data.usable(slice(0, 8))))
    u = (1 - (curves.r / data.cutoff) ** 2) ** 2
    seen = curves.r > 0.7
    assert float((curves.force - 0.02 * u)[seen].abs().max()) < 1e-3
    assert float((curves.along - 0.1 * u)[seen].abs().max()) < 1e-2
    assert float(curves.across[seen].abs().max()) < 1e-2
    assert curves.residual < 1e-7
