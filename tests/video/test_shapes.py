"""Things that are found as several spots are named, and round particles are not."""

import numpy as np
import pytest

from pipeline.video import shapes
from pipeline.video.detect import locate
from pipeline.video.parameters import Detection

SIZE = 400
GRID = np.indices((6, 6)).reshape(2, -1).T
PLACES = [(40.0 + 60 * i + 5 * (j % 3), 40.0 + 60 * j) for i, j in GRID]


def picture(height) -> np.ndarray:
    """A picture of 36 things, each ``height(y, x, k)`` of coordinates around its middle [px]."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    light = sum(height(y - a, x - b, k) for k, (a, b) in enumerate(PLACES))
    return np.clip(light + np.random.default_rng(0).normal(20, 2, light.shape), 0, 255).astype("u1")


def ring(y, x, k):
    return 100 * np.exp(-0.5 * ((np.hypot(y, x) - 9) / 1.5) ** 2)


def rod(y, x, k):
    along, across = x * np.cos(k) + y * np.sin(k), y * np.cos(k) - x * np.sin(k)
    end = 0.5 * (1 - np.tanh(np.abs(along) - 20))
    return 100 * end * np.exp(-0.5 * (across / 2) ** 2)


def disc(y, x, k):
    return 100 * np.exp(-0.5 * (np.hypot(y, x) / 3) ** 2)


def touching(y, x, k):
    return disc(y, x - 5, k) + disc(y, x + 5, k) + disc(y - 9, x, k)


def found(image: np.ndarray) -> tuple[np.ndarray, Detection]:
    detection = Detection(11, 300.0, 5.0, 50)
    return locate(image, detection)[["y", "x"]].to_numpy(), detection


def test_rings_are_counted_and_their_rims_are_no_ridges():
    image = picture(ring)
    points, detection = found(image)
    count, rim = shapes.on_rings(image, points, detection, 3.0)
    assert count == len(PLACES)
    assert rim.mean() > 0.95
    (sentence,) = shapes.warnings([image], [points], detection, 3.0)
    assert "some 36 hollow rings a frame" in sentence


def test_rods_lie_on_ridges_and_are_no_rings():
    image = picture(rod)
    points, detection = found(image)
    assert len(points) > 2 * len(PLACES)
    assert shapes.on_ridges(image, points, detection).mean() > 0.7
    (sentence,) = shapes.warnings([image], [points], detection, 3.0)
    assert "ridges" in sentence


@pytest.mark.parametrize(("shape", "each"), [(disc, 1), (touching, 3)])
def test_nothing_is_said_of_round_spots(shape, each):
    """Not of those that touch, either, with their centres 1.5 diameters of a half height apart."""
    image = picture(shape)
    points, detection = found(image)
    assert len(points) == 36 * each
    assert not shapes.warnings([image], [points], detection, 3.0)


def test_dark_rods_are_told_as_well():
    image = 255 - picture(rod)
    detection = Detection(11, 300.0, 5.0, 50, invert=True)
    points = locate(image, detection)[["y", "x"]].to_numpy()
    assert shapes.on_ridges(image, points, detection).mean() > 0.7


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_said_of_nobody(count):
    image = picture(disc)
    assert not shapes.warnings([image], [np.full((count, 2), 40.0)], Detection(11, 0.0, 5.0), 3.0)
