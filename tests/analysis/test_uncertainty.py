"""Intervals cover the truth about as often as they say; the noise floor is the noise."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.uncertainty import (
    error_between_halves,
    gather,
    interval,
    patches,
    relative_error,
)


def test_intervals_cover_the_truth():
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        values = generator.standard_normal((40, 5)) + 3.0
        drawn = interval(values, np.ones_like(values))
        held += ((drawn.low < 3.0) & (drawn.high > 3.0)).sum()
    assert 0.88 < held / 1000 < 0.98


def test_patches_widen_the_interval_of_particles_that_move_together():
    generator = np.random.default_rng(1)
    position = generator.uniform(size=(1, 2000, 2)) * 20
    label = patches(position, np.ones((1, 2000), bool), 4.0)
    assert len(np.unique(label)) == 25
    common = np.arange(25)
    values = generator.standard_normal(25)[common[label]][:, None] + 5.0
    ones = np.ones_like(values)
    single = interval(values, ones)
    patched = interval(gather(values, label, 25), gather(ones, label, 25))
    assert (patched.high - patched.low) > 4 * (single.high - single.low)


def test_patches_of_a_few_particles_are_the_particles():
    position = np.random.default_rng(2).uniform(size=(1, 6, 2))
    known = np.ones((1, 6), bool)
    known[0, 5] = False
    label = patches(position, known, 10.0)
    assert sorted(label[:5]) == [0, 1, 2, 3, 4]


def test_noise_floor_is_the_error_between_halves():
    generator = np.random.default_rng(3)
    units, sigma = 400, 0.5
    values = 1.0 + sigma * generator.standard_normal((units, 50))
    floor = error_between_halves(values, np.ones_like(values))
    expected = sigma * np.sqrt(2 / (units / 2))
    assert abs(floor / expected - 1) < 0.15
    assert np.isnan(error_between_halves(values[:1], np.ones((1, 50))))


def test_one_unit_has_a_value_and_no_interval():
    drawn = interval(np.ones((1, 3)), np.full((1, 3), 2.0))
    np.testing.assert_allclose(drawn.value, 0.5)
    assert np.isnan(drawn.low).all()
    assert np.isnan(drawn.high).all()


def test_relative_error_ignores_what_is_unknown():
    truth = np.array([3.0, 4.0, np.nan, 1.0])
    value = np.array([3.0, 3.0, 2.0, np.nan])
    np.testing.assert_allclose(relative_error(truth, value), 1 / 5)
    assert np.isnan(relative_error(truth[:1], np.array([np.nan])))
