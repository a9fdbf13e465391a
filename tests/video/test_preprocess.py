"""Corrections undo what was done to the images, and are off unless asked for."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from pipeline.video.frames import open_run
from pipeline.video.preprocess import Correction
from pipeline.video.sources import runs


@pytest.fixture
def texture():
    """(64, 96) smooth random image, 50 to 200."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(64, 96)), 2, mode="wrap")
    return 125 + 75 * noise / np.abs(noise).max()


def opened(folder, images, **options):
    tifffile.imwrite(folder / "a.tif", np.rint(images).astype(np.uint8), photometric="minisblack")
    return open_run(*runs(folder), **options)


def test_off_by_default(tmp_path, texture):
    images = np.stack([texture, 0.5 * texture])
    np.testing.assert_array_equal(np.stack(list(opened(tmp_path, images))), np.rint(images))


def test_crop_in_square_pixels(tmp_path, texture):
    crop = Correction(crop=(10, 20, 50, 60))
    video = opened(tmp_path, np.stack([texture] * 2), correction=crop)
    np.testing.assert_array_equal(video[1], np.rint(texture[20:60, 10:50]))
    assert video.shape == (40, 40)
    with pytest.raises(ValueError, match=r"inside the 96 x 64 pixel image, got \(10, 20, 50, 90\)"):
        opened(tmp_path, np.stack([texture] * 2), correction=Correction(crop=(10, 20, 50, 90)))


def test_background_is_flattened(tmp_path):
    rng = np.random.default_rng(0)
    slope = np.linspace(0.5, 1.5, 96)[None] * 100
    images = np.stack([slope + rng.normal(0, 1, (64, 96)) for _ in range(2)])
    flat = opened(tmp_path, images, correction=Correction(background=10.0))[0].astype(float)
    left, right = flat[:, 10:20].mean(), flat[:, -20:-10].mean()
    assert images[0][:, 10:20].mean() / images[0][:, -20:-10].mean() < 0.6
    assert left / right == pytest.approx(1.0, abs=0.05)
    assert flat.mean() == pytest.approx(100, rel=0.03)


def test_flicker_is_taken_out(tmp_path, texture):
    light = np.array([1.0, 0.8, 1.2, 0.9, 1.1])
    video = opened(tmp_path, 0.8 * texture * light[:, None, None], flicker=True)
    medians = [np.median(frame) for frame in video]
    assert np.ptp(medians) <= 1
    assert np.median(video[1]) == medians[1]


def test_stage_drift_is_followed_to_a_fraction_of_a_pixel(tmp_path, texture):
    offsets = np.array([[0, 0], [1.5, -0.5], [3.0, -1.0], [4.5, -1.5]])
    images = np.stack([ndimage.shift(texture, o, order=3, mode="wrap") for o in offsets])
    video = opened(tmp_path, images, drift=True)
    np.testing.assert_allclose(video.correction.shift, offsets, atol=0.1)
    inner = slice(12, -12), slice(12, -12)
    for frame in video:
        assert np.abs(frame[inner].astype(float) - images[0][inner]).mean() < 2
