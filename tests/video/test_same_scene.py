"""Cameras side by side, late copies and mirrored ones; and films that only look alike."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from pipeline.errors import InputError
from pipeline.video import survey
from pipeline.video.settings import Reading
from tests.video.test_survey import film as made

SCENE = made(48, seed=1, size=180)


def camera(down: int, right: int, seed: int = 0, turn: slice = slice(None)) -> np.ndarray:
    """A part of the scene as a camera of its own sees it, with other grey levels and noise."""
    part = SCENE[:, down : down + 120, right : right + 120][:, :, turn]
    noise = np.random.default_rng(seed).normal(0, 4, part.shape)
    return np.clip(0.8 * part + 20 + noise, 0, 255).astype(np.uint8)


def said(folder, *stacks) -> list[str]:
    for k, images in enumerate(stacks, start=1):
        tifffile.imwrite(folder / f"cam_{k}.tif", images, photometric="minisblack")
    words = survey.survey(folder, Reading()).warnings
    return [word for word in words if "no independent runs" in word or "show one scene" in word]


def test_four_cameras_of_one_scene_are_no_four_runs(tmp_path):
    views = [
        camera(0, 0),
        camera(20, 30, 1),
        camera(60, 60, 2),
        camera(5, 0, 3, slice(None, None, -1)),
    ]
    words = said(tmp_path, *views)
    assert (
        "cam_2 shows what cam_1 shows at the same times (shifted by -20 px down and -30" in words[0]
    )
    assert words[1:] == ["5 more pairs of films show one scene so."]
    (tmp_path / "cam_2.tif").unlink()
    (tmp_path / "cam_3.tif").unlink()
    assert "cam_4 shows what cam_1 shows at the same times (mirrored" in said(tmp_path)[0]


@pytest.mark.parametrize(
    ("stretch", "when"), [((9, 48), "9 frames later"), ((20, 40), "20 frames la")]
)
def test_a_cut_that_was_compressed_anew_is_named(tmp_path, film, stretch, when):
    film(tmp_path / "cut.mp4", camera(0, 0)[slice(*stretch)], "libx264", "yuv420p", crf="23")
    (word,) = said(tmp_path, camera(0, 0))
    assert f"cut shows what cam_1 shows {when}" in word or "cam_1 shows what cut shows" in word


def needle(images: np.ndarray) -> np.ndarray:
    """A bar that goes to and fro in the same way in every film of a protocol."""
    images = images.copy()
    for t, image in enumerate(images):
        start = 60 + int(25 * np.sin(t / 5))
        image[:, start : start + 12] = 250
    return images


def trapped(seed: int) -> np.ndarray:
    """One particle in a trap, each time a little elsewhere."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :120]
    place = rng.uniform(40, 80, 2) + rng.normal(0, 0.8, (40, 2))
    apart = np.hypot(y - place[:, 0, None, None], x - place[:, 1, None, None])
    scene = 40 + rng.normal(0, 3, (40, 120, 120)) + 150 * np.exp(-(apart**2) / 8)
    return np.clip(scene, 0, 255).astype(np.uint8)


DRIFT = np.arange(40)[:, None] * np.array([0.3, 0.5])
ALIKE = {
    "others": lambda seed: made(40, seed=seed),
    "drift": lambda seed: made(40, seed=seed, shift=DRIFT),
    "needle": lambda seed: needle(made(40, seed=seed)),
    "one": lambda seed: trapped(seed),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_films_of_one_protocol_are_runs(tmp_path, kind):
    assert said(tmp_path, *(ALIKE[kind](seed) for seed in (10, 11, 12))) == []


def test_a_copy_is_one_whatever_else_moves(tmp_path, film):
    images = needle(made(40, seed=10))
    film(tmp_path / "copy.mp4", images, "libx264", "yuv420p", crf="20")
    with pytest.raises(InputError, match="show the same frames"):
        said(tmp_path, images)


def test_halves_of_a_real_film_are_runs(tmp_path, real):
    frames = tifffile.imread(next(real("bulk_water").glob("*.tif")))
    assert said(tmp_path, frames[:100, :200, :300], frames[100:, :200, :300]) == []
    (tmp_path / "cam_2.tif").unlink()
    assert len(said(tmp_path, frames[:100, :200, :300], frames[:100, 40:240, 50:350])) == 1
