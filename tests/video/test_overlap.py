"""Relative motion of neighbours whose light overlaps, against rendered films of known places."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.video.detect import locate
from pipeline.video.overlap import gain
from pipeline.video.parameters import Detection
from tests.video.conftest import lattice, picture

SIZE, WIDTH = 320, 1.6  # px


def true_gain(places: np.ndarray, detection: Detection, reach: float) -> float:
    """Slope of found against true relative displacements of neighbours in two rendered frames."""
    rng = np.random.default_rng(1)
    moved = places + rng.normal(0, 0.2, places.shape)
    width, found = np.full(len(places), WIDTH), []
    for points in (places, moved):
        table = locate(picture(points, width, SIZE, 800.0, rng), detection)[["y", "x"]].to_numpy()
        distance, which = cKDTree(table).query(points)
        inside = ((points > 12) & (points < SIZE - 12)).all(axis=1)
        found.append(np.where(((distance < 1.5) & inside)[:, None], table[which], np.nan))
    i, j = cKDTree(places).query_pairs(reach, output_type="ndarray").T
    true, seen = moved - places, found[1] - found[0]
    a, b = true[i] - true[j], seen[i] - seen[j]
    known = np.isfinite(b).all(axis=1)
    return float((a * b)[known].sum() / (a**2)[known].sum())


def test_neighbours_draw_each_other_less_with_little_smoothing():
    places = lattice(SIZE, 10.0, np.random.default_rng(0))
    wide = Detection(9, 200.0, 6.0, 50.0)
    narrow = wide._replace(smoothing=7)
    assert true_gain(places, wide, 12.5) < 0.94
    assert true_gain(places, narrow, 12.5) > 0.96


@pytest.mark.parametrize(("spacing", "diameter"), [(9.0, 9), (9.0, 7), (16.0, 9)])
def test_the_gain_is_told_without_knowing_the_places(spacing, diameter):
    places = lattice(SIZE, spacing, np.random.default_rng(0))
    detection = Detection(diameter, 200.0, 6.0, 50.0)
    told = gain(places, WIDTH / 0.75, detection, (SIZE, SIZE))
    assert told == pytest.approx(true_gain(places, detection, 1.25 * spacing), abs=0.01)


def test_few_pairs_tell_nothing():
    places = np.array([[20.0, 20.0], [40.0, 40.0]])
    assert gain(places, 2.0, Detection(9, 0.0, 6.0), (64, 64)) is None
