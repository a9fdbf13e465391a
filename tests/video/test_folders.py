"""Which files of a folder are one run, which are several, and which leave it open."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.errors import InputError
from pipeline.imported.sources import recorded
from pipeline.video.frames import open_run
from pipeline.video.settings import Reading
from pipeline.video.sources import check, runs
from pipeline.video.survey import open_all
from tests.video.conftest import lattice, picture

RNG = np.random.default_rng(7)
FRAMES = np.random.default_rng(0).integers(0, 255, (9, 8, 8)).astype(np.uint8)


def lay(place: Path, layout: dict[str, object]) -> Path:
    """Images and stacks by frame numbers, links as "-> target", other files as their bytes."""
    for name, content in layout.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.symlink_to(content)
        elif path.suffix == ".tif":
            tifffile.imwrite(path, FRAMES[content], photometric="minisblack")
        else:
            imageio.imwrite(path, FRAMES[content])
    return place


def series(folder: str, first: int = 0, ending: str = ".png") -> dict[str, object]:
    return {f"{folder}{k}{ending}": first + k for k in range(3)}


A, B = slice(0, 4), slice(4, 9)
FOUND = {
    "one series": (series(""), ["data"]),
    "two series beside each other": (series("a/") | series("b/", 3), ["a", "b"]),
    "stacks above and below": ({"x.tif": A, "more/y.tif": B}, ["x", "y"]),
    "a series below a stack": ({"x.tif": A} | series("s/"), ["x", "s"]),
    "a linked folder": (series("../other/") | {"l": "../other"}, ["l"]),
    "a linked stack": ({"../other/y.tif": A, "x.tif": "../other/y.tif"}, ["x"]),
    "a loop": (series("") | {"loop": "."}, ["data"]),
    "a stack and a link to it": ({"x.tif": A, "newest.tif": "x.tif"}, ["x"]),
    "a repeated image in a series": ({"0.png": 0, "1.png": 0, "2.png": 1}, ["data"]),
    "notes": ({"x.tif": A, "README": b"words", "p.pdf": b"%PDF"}, ["x"]),
    "signs of snakemake": ({"{name}.tif": A, "<b>.tif": B}, ["<b>", "{name}"]),
    "a line break": ({"a\nb.tif": A}, ["a\nb"]),
}


@pytest.mark.parametrize(("layout", "names"), FOUND.values(), ids=FOUND)
def test_what_is_a_run(tmp_path, layout, names):
    (tmp_path / "data").mkdir()
    assert [run.name for run in runs(lay(tmp_path / "data", layout))] == names


REFUSED = {
    "the same film under two names": ({"a.mp4": b"f" * 99, "b.mp4": b"f" * 99}, "the same film"),
    "the same film in two folders": ({"a.avi": b"film", "old/b.avi": b"film"}, "the same film"),
    "the same stack twice": ({"a.tif": A, "b.tif": A}, "the same film"),
    "the same series twice": (series("a/") | series("b/"), "hold the same images"),
    "a film and a hidden link's target": ({"a.avi": b"film", "b.avi": "../b.avi"}, "leads nowhere"),
    "two formats of the same frames": (series("") | series("", 0, ".jpg"), "in two formats"),
    "two formats": (series("a") | series("b", 3, ".bmp"), "images of several formats (3 .bmp and"),
    "images above and below": (series("") | series("thumbs/", 3), "holds images and so does"),
    "images far below": (series("") | series("a/b/", 3), "holds images and so does"),
    "an empty film": ({"a.tif": A, "b.avi": b""}, "b.avi is empty"),
    "nothing": ({"notes.md": b"words"}, "no video found in"),
}


@pytest.mark.parametrize(("layout", "said"), REFUSED.values(), ids=REFUSED)
def test_what_leaves_it_open(tmp_path, layout, said):
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError) as refusal:
        runs(lay(tmp_path / "data", layout))
    assert said in str(refusal.value)
    assert str(tmp_path / "data") in str(refusal.value)


def test_what_can_be_told_from_names_is_told_before_any_work(tmp_path):
    """The plan asks `check`, which opens no image."""
    for name in ("1.png", "1.bmp"):
        (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(InputError, match="in two formats"):
        check(sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("other", ["zlib.tif", "b/{}.png"])
def test_the_same_frames_in_another_form(tmp_path, other):
    """The bytes of the two files differ; the survey, which sees frames, notices."""
    frames = np.random.default_rng(0).integers(0, 255, (6, 24, 32)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    tifffile.imwrite(tmp_path / "c.tif", frames[::-1], photometric="minisblack")
    assert len(open_all(tmp_path, Reading())) == 2
    (tmp_path / "b").mkdir()
    for k, frame in enumerate(frames):
        if other.endswith(".png"):
            imageio.imwrite(tmp_path / other.format(k), frame)
    if other.endswith(".tif"):
        tifffile.imwrite(tmp_path / other, frames, photometric="minisblack", compression="zlib")
    with pytest.raises(InputError, match=r"a\.tif and .* show the same frames"):
        open_all(tmp_path, Reading())


def test_the_same_trajectory_twice(tmp_path):
    for name in ("a.xyz", "b.xyz"):
        (tmp_path / name).write_text("1\n\nA 0 0 0\n")
    with pytest.raises(InputError, match="are the same trajectory"):
        recorded(tmp_path.iterdir())


def bomb(path: Path, size: int) -> None:
    """A PNG whose header announces ``size`` x ``size`` pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    parts = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


@pytest.mark.parametrize("size", [11_000, 100_000, 2_000_000_000])
def test_images_that_announce_more_than_memory_holds(tmp_path, size):
    for k in range(3):
        bomb(tmp_path / f"{k}.png", size)
    (source,) = runs(tmp_path)
    with pytest.raises(InputError, match=r"0\.png"):
        open_run(source)


def test_a_stack_that_announces_more_than_memory_holds(tmp_path):
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "dtype": "uint8"}
    tifffile.memmap(path, shape=(3, 20_000, 20_000), **options)  # takes no room on the disk
    (source,) = runs(tmp_path)
    with pytest.raises(InputError, match="20000 x 20000 pixels"):
        open_run(source)


@pytest.mark.parametrize("odd", [FRAMES[1].astype(np.uint16) * 256, np.dstack([FRAMES[1]] * 3)])
def test_images_of_two_depths(tmp_path, odd):
    for k, image in enumerate([FRAMES[0], odd, FRAMES[2]]):
        imageio.imwrite(tmp_path / f"{k}.png", image)
    (source,) = runs(tmp_path)
    with pytest.raises(InputError, match=r"differ in depth: .*1\.png has"):
        open_run(source)


def test_a_folder_for_every_image(tmp_path):
    lay(tmp_path, {f"{k:03d}/image.png": k for k in range(5)})
    with pytest.raises(InputError, match=r"holds 5 folders of one image each .* into one folder"):
        runs(tmp_path)


def test_several_pictures_in_a_png(tmp_path):
    imageio.imwrite(tmp_path / "a.png", FRAMES, plugin="pillow", is_batch=True)
    with pytest.raises(InputError, match=r"a\.png holds 9 pictures .*: name it a\.apng"):
        open_run(runs(tmp_path)[0])


def test_opacity_is_no_channel_and_inks_are_no_brightness(tmp_path):
    rng = np.random.default_rng(1)
    for k, image in enumerate(FRAMES):
        alpha = rng.integers(0, 255, image.shape).astype(np.uint8)
        imageio.imwrite(tmp_path / f"{k}.png", np.dstack([image, alpha]))
    np.testing.assert_array_equal(np.stack(list(open_run(runs(tmp_path)[0]))), FRAMES)
    printed = tmp_path / "printed"
    printed.mkdir()
    for k, image in enumerate(FRAMES):
        Image.fromarray(np.dstack([255 - image] * 4), "CMYK").save(printed / f"{k}.jpg")
    with pytest.raises(InputError, match=r"0\.jpg is in the colours of a printer \(CMYK\)"):
        open_run(runs(printed)[0])


def moving(seed: int) -> np.ndarray:
    return np.stack([picture(p, np.full(len(p), 2.0), 64, 800.0, RNG) for p in wandering(seed)])


def wandering(seed: int) -> np.ndarray:
    """(T, N, 2) particles that wander about a lattice."""
    rng = np.random.default_rng(seed)
    start = lattice(64, 12.0, rng)
    return start + np.cumsum(rng.normal(0, 0.3, (12, *start.shape)), axis=0)


def test_a_film_beside_a_compressed_copy_or_another_channel_of_it(tmp_path, film):
    tifffile.imwrite(tmp_path / "a.tif", moving(0), photometric="minisblack")
    film(tmp_path / "b.mp4", moving(0), "libx264", "yuv420p", crf="20")
    with pytest.raises(InputError, match=r"a\.tif and .*b\.mp4 show the same frames, or two"):
        open_all(tmp_path, Reading())
    (tmp_path / "b.mp4").unlink()
    tifffile.imwrite(tmp_path / "c.tif", 255 - moving(0) // 2, photometric="minisblack")
    with pytest.raises(InputError, match=r"or two channels of them: take one of the two away"):
        open_all(tmp_path, Reading())
    for seed in range(6):
        tifffile.imwrite(tmp_path / "c.tif", moving(seed + 1), photometric="minisblack")
        assert len(open_all(tmp_path, Reading())) == 2
