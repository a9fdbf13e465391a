"""Tracks that stay while others move."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.stuck import stuck

RUN = np.zeros(60, int)


def walk(rng: np.random.Generator, count: int = 40, error: float = 0.03) -> np.ndarray:
    """(T, N, 2) Brownian motion of .3 px a frame, seen with an error."""
    start = rng.uniform(0, 200, (count, 2))
    path = start + np.cumsum(rng.normal(0, 0.3, (60, count, 2)), axis=0)
    return path + rng.normal(0, error, path.shape)


def test_dust_is_counted_and_its_place_said():
    rng = np.random.default_rng(0)
    path = walk(rng)
    path[:, [4, 9]] = np.array([31.0, 77.0]) + rng.normal(0, 0.03, (60, 2, 2))
    [said] = stuck(path, np.ones((60, 40), bool), RUN, None)
    assert said.startswith("2 of 40 tracks stay within")
    assert "(one is at x = 31, y = 77)" in said


@pytest.mark.parametrize("seed", range(5))
def test_walkers_and_particles_that_are_bound_are_none(seed):
    rng = np.random.default_rng(seed)
    path = walk(rng)
    path[:, ::2] = path[:1, ::2] + rng.normal(0, 0.3, (60, 20, 2))
    seen = np.ones((60, 40), bool)
    seen[25:, ::3] = False
    assert stuck(path, seen, RUN, None) == []


def test_columns_that_several_hold():
    rng = np.random.default_rng(1)
    path = walk(rng, 6)
    path[30:, 2] = 50 + rng.normal(0, 0.02, (30, 2))
    occupant = np.repeat(np.arange(6)[None], 60, 0)
    occupant[30:] += 6
    [said] = stuck(path, np.ones((60, 6), bool), RUN, occupant)
    assert said.startswith("1 of 12 tracks")
