"""Counted noise as a rollout option."""

from __future__ import annotations

import numpy as np

from pipeline.dynamics.rollout import rollout
from tests.dynamics.systems import conditions, gas, lattice


def test_a_walk_with_counted_noise_repeats_itself_and_differs_by_seed():
    settings = conditions(noise="counted")
    first, second, other = (
        rollout(lattice(6), gas(), settings, seed, progress=False).trajectory.position
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert np.abs(first[-1] - other[-1]).max() > 1e-3


def test_counted_noise_is_as_strong_as_drawn_noise():
    drawn, counted = (
        rollout(lattice(20), gas(), conditions(noise=noise), 3, progress=False).observables
        for noise in ("generator", "counted")
    )
    ratio = drawn["temperature"][5:].mean() / counted["temperature"][5:].mean()
    assert 0.8 < ratio < 1.25
