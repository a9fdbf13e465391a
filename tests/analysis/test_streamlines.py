"""Displacement fields: a uniform flow stays, a shear stays in the middle, noise is averaged out."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.runs import runs
from pipeline.analysis.streamlines import displacements, grid


def test_shear_survives_the_smoothing_and_noise_does_not(recording):
    generator = np.random.default_rng(0)
    start = generator.uniform(size=(3000, 2)) * 20
    shear = np.stack([0.1 * start[:, 1], np.zeros(3000)], axis=1)
    end = start + shear + 0.1 * generator.standard_normal(start.shape)
    trajectory = recording(np.stack([start, end]), 20.0)
    place, move, who = displacements(runs(trajectory)[0], 0, 1, 1.0)
    np.testing.assert_array_equal(place, start[who])
    inside = (abs(place - 10) < 6).all(axis=1)
    assert np.sqrt(np.mean((move - shear[who])[inside] ** 2)) < 0.025
    x, y, field = grid(place, move, trajectory.box, 1.0)
    assert field.shape == (20, 20, 2)
    np.testing.assert_allclose(field[10, 3:17, 0], 0.1 * y[10], atol=0.05)
    np.testing.assert_allclose(field[5:15, 10, 1], 0.0, atol=0.05)
    assert x[0] == 0.5


def test_displacements_cross_periodic_faces(recording):
    generator = np.random.default_rng(1)
    start = generator.uniform(size=(200, 2)) * 5
    steps = start + 0.4 * np.arange(20)[:, None, None]
    part = runs(recording(steps % 5.0, 5.0, periodic=True))[0]
    _, move, _ = displacements(part, 0, 19, 0.5)
    np.testing.assert_allclose(move, 0.4 * 19, rtol=1e-12)


def test_the_grid_is_empty_where_no_particle_is_near(recording):
    place = np.full((1, 2), 1.0)
    trajectory = recording(np.zeros((2, 1, 2)), 10.0)
    _, _, field = grid(place, np.ones((1, 2)), trajectory.box, 1.0)
    assert np.isnan(field[9, 9]).all()
    np.testing.assert_allclose(field[1, 1], 1.0)
