"""Every container gives back the frames that were written into it; damaged ones are refused."""

from __future__ import annotations

import pickle

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from pipeline.video.frames import Part, Video, open_run
from pipeline.video.preprocess import Correction
from pipeline.video.sources import runs


def only(folder, channel=None, **options) -> Video:
    (source,) = runs(folder)
    return open_run(source, Part(channel), **options)


TIFFS = {
    "plain": {},
    "zlib": {"compression": "zlib"},
    "bigtiff": {"bigtiff": True},
    "big endian": {"byteorder": ">"},
    "imagej": {"imagej": True},
    "ome": {"ome": True, "metadata": {"axes": "TYX"}},
    "no metadata": {"metadata": None},
}


@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS.keys())
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_stacks_come_back_whole_in_any_order(tmp_path, stack, options, dtype):
    images = stack.astype(dtype) * (200 if dtype == np.uint16 else 1)
    tifffile.imwrite(tmp_path / "a.tif", images, photometric="minisblack", **options)
    video = only(tmp_path)
    assert (len(video), video.shape, video.dtype) == (7, (24, 32), dtype)
    np.testing.assert_array_equal(np.stack(list(video)), images)
    np.testing.assert_array_equal(np.stack(list(video.frames(5, 2**30))), images[5:])
    np.testing.assert_array_equal(np.stack(list(video.frames(1, 7, 2))), images[1:7:2])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(video))[-1], images[-1])


@pytest.mark.parametrize("axes", ["TCYX", "CTYX", "TYXS"])
def test_channels_of_a_hyperstack(tmp_path, stack, axes):
    colours = np.stack([stack, stack // 2, 255 - stack])  # C T Y X
    order = ["CTYX".index(a.replace("S", "C")) for a in axes]
    photometric = "rgb" if "S" in axes else "minisblack"
    images = colours.transpose(order)
    tifffile.imwrite(
        tmp_path / "a.ome.tif", images, ome=True, metadata={"axes": axes}, photometric=photometric
    )
    for channel in range(3):
        frames = np.stack(list(only(tmp_path, channel=channel)))
        np.testing.assert_array_equal(frames, colours[channel])
    if "S" in axes:
        grey = np.tensordot([0.299, 0.587, 0.114], colours.astype(float), 1)
        assert np.abs(np.stack(list(only(tmp_path))) - grey).max() <= 0.5 + 1e-3
    else:  # what was seen in several colours of light is no picture in colour
        with pytest.raises(ValueError, match=r"has 3 channels: say .*video\.channel: 0 to 2"):
            only(tmp_path)
    with pytest.raises(ValueError, match="channel must lie in 0 to 2"):
        only(tmp_path, channel=3)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_image_sequence_is_one_run_in_natural_order(tmp_path, stack, suffix):
    for t, image in enumerate(stack):
        imageio.imwrite(tmp_path / f"f_{t + 7}{suffix}", image)  # f_7 ... f_13: not alphabetical
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "tracks.csv").write_text("x,y")
    (tmp_path / "._f_7.png").write_bytes(b"left by a file manager")
    video = only(tmp_path)
    np.testing.assert_array_equal(np.stack(list(video)), stack)
    assert video.source.name == tmp_path.name


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        (".avi", "rawvideo", "gray"),
        (".avi", "ffv1", "gray"),
        (".mp4", "libx264", "yuv444p"),
        (".mov", "libx264", "yuv420p"),
        (".mkv", "libx264", "yuv420p"),
    ],
)
def test_films_agree_however_they_are_entered(film, tmp_path, stack, suffix, codec, pixels):
    lossless = {"qp": "0"} if codec == "libx264" else {}
    film(tmp_path / f"a{suffix}", stack, codec, pixels, **lossless)
    video = only(tmp_path)
    assert (len(video), video.shape, video.fps) == (7, (24, 32), 25.0)
    whole = np.stack(list(video))
    assert np.abs(whole.astype(int) - stack).max() <= 2  # colour ranges round
    for t in (6, 0, 3):
        np.testing.assert_array_equal(video[t], whole[t])


def test_colour_film_by_channel(film, tmp_path, stack):
    colours = np.stack([stack, 0 * stack + 90, 255 - stack], axis=-1)
    film(tmp_path / "a.mkv", colours, "ffv1", "bgr0")
    np.testing.assert_array_equal(np.stack(list(only(tmp_path, channel=2))), 255 - stack)


def test_several_videos_are_several_runs_and_subfolders_count(tmp_path, stack):
    tifffile.imwrite(tmp_path / "run10.tif", stack)
    tifffile.imwrite(tmp_path / "run9.tif", stack[::-1])
    (tmp_path / "series").mkdir()
    for t in range(3):
        imageio.imwrite(tmp_path / "series" / f"{t}.png", stack[t])
    found = runs(tmp_path)
    assert [source.name for source in found] == ["run9", "run10", "series"]
    assert [len(open_run(source)) for source in found] == [7, 7, 3]


def test_a_span_of_frames(tmp_path, stack):
    tifffile.imwrite(tmp_path / "a.tif", stack)
    np.testing.assert_array_equal(np.stack(list(only(tmp_path, span=(2, 5)))), stack[2:5])
    with pytest.raises(ValueError, match="frames must lie in 0 to 7"):
        only(tmp_path, span=(2, 9))


def test_reading_does_not_grow_with_the_video(tmp_path):
    tracemalloc = pytest.importorskip("tracemalloc")
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for t in range(200):
            writer.write(np.full((256, 256), t, np.uint8), contiguous=True)
    video = only(tmp_path)
    tracemalloc.start()
    for image in video:
        assert image.nbytes == 65536
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 65536 < 200 * 65536


def test_pixel_aspect_makes_rows_square(tmp_path):
    y, x = np.mgrid[:90, :160]
    image = np.rint(200 * np.exp(-0.5 * ((y - 30) ** 2 / 9 + (x - 70) ** 2 / 16))).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", np.stack([image, image]))
    square = only(tmp_path, correction=Correction(pixel_aspect=4 / 3))[0].astype(float)
    rows, columns = np.mgrid[: square.shape[0], :160]
    assert square.shape == (119, 160)
    assert (rows * square).sum() / square.sum() == pytest.approx(40, abs=0.02)
    assert (columns * square).sum() / square.sum() == pytest.approx(70, abs=0.02)
    spread = [
        ((a - a0) ** 2 * square).sum() / square.sum() for a, a0 in ((rows, 40), (columns, 70))
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.05)
