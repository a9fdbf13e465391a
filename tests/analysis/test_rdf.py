"""g(r): 1 for an ideal gas up to the edge whoever the centres are, and freud's where it is open."""

from __future__ import annotations

import freud
import numpy as np
import pytest

from pipeline.analysis.rdf import rdf, visible
from pipeline.analysis.runs import runs, window
from pipeline.trajectory import Box


def curve(trajectory, edges, select=None, frame=None):
    parts = runs(trajectory, select)
    label = np.zeros(trajectory.present.shape[1], int)
    found, expected = rdf(parts, frame or window(parts), edges, label, 1000)
    return found.sum(axis=0) / expected.sum(axis=0), found.sum(axis=0)


def gas(recording, lengths, count, snapshots, periodic=False):
    generator = np.random.default_rng(3)
    position = generator.uniform(size=(snapshots, count, len(lengths))) * np.array(lengths)
    return recording(position, lengths, periodic)


@pytest.mark.parametrize("lengths", [[10.0, 6.0], [5.0, 4.0, 6.0]])
@pytest.mark.parametrize("centres", ["all", "edge", "interior", "driven band"])
def test_ideal_gas_is_one_up_to_the_edge_of_the_window(recording, lengths, centres):
    trajectory = gas(recording, lengths, 250, 40)
    x = trajectory.position[..., 0]
    chosen = {
        "all": np.ones(x.shape, bool),
        "edge": x < 1.0,
        "interior": abs(x - lengths[0] / 2) < 1.0,
        "driven band": x > 2.0,
    }[centres]
    trajectory = trajectory._replace(driven=~chosen)
    g, pairs = curve(trajectory, np.linspace(0, 3.0, 13))
    # Pairs are counted twice and share particles, hence the factor.
    assert np.all(abs(g - 1) < 5 * np.sqrt(2 / pairs) + 0.005)


@pytest.mark.parametrize("lengths", [[8.0, 8.0], [6.0, 6.0, 6.0]])
def test_agrees_with_freud_in_a_periodic_box(recording, lengths):
    trajectory = gas(recording, lengths, 200, 3, periodic=True)
    bins, r_max = 25, 2.9
    oracle = freud.density.RDF(bins, r_max, normalization_mode="finite_size")
    box = freud.box.Box.square(8.0) if len(lengths) == 2 else freud.box.Box.cube(6.0)
    for points in trajectory.position:
        flat = np.zeros((len(points), 3))
        flat[:, : len(lengths)] = points - np.array(lengths) / 2
        oracle.compute((box, flat), reset=False)
    g, _ = curve(trajectory, np.linspace(0, r_max, bins + 1))
    np.testing.assert_allclose(g, oracle.rdf, rtol=2e-5)  # freud works in single precision


def test_mean_over_a_homogeneous_sample_is_the_rectangle_formula(recording):
    lengths = np.array([10.0, 6.0])
    trajectory = gas(recording, lengths, 400, 20)
    edges = np.linspace(0, 2.0, 5)
    g, _ = curve(trajectory, edges, frame=trajectory.box)
    weights = np.zeros(4)
    for points in trajectory.position:
        gap = points[:, None] - points[None]
        r = np.linalg.norm(gap, axis=2)
        weight = np.prod(lengths) / np.prod(lengths - abs(gap), axis=2)
        weights += np.histogram(r, edges, weights=weight * (r > 0))[0]
    n = trajectory.position.shape[1]
    area = np.pi * np.diff(edges**2)
    rectangle = weights / (20 * n * (n - 1) / np.prod(lengths) * area)
    np.testing.assert_allclose(g, rectangle, rtol=0.01)


def test_visible_fraction_of_spheres_against_sampled_directions():
    frame = Box(np.array([4.0, 3.0, 5.0]), (False, False, False), np.zeros(3))
    generator = np.random.default_rng(0)
    points = generator.uniform(size=(20, 3)) * frame.lengths
    r = np.array([0.5, 1.4, 2.5])
    directions = generator.standard_normal((20000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    place = points[:, None, None] + r[:, None, None] * directions
    sampled = ((place > 0) & (place < frame.lengths)).all(axis=3).mean(axis=2)
    np.testing.assert_allclose(visible(points, r, frame), sampled, atol=0.015)


def test_a_margin_without_particles_does_not_raise_g(recording):
    trajectory = gas(recording, [10.0, 10.0], 400, 40)
    inside = trajectory._replace(position=1.0 + 0.8 * trajectory.position)
    g, _ = curve(inside, np.linspace(0, 3, 7))
    np.testing.assert_allclose(g, 1.0, atol=0.03)


def test_refuses_more_than_half_a_periodic_box(recording):
    trajectory = gas(recording, [4.0, 4.0], 20, 1, periodic=True)
    with pytest.raises(ValueError, match="half the shortest periodic length"):
        curve(trajectory, np.linspace(0, 2.5, 5))


def test_a_large_sample_is_counted_in_fewer_snapshots(recording, monkeypatch):
    rng = np.random.default_rng(5)
    parts = runs(recording(rng.uniform(0, 20, (9, 400, 2)), 20.0, periodic=True))
    frame, edges, label = window(parts), np.linspace(0, 5, 11), np.zeros(400, int)
    pairs = 400**2 / 2 * np.pi * 5**2 / 20**2
    everything, three, two = (rdf(parts, frame, edges, label, n).found for n in (9, 3, 2))
    monkeypatch.setattr("pipeline.analysis.rdf.MANY_PAIRS", 3.5 * pairs)
    for wanted, found in ((9, three), (2, two)):
        np.testing.assert_array_equal(rdf(parts, frame, edges, label, wanted).found, found)
    monkeypatch.setattr("pipeline.analysis.rdf.MANY_PAIRS", 9.5 * pairs)
    np.testing.assert_array_equal(rdf(parts, frame, edges, label, 9).found, everything)
