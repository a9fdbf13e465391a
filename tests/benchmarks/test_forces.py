"""The plain regression that the model is held against finds the force of a known gas."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.forces import Film, hats, plain
from tests.dynamics.systems import LENGTH, SIDE
from tests.dynamics.test_bath import soft
from tests.learn.test_overdamped import D, film


def test_hats_add_up_to_one_and_have_their_slopes() -> None:
    knots = np.array([0.5, 0.8, 1.2, 2.0])
    r = np.linspace(0.55, 1.15, 9)
    value, slope = hats(r, knots)
    assert value.sum(axis=0) == pytest.approx(1.0)
    assert (hats(r + 1e-6, knots)[0] - value) / 1e-6 == pytest.approx(slope, abs=1e-6)


def test_plain_regression_finds_force_and_diffusion() -> None:
    r = film(200).position[1:] / LENGTH
    images = [r + SIDE * np.array([i, j]) for i in (0, -1, 1) for j in (0, -1, 1)]
    free = np.zeros((len(r), 9 * r.shape[1]), dtype=bool)
    free[:, : r.shape[1]] = True
    tracks = Film(np.concatenate(images, axis=1), free, 1.0)
    force, diffusion = plain(tracks, np.linspace(0.7, 1.6, 8))
    x = np.linspace(0.95, 1.3, 30)  # where pairs are
    truth = soft(x) / 0.2
    assert diffusion == pytest.approx(D, rel=0.15)  # neighbours push back
    assert np.linalg.norm(force(x) - truth) < 0.35 * np.linalg.norm(truth)
