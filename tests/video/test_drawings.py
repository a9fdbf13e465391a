"""Writing and label images are named, and particles are taken for neither."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from pipeline.video import drawings
from pipeline.video.settings import Reading
from pipeline.video.survey import survey
from tests.video.conftest import lattice, picture


def film(frames: int = 9, size: int = 160) -> np.ndarray:
    """(T, size, size) uint8 spots that wander."""
    rng = np.random.default_rng(0)
    start = lattice(size, 16.0, rng)
    path = start + np.cumsum(rng.normal(0, 0.3, (frames, *start.shape)), axis=0)
    width = np.full(len(start), 2.0)
    return np.stack([picture(points, width, size, 800.0, rng) for points in path])


FILM = film()


def stamped(size: int, quality: int | None = None, fill: int = 255) -> list[np.ndarray]:
    """The film with a time of signs of a size [px] that runs, compressed as JPEG or not."""
    found = []
    for k, frame in enumerate(FILM):
        image = Image.fromarray(frame)
        font = ImageFont.load_default(size)
        ImageDraw.Draw(image).text((4, 120), f"00:{0.28 * k:05.2f} s", fill=fill, font=font)
        if quality:
            image.save(buffer := io.BytesIO(), "jpeg", quality=quality)
            image = Image.open(buffer)
        found.append(np.array(image))
    return found


@pytest.mark.parametrize(("size", "quality", "fill"), [(20, None, 255), (20, 60, 255), (28, 90, 0)])
def test_a_running_time_is_named_with_its_place(size, quality, fill):
    (sentence,) = drawings.writing(stamped(size, quality, fill), "a")
    assert "a line of signs is written into a (between x = 5 and " in sentence


def test_particles_are_no_writing():
    assert drawings.writing(list(FILM), "a") == []


def test_particles_that_stand_in_rows_are_no_writing():
    """A crystal whose rows lie along x, and hardly move."""
    rng = np.random.default_rng(1)
    start = np.stack(np.meshgrid(*[np.arange(8.0, 160, 10)] * 2), axis=-1).reshape(-1, 2)
    width = np.full(len(start), 2.0)
    paths = start + rng.normal(0, 0.1, (9, *start.shape))
    assert drawings.writing([picture(p, width, 160, 800.0, rng) for p in paths], "a") == []


def labels() -> np.ndarray:
    """(T, H, W) uint16 a number for each spot of the film, as a segmentation gives."""
    smooth = ndimage.gaussian_filter(FILM.astype(float), (0, 1, 1))
    return np.stack([ndimage.label(f > 0.5 * f.max())[0] for f in smooth]).astype(np.uint16)


@pytest.mark.parametrize("masks", [labels(), 255 * (labels() > 0).astype(np.uint8)])
def test_label_images_and_masks_are_named(tmp_path, masks):
    tifffile.imwrite(tmp_path / "a.tif", masks, photometric="minisblack")
    said = survey(tmp_path, Reading()).warnings
    assert any("a label image or a mask" in sentence for sentence in said)


@pytest.mark.parametrize("ground", [0, 90])
def test_spots_on_an_even_ground_are_no_labels(ground):
    assert drawings.labels([np.where(ground < FILM, FILM, 0)] * 3, "a") == []


def test_the_first_screen_says_the_time_once(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack(stamped(20)), photometric="minisblack")
    said = [s for s in survey(tmp_path, Reading()).warnings if "video.crop" in s]
    assert len(said) == 1
    assert "line of signs" in said[0]


@pytest.mark.parametrize("shape", [(40, 70), (9, 30)])
def test_the_ground_is_the_median_of_a_window_mirrored_at_the_edges(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found = drawings._ground(drawings._levels(levels))
    assert np.array_equal(found, ndimage.median_filter(levels, drawings.STROKE))


def test_levels_of_deeper_images_are_within_half_of_a_256th_of_their_range():
    image = np.random.default_rng(0).normal(5e4, 1e3, (40, 70))
    image[0, 0] = np.nan
    found = drawings._levels(image) / 255
    exact = np.nan_to_num(image) / np.nanmax(image)
    assert np.abs(found - exact).max() < 0.5 / 255 + 1e-6
    assert drawings._levels(np.full((3, 3), 7.0)).max() == 0


def test_a_running_time_is_named_in_16_bits_too():
    deep = [image.astype(np.uint16) * 150 + 3000 for image in stamped(20)]
    assert drawings.writing(deep, "film") == drawings.writing(stamped(20), "film") != []
