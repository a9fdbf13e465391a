"""Mean squared displacement and velocity autocorrelation against other programs and laws.

MSD: Brownian slope, trackpy's emsd, tidynamics, and gaps counted by hand.

VACF: the Ornstein-Uhlenbeck law, tidynamics, and gaps.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import tidynamics
import trackpy

from pipeline.analysis.correlations import normalised, squared_displacements, velocity_products
from pipeline.analysis.runs import runs


def walk(steps, count, dimension=2, seed=0):
    generator = np.random.default_rng(seed)
    return np.cumsum(generator.standard_normal((steps, count, dimension)), axis=0) + 500.0


def msd(trajectory, lag):
    total, origins = squared_displacements(runs(trajectory), np.asarray(lag))
    return total.sum(axis=0) / origins.sum(axis=0)


def test_brownian_motion_of_unit_diffusion_has_slope_two_d(recording):
    lag = np.arange(1, 20)
    for dimension in (2, 3):
        value = msd(recording(np.sqrt(2) * walk(400, 300, dimension)), lag)
        np.testing.assert_allclose(value / (2 * dimension * lag), 1.0, atol=0.02)


def test_agrees_with_trackpy_and_tidynamics_on_full_tracks(recording):
    position = walk(60, 7)
    value = msd(recording(position), np.arange(1, 30))
    frame, particle = np.indices(position.shape[:2])
    table = pd.DataFrame(
        {
            "frame": frame.ravel(),
            "particle": particle.ravel(),
            "x": position[..., 0].ravel(),
            "y": position[..., 1].ravel(),
        }
    )
    oracle = trackpy.emsd(table, 1.0, 1.0, max_lagtime=29)
    np.testing.assert_allclose(value, oracle.to_numpy(), rtol=1e-9)
    other = np.mean([tidynamics.msd(position[:, k]) for k in range(7)], axis=0)
    np.testing.assert_allclose(value, other[1:30], rtol=1e-9)


def test_gaps_runs_and_missing_snapshots_against_a_plain_count(recording):
    position = walk(40, 5)
    generator = np.random.default_rng(1)
    present = generator.uniform(size=(40, 5)) > 0.3
    run = np.repeat([4, 7], 20).astype(np.int32)
    time = np.concatenate([np.arange(20), np.arange(20) + (np.arange(20) > 10) * 3])
    trajectory = recording(position, present=present, run=run, time=time.astype(float))
    lag = np.array([1, 2, 5, 9])
    total, origins = np.zeros((2, len(lag)))
    for k, tau in enumerate(lag):
        for s in range(40):
            for t in range(40):
                if run[s] == run[t] and time[t] - time[s] == tau:
                    both = present[s] & present[t]
                    step = position[t, both] - position[s, both]
                    total[k] += (step**2).sum()
                    origins[k] += both.sum()
    found, counted = squared_displacements(runs(trajectory), lag)
    np.testing.assert_array_equal(counted.sum(axis=0), origins)
    np.testing.assert_allclose(found.sum(axis=0), total, rtol=1e-9)


def test_wrapped_positions_move_on_through_periodic_faces(recording):
    position = 0.1 * walk(80, 6)
    lag = np.array([1, 10, 30])
    free = msd(recording(position), lag)
    wrapped = msd(recording(position % 3.0, 3.0, periodic=True), lag)
    np.testing.assert_allclose(wrapped, free, rtol=1e-9)


def test_driven_and_deselected_particles_are_left_out(recording):
    position = walk(30, 4)
    position[:, 2:] *= 100
    driven = np.zeros((30, 4), bool)
    driven[:, 2] = True
    trajectory = recording(position, driven=driven)
    parts = runs(trajectory, np.array([True, True, True, False]))
    total, origins = squared_displacements(parts, np.array([1]))
    assert origins[2:].sum() == 0
    assert total[2:].sum() == 0
    assert origins[:2].sum() == 2 * 29


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
