"""Rearrangements against lag: a planted event is found, counted and located."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.nonaffine import against_lag, correlation, histogram, sums
from pipeline.analysis.runs import runs


def crystal_with_event(steps=20, side=12, event=10, noise=0.0):
    """A square lattice in which, at one time, a patch of particles is scrambled."""
    generator = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(*[np.arange(side) + 0.5] * 2), axis=-1).reshape(-1, 2)
    position = np.repeat(lattice[None], steps, axis=0)
    patch = np.linalg.norm(lattice - side / 4, axis=1) < 2
    position[event:, patch] += 0.3 * generator.standard_normal((patch.sum(), 2))
    return position + noise * generator.standard_normal(position.shape), patch


def test_an_event_shows_only_between_times_that_enclose_it(recording):
    position, patch = crystal_with_event()
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([1, 4]), 1.6, 1000)
    for row, origin in enumerate(measured.origin):
        for k, lag in enumerate(measured.lag):
            if origin + lag >= 20:
                assert np.isnan(measured.value[row, k]).all()
                continue
            moved = np.nan_to_num(measured.value[row, k]) > 1e-9
            assert moved[patch].all() == (origin < 10 <= origin + lag)
            assert moved.any() == moved[patch].any()


def test_sums_and_histogram_hold_every_value_once(recording):
    position, _ = crystal_with_event(noise=0.02)
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([1, 4]), 1.6, 7)
    label = np.arange(144) % 5
    total, number = sums(measured.value, label)
    np.testing.assert_allclose(total.sum(axis=0), np.nansum(measured.value, axis=(0, 2)))
    np.testing.assert_array_equal(number.sum(axis=0), np.isfinite(measured.value).sum(axis=(0, 2)))
    edges = np.geomspace(1e-5, 1e-4, 6)  # too narrow: the rest counts in the end bins
    counted = histogram(measured.value[:, 0], edges, label)
    assert counted.sum() == number[:, 0].sum()
    inner = measured.value[:, 0]
    assert counted[:, 2].sum() == ((inner >= edges[2]) & (inner < edges[3])).sum()


def test_a_clustered_event_correlates_at_short_range_only(recording):
    position, _ = crystal_with_event(noise=0.01)
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([10]), 1.6, 5)
    found = correlation(part, measured, 0, np.array([0.0, 1.2, 2.4, 6.0, 12.0]))
    assert found.pearson[0] > 0.3
    assert abs(found.pearson[-1]) < 0.1
    assert found.weighted[0] > 3 > 1 > found.weighted[-1]


def test_localisation_noise_sets_the_published_floor(recording):
    """MONOLAYER.md: for 6 neighbours the mean is about 6.7 (sigma / a)^2."""
    row = np.arange(24)
    lattice = np.stack(np.meshgrid(row, row * np.sqrt(3) / 2), axis=-1)
    lattice[1::2, :, 0] += 0.5
    generator = np.random.default_rng(0)
    still = np.repeat(lattice.reshape(1, -1, 2), 30, axis=0)
    noisy = still + 0.01 * generator.standard_normal(still.shape)
    part = runs(recording(noisy, 24.0))
    measured = against_lag(part, np.array([5]), 1.5, 30)
    middle = (abs(still[0] - [12, 10.4]) < 8).all(axis=1)
    assert abs(np.nanmean(measured.value[..., middle]) / 1e-4 - 6.7) < 0.3
