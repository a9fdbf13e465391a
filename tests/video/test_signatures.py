"""Files that are something else than they are called, and folders that hold no film."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.errors import InputError
from pipeline.video.sources import runs

GREY = np.random.default_rng(0).integers(0, 255, (5, 24, 32), dtype=np.uint8)


def stack(path: Path) -> None:
    tifffile.imwrite(path, GREY, photometric="minisblack")


MISNAMED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a stack called a film": ("a.mp4", stack, r"is a TIFF by its first bytes .* name it a\.tif"),
    "a stack called an image": ("a.png", stack, r"is a TIFF by its first bytes .* name it a\.tif"),
    "an image called a stack": (
        "a.tif",
        lambda path: Image.fromarray(GREY[0]).save(path, format="png"),
        r"is a PNG image by its first bytes .* name it a\.png",
    ),
    "a page for a film": (
        "a.avi",
        lambda path: path.write_text("<!doctype html><title>404</title>"),
        "is a web page by its first bytes",
    ),
    "a phone's": (
        "a.heic",
        lambda path: path.write_bytes(b"\0\0\0\x18ftypheic"),
        "save it as a TIFF stack",
    ),
    "a note in place of a film": (
        "a.tif",
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid"),
        "is the note of Git LFS in place of a file: git lfs pull brings it",
    ),
    "packed": ("a.tif.gz", lambda path: path.write_bytes(gzip.compress(b"x")), "gz: unpack it"),
    "not yet there": ("a.mp4.part", lambda path: path.write_bytes(b"x"), "end of its download"),
    "a microscope's": ("a.czi", lambda path: path.write_bytes(b"ZISRAWFILE"), "Fiji opens most"),
    "an array": ("a.npy", lambda path: np.save(path, GREY), "save it as a TIFF stack"),
    "a sheet": ("a.xlsx", lambda path: path.write_bytes(b"PK\3\4"), "tracks are read as CSV"),
    "of MATLAB": ("a.mat", lambda path: path.write_bytes(b"MATLAB 5.0"), "tracks are read as CSV"),
    "an animation": (
        "a.webp",
        lambda path: Image.fromarray(GREY[0]).save(
            path, save_all=True, append_images=[Image.fromarray(GREY[1])]
        ),
        "WebP picture or animation, which is not read: turn it into single PNG",
    ),
    "without ending": ("film", stack, r"is a TIFF; name it film\.tif"),
    "an empty table": ("t.csv", lambda path: path.write_bytes(b""), "copy it again, for it is em"),
}


@pytest.mark.parametrize(("name", "lay", "said"), MISNAMED.values(), ids=MISNAMED)
def test_it_is_said_what_a_file_is(tmp_path, name, lay, said):
    lay(tmp_path / name)
    with pytest.raises(InputError, match=said) as refusal:
        runs(tmp_path)
    assert name in str(refusal.value)


def test_a_folder_of_chunks_is_named_as_a_whole(tmp_path):
    (tmp_path / "film.zarr").mkdir()
    (tmp_path / "film.zarr" / "0.0.0").write_bytes(b"x")
    with pytest.raises(InputError, match=r"It holds film\.zarr"):
        runs(tmp_path)


def test_images_are_known_by_their_contents(tmp_path):
    for k, image in enumerate(GREY):
        tifffile.imwrite(tmp_path / f"{k}.png", image)
    assert runs(tmp_path)[0].kind == "sequence"
