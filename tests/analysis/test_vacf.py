"""VACF: the Ornstein-Uhlenbeck law, tidynamics, and gaps."""

from __future__ import annotations

import numpy as np
import tidynamics

from pipeline.analysis.runs import runs
from pipeline.analysis.vacf import normalised, velocity_products


def ornstein_uhlenbeck(steps, count, rate, generator):
    velocity = np.empty((steps, count, 2))
    velocity[0] = generator.standard_normal((count, 2))
    keep = np.exp(-rate)
    for t in range(1, steps):
        noise = generator.standard_normal((count, 2))
        velocity[t] = keep * velocity[t - 1] + np.sqrt(1 - keep**2) * noise
    return velocity


def test_ornstein_uhlenbeck_decays_exponentially_with_gaps_too(recording):
    generator = np.random.default_rng(5)
    velocity = ornstein_uhlenbeck(600, 200, 0.2, generator)
    present = generator.uniform(size=velocity.shape[:2]) > 0.2
    trajectory = recording(np.zeros_like(velocity), velocity=velocity, present=present)
    lag = np.arange(0, 25)
    total, origins = velocity_products(runs(trajectory), lag)
    curve = total.sum(axis=0) / origins.sum(axis=0)
    np.testing.assert_allclose(curve[0], 2.0, rtol=0.02)
    np.testing.assert_allclose(normalised(curve), np.exp(-0.2 * lag), atol=0.02)


def test_agrees_with_tidynamics_on_full_tracks(recording):
    velocity = ornstein_uhlenbeck(50, 4, 0.5, np.random.default_rng(0))
    trajectory = recording(np.zeros_like(velocity), velocity=velocity)
    total, origins = velocity_products(runs(trajectory), np.arange(50))
    for k in range(4):
        np.testing.assert_allclose(
            total[k] / origins[k], tidynamics.acf(velocity[:, k]), rtol=1e-9, atol=1e-12
        )
