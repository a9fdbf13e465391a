"""Polarity and size of spots beside a glow, a shadow or a vignette."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from pipeline.video import spots
from tests.video.conftest import lattice

SIZE = 256


def picture(dark: bool, crowded: bool, glow: tuple[float, float] | None, vignette: bool):
    """Two frames (H, W) of spots 2 px wide, and a glow of a height and a width [px]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    points = lattice(SIZE, 16.0, rng) if crowded else rng.uniform(15, SIZE - 15, (60, 2))
    images = []
    for _ in range(2):
        scene = np.full((SIZE, SIZE), 100.0)
        for row, column in points + rng.normal(0, 0.5, points.shape):
            scene += (-30 if dark else 30) * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)
        away = (y - 128) ** 2 + (x - 90) ** 2
        if glow is not None:
            scene += glow[0] * np.exp(-away / (2 * glow[1] ** 2))
        if vignette:
            scene *= np.exp(-((y - 128) ** 2 + (x - 128) ** 2) / (2 * 70**2))
        images.append(np.clip(np.rint(scene + rng.normal(0, 3, scene.shape)), 0, 255))
    return images


@pytest.mark.parametrize(
    ("dark", "crowded", "glow", "vignette"),
    [
        (True, False, (150, 4), False),  # a laser in optical tweezers
        (True, False, (150, 8), False),
        (True, False, (150, 30), False),
        (True, True, (150, 4), False),
        (False, False, (-90, 8), False),
        (True, False, (-90, 8), False),
        (False, True, None, True),
        (True, True, None, True),
    ],
)
def test_one_glow_does_not_decide_what_spots_are(dark, crowded, glow, vignette):
    images = picture(dark, crowded, glow, vignette)
    curve, level = spots.scale_curves(images)
    if spots.overshone(images, curve, level):
        curve = level
    best = spots.typical(images, curve)
    assert (curve.skewness[best] < 0) == dark
    assert 1.2 < curve.scale[best] < 3.5


def test_pictures_without_one_are_judged_as_a_whole(real):
    films = [
        next(real("bulk_water").glob("*.tif")),
        next(real("hydrogel_packing").glob("*.tif")),
        next(real("quincke_rollers").rglob("*.tif*")),
        real("door") / "control.tif",
        real("door") / "int16_dark.tif",
    ]
    for path in films:
        with tifffile.TiffFile(path) as file:
            images = [page.asarray() for page in file.pages[:2]]
        images = [image if image.ndim == 2 else image.mean(axis=2) for image in images]
        assert not spots.overshone(images, *spots.scale_curves(images)), path.name
