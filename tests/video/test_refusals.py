"""Inputs that cannot be used are refused in one sentence that names them, one by one."""

from __future__ import annotations

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from pipeline.errors import InputError
from pipeline.video.frames import Video, check_scale, open_run
from pipeline.video.settings import Reading
from pipeline.video.sources import runs
from pipeline.video.survey import open_all


def only(folder, **options) -> Video:
    (source,) = runs(folder)
    return open_run(source, **options)


def refused(folder, match):
    with pytest.raises(ValueError, match=match) as caught:
        only(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_nothing_to_read(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    refused(tmp_path, "no video found in")


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_one_frame(tmp_path, stack, name):
    imageio.imwrite(tmp_path / name, stack[0])
    refused(tmp_path, f"{name} gives 1 frame")


def test_frames_that_differ_in_size(tmp_path, stack):
    for t, image in enumerate([stack[0], stack[1, :20], stack[2]]):
        imageio.imwrite(tmp_path / f"{t}.png", image)
    refused(tmp_path, r"1\.png has \(20, 32\)")


def test_pages_that_differ_in_size(tmp_path, stack):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for image in (stack[0], stack[1, :20], stack[2]):
            writer.write(image, photometric="minisblack")
    refused(tmp_path, r"a\.tif differ in size")


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"metadata": None}, {"imagej": True}]
)
@pytest.mark.parametrize("part", [0.0005, 0.3, 0.6, 0.95])
def test_truncated_tiff_is_named(tmp_path, stack, options, part):
    noisy = np.random.default_rng(0).integers(0, 255, (9, 64, 64)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "whole.tif") as writer:
        for image in noisy:
            writer.write(
                image, photometric="minisblack", **({} if options == {"imagej": True} else options)
            )
    whole = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "whole.tif").unlink()
    (tmp_path / "cut.tif").write_bytes(whole[: int(part * len(whole))])
    refused(tmp_path, r"cut\.tif")


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mjpeg")])
def test_truncated_film_is_named(film, tmp_path, name, codec):
    noisy = np.random.default_rng(0).integers(0, 255, (30, 64, 64)).astype(np.uint8)
    film(tmp_path / name, noisy, codec, "yuvj420p" if codec == "mjpeg" else "yuv420p")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    refused(tmp_path, name)


def test_truncated_image_of_a_sequence_is_named(tmp_path, stack):
    for t, image in enumerate(stack):
        imageio.imwrite(tmp_path / f"{t}.png", image)
    whole = (tmp_path / "4.png").read_bytes()
    (tmp_path / "4.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"4\.png cannot be read"):
        list(only(tmp_path))


def test_not_a_video_at_all(tmp_path):
    for name in ("a.mp4", "a.tif", "a.nd2"):
        folder = tmp_path / name[2:]
        folder.mkdir()
        (folder / name).write_bytes(b"these are not pictures" * 50)
        refused(folder, name.replace(".", r"\."))


IMAGEJ = {"imagej": True, "resolution": (1 / 0.68, 1 / 0.68)}
SCALED = {
    "json": {"metadata": {"axes": "TYX", "mpp": 0.68, "fps": 80.0}},
    "imagej": {**IMAGEJ, "metadata": {"axes": "TYX", "unit": "um", "finterval": 1 / 80}},
    "ome": {
        "ome": True,
        "metadata": {
            "axes": "TYX",
            "PhysicalSizeX": 680.0,
            "PhysicalSizeXUnit": "nm",
            "TimeIncrement": 12.5,
            "TimeIncrementUnit": "ms",
        },
    },
}


@pytest.mark.parametrize("options", SCALED.values(), ids=SCALED.keys())
def test_a_scale_that_contradicts_the_file(tmp_path, stack, options):
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", **options)
    video = only(tmp_path)
    assert (video.mpp, video.fps) == (pytest.approx(0.68, rel=1e-4), pytest.approx(80, rel=1e-4))
    check_scale(video, None, None)
    check_scale(video, 0.67, 81)
    with pytest.raises(ValueError, match=r"video\.mpp = 1\.2 um per px contradicts .*a\.tif"):
        check_scale(video, 1.2, 80)
    with pytest.raises(ValueError, match=r"video\.fps = 24 frames per second contradicts"):
        check_scale(video, 0.68, 24)


def test_a_film_states_its_playing_speed_only(film, tmp_path, stack):
    film(tmp_path / "a.avi", stack)
    check_scale(only(tmp_path), 0.5, 5000.0)


def test_a_data_set_whose_runs_or_scale_disagree(tmp_path, stack):
    settings = Reading(mpp=0.68, fps=80)
    described = {"axes": "TYX", "mpp": 0.68, "fps": 80.0}
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata=described)
    assert [len(video) for video in open_all(tmp_path, settings)] == [7]
    assert len(open_all(tmp_path, settings.replace(frames=(1, 4)))[0]) == 3
    assert open_all(tmp_path, settings.replace(crop=(2, 3, 22, 13)))[0].shape == (10, 20)
    with pytest.raises(ValueError, match="contradicts"):
        open_all(tmp_path, settings.replace(mpp=1.0))
    tifffile.imwrite(tmp_path / "b.tif", stack[:, :20], metadata=described)
    with pytest.raises(ValueError, match=r"a: 32 x 24 px, b: 32 x 20 px"):
        open_all(tmp_path, settings)


def mutated(content: bytes, seed: int) -> bytes:
    """Cut short, or a few bytes changed at the beginning, at the end or anywhere."""
    luck, changed = np.random.default_rng(seed), bytearray(content)
    if seed % 4 == 0:
        return content[: int(len(content) * luck.random())]
    low, high = [(0, 600), (-900, 0), (0, len(content))][seed % 4 - 1]
    for where in luck.integers(low, min(high, len(content)) or 0, 4):
        changed[where] = luck.choice([0, 1, 127, 255])
    return bytes(changed)


FORMATS = {
    "plain.tif": {"photometric": "minisblack"},
    "zlib.tif": {"photometric": "minisblack", "compression": "zlib"},
    "imagej.tif": {"imagej": True, "metadata": {"axes": "TYX", "finterval": 0.05}},
    "ome.tif": {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.3}},
    "a.avi": "mjpeg",
    "a.mp4": "libx264",
    "a.mkv": "ffv1",
    "a.gif": None,
}


@pytest.mark.parametrize(("name", "how"), FORMATS.items())
def test_a_film_damaged_anyhow_is_a_film_or_a_sentence(tmp_path, film, name, how):
    frames = np.random.default_rng(0).integers(0, 255, (9, 32, 48)).astype(np.uint8)
    path = tmp_path / "whole" / name
    path.parent.mkdir()
    if isinstance(how, dict):
        tifffile.imwrite(path, frames, **how)
    elif how is None:
        imageio.imwrite(path, frames)
    else:
        film(path, frames, how, "yuvj420p" if how == "mjpeg" else "gray")
    content = path.read_bytes()
    assert len(only(path.parent)) == 9
    path.unlink()
    said = []
    for seed in range(24):
        path.write_bytes(mutated(content, seed))
        try:
            open_all(path.parent, Reading())
        except InputError as refusal:
            said.append(str(refusal))
    assert said
    assert all(name in sentence for sentence in said)


def test_a_film_whose_end_is_missing(tmp_path):
    """Of an OME file the description, with the scale; of a GIF the frames that nobody counted."""
    frames = np.random.default_rng(0).integers(0, 255, (9, 32, 48)).astype(np.uint8)
    scale = {"axes": "TYX", "PhysicalSizeX": 0.3}
    tifffile.imwrite(tmp_path / "a.tif", frames, ome=True, metadata=scale)
    imageio.imwrite(tmp_path / "b.gif", frames)
    for name in ("a.tif", "b.gif"):
        place = tmp_path / name[0]
        place.mkdir()
        content = (tmp_path / name).read_bytes()
        (place / name).write_bytes(content[:-300])
        refused(place, f"{name} is cut short|{name} breaks off")
