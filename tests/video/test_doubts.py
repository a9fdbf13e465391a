"""What films show that whoever recorded them should know: said where it is so, and only there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import uniform_filter

from pipeline.errors import InputError
from pipeline.video import doubts
from pipeline.video.settings import Reading
from pipeline.video.survey import survey
from tests.video.conftest import lattice, picture

RNG = np.random.default_rng(0)
OME = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels '
    'ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="64" SizeY="64" SizeC="1" SizeZ="1" '
    'SizeT="30"><TiffData/></Pixels></Image></OME>'
)


def spots(seed: int = 0, frames: int = 12, spacing: float = 12.0) -> np.ndarray:
    """(T, 64, 64) uint8 spots that wander."""
    rng = np.random.default_rng(seed)
    start = lattice(64, spacing, rng)
    path = start + np.cumsum(rng.normal(0, 0.3, (frames, *start.shape)), axis=0)
    width = np.full(len(start), 2.0)
    return np.stack([picture(points, width, 64, 800.0, rng) for points in path])


FILM = spots()


def write(path: Path, images: np.ndarray, **options: object) -> None:
    colour = "rgb" if images.ndim == 4 else "minisblack"
    tifffile.imwrite(path, images, **{"photometric": colour, **options})


def flickering() -> np.ndarray:
    return (FILM * np.where(np.arange(12) % 2, 1.0, 0.5)[:, None, None]).astype(np.uint8)


def two_dyes() -> np.ndarray:
    return np.stack([FILM, spots(3, spacing=17.0), np.zeros_like(FILM)], axis=-1)


def marked() -> np.ndarray:
    """Grey spots with red squares drawn around some of them."""
    film = np.repeat(FILM[..., None], 3, axis=3)
    film[:, 10:22, [10, 21]] = film[:, [10, 21], 10:22] = (255, 0, 0)
    return film


def with_a_bar() -> np.ndarray:
    film = FILM.copy()
    film[:, 55:58, 30:55] = 255
    return film


def edged() -> np.ndarray:
    return np.pad(FILM, ((0, 0), (5, 0), (0, 7)))


SAID: dict[str, tuple[Callable[[Path], object], dict[str, object], str]] = {
    "flicker": (
        lambda path: write(path / "a.tif", flickering()),
        {},
        r"contrast of the frames of a changes by a factor 2\.?\d*: .* video\.flicker: true",
    ),
    "two dyes": (
        lambda path: write(path / "a.tif", two_dyes()),
        {},
        r"red and green of a show different things .* video\.channel: 0 or 1",
    ),
    "marks of another program": (
        lambda path: write(path / "a.tif", marked()),
        {},
        r"1\.\d % of the pixels of a are of strong colours, and the others are grey",
    ),
    "a scale bar": (
        lambda path: write(path / "a.tif", with_a_bar()),
        {},
        r"75 pixels of a are the same in all frames .* x = 30 and 54, y = 55 and 57",
    ),
    "a border": (
        lambda path: write(path / "a.tif", edged()),
        {},
        r"\(0 px at the left, 5 above, 7 at the right, 0 below\).* \[0, 5, 64, 69\]",
    ),
    "a scale nobody set": (
        lambda path: write(
            path / "a.tif",
            FILM,
            imagej=True,
            photometric=None,
            resolution=(5, 5),
            metadata={"axes": "TYX", "unit": "um", "finterval": 40.0, "tunit": "ms"},
        ),
        {},
        r"a states 0\.2 um per px.*a states 25 frames per second",
    ),
    "a recording that was stopped": (
        lambda path: write(path / "a.ome.tif", FILM, metadata=None, description=OME),
        {},
        "announces 30 frames and holds the first 12",
    ),
}


@pytest.mark.parametrize(("lay", "given", "said"), SAID.values(), ids=SAID)
def test_what_is_said(tmp_path, lay, given, said):
    lay(tmp_path)
    assert re.search(said, " ".join(survey(tmp_path, Reading(**given)).warnings))


def crystal() -> np.ndarray:
    """(T, 64, 64) spots on a square lattice, each of which moves by itself."""
    rng = np.random.default_rng(2)
    start = np.stack(np.meshgrid(*[np.arange(4.0, 64, 8)] * 2), axis=-1).reshape(-1, 2)
    path = start + rng.normal(0, 0.5, (12, *start.shape))
    return np.stack([picture(p, np.full(len(start), 1.6), 64, 800.0, rng) for p in path])


MOVING = spots(5, frames=40)
SAID |= {
    "films that take turns": (
        lambda path: write(path / "a.tif", np.stack([FILM, spots(3)], 1).reshape(-1, 64, 64)),
        {},
        r"what the frames show of a comes again after every 2 frames, .* do 2 channels, focal",
    ),
    "focal planes that take turns": (
        lambda path: write(
            path / "a.tif",
            np.stack([FILM, *(uniform_filter(FILM, (0, k, k)) for k in (3, 5))], 1).reshape(
                -1, 64, 64
            ),
        ),
        {},
        r"of a comes again after every 3 frames",
    ),
    "exposures that take turns": (
        lambda path: write(path / "a.tif", (FILM * (1 - 0.3 * (np.arange(12) % 2))[:, None, None])),
        {},
        r"the contrast of the frames of a comes again after every 2 frames",
    ),
    "an empty channel": (
        lambda path: write(path / "a.tif", np.stack([FILM, FILM // 64 + 9], 1).reshape(-1, 64, 64)),
        {},
        r"1 of every 2 frames of a show nothing.* 2/1 of the film's interval apart",
    ),
    "two halves alike": (
        lambda path: write(path / "a.tif", np.concatenate([FILM, np.roll(FILM, 3, 1)], axis=2)),
        {},
        r"the left and the right half of a show the same \(.*correlate by (0\.9\d|1\.00)\)",
    ),
    "halves that mirror each other": (
        lambda path: write(path / "a.tif", np.concatenate([FILM, FILM[:, ::-1]], axis=1)),
        {},
        r"the upper and the lower half of a show the same, mirrored",
    ),
    "the time as the last axis": (
        lambda path: write(path / "a.tif", np.moveaxis(MOVING, 0, -1)),
        {},
        r"the pictures of a are streaks along x: is this axis the time",
    ),
}
SILENT = {
    "grey in colours": (np.repeat(FILM[..., None], 3, -1), {}),
    "one dye": (np.stack([0 * FILM, FILM, 0 * FILM], -1), {}),
    "one of two dyes": (two_dyes(), {"channel": 0}),
    "flicker that is evened": (flickering(), {"flicker": True}),
    "a border that is cropped": (edged(), {"crop": (0, 5, 64, 69)}),
    "a crystal": (crystal(), {}),
    "a black ground": (np.where(FILM > 90, FILM, 0), {}),
}


@pytest.mark.parametrize(("images", "given"), SILENT.values(), ids=SILENT)
def test_nothing_is_said(tmp_path, images, given):
    write(tmp_path / "a.tif", images)
    assert survey(tmp_path, Reading(**given)).warnings == []


def test_a_film_that_shows_one_picture(tmp_path):
    write(tmp_path / "a.tif", np.repeat(FILM[:1], 8, 0))
    with pytest.raises(InputError, match="all 8 frames that show something are the same picture"):
        survey(tmp_path, Reading())


def test_runs_of_two_scales(tmp_path):
    for name, pixels in (("a", 5), ("b", 10)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            spots(pixels),
            imagej=True,
            resolution=(pixels, pixels),
            metadata={"axes": "TYX", "unit": "um"},
        )
    with pytest.raises(InputError, match=r"must have one scale, .* from 0\.1 to 0\.2 um per px"):
        survey(tmp_path, Reading())


def test_a_film_that_is_played_turned_or_at_another_rate(tmp_path, film):
    film(tmp_path / "a.mp4", FILM, "libx264", "yuv420p")
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    matrix = content.find(b"tkhd") + 44  # ISO 14496-12, 8.3.2
    content[matrix : matrix + 36] = np.array(
        [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30], ">i4"
    ).tobytes()
    (tmp_path / "a.mp4").write_bytes(content)
    said = " ".join(survey(tmp_path, Reading(fps=100.0)).warnings)
    assert "to be shown turned by 90 degrees" in said
    assert "played at 25 frames per second and video.fps = 100 was taken" in said


@pytest.mark.parametrize("dark", [False, True])
def test_levels_that_are_cut_off_or_few(dark):
    def turned(image: np.ndarray) -> np.ndarray:
        return 255 - image if dark else image

    assert doubts.levels([turned(FILM[0])], dark) == []
    cut = np.minimum(FILM[0], np.percentile(FILM[0], 90)).astype(np.uint8)
    assert "seem to be cut off there" in doubts.levels([turned(cut)], dark)[0]
    assert "have 3 grey levels only" in doubts.levels([turned(FILM[0] // 64 * 64)], dark)[0]


def test_images_of_one_bit_are_black_and_white(tmp_path):
    for k, image in enumerate(FILM):
        Image.fromarray(image > 110).save(tmp_path / f"{k:03d}.png")
    [video] = survey(tmp_path, Reading()).videos
    assert video.dtype == np.uint8
    assert set(np.unique(video[3])) == {0, 255}


def test_spots_of_one_colour_on_black_are_no_marks(tmp_path):
    film = np.zeros((*FILM.shape, 3), np.uint8)
    film[..., 1] = np.clip((FILM.astype(int) - 70) * 3, 0, 255)
    write(tmp_path / "a.tif", film)
    assert not [s for s in survey(tmp_path, Reading()).warnings if "strong colours" in s]
