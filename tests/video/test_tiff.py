"""All images of full size in their order, whatever the writer made of series, axes and pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.video.frames import WHOLE, Part, Video
from pipeline.video.sources import runs
from pipeline.video.tiff import AskedFor, TiffReader, UnreadableVideo

IMAGES = np.random.default_rng(0).integers(0, 255, (12, 24, 20)).astype(np.uint8)


def read(path: Path, **which: int) -> np.ndarray:
    reader = TiffReader(path, **which)
    reader.verify()
    return np.stack(list(reader.planes(0, reader.length)))


WRITES = st.lists(
    st.tuples(
        st.integers(1, 4),  # images
        st.sampled_from([None, "zlib", "lzw", "packbits"]),
        st.sampled_from([None, 5, 24]),  # rows a strip
        st.booleans(),  # tiles
        st.booleans(),  # with a description
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(writes=WRITES, big=st.booleans(), order=st.sampled_from(["<", ">"]))
def test_random_series(tmp_path_factory, writes, big, order):
    path = tmp_path_factory.mktemp("series") / "a.tif"
    start = 0
    images = np.concatenate([IMAGES, IMAGES[::-1]])
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as file:
        for count, compression, rows, tiles, described in writes:
            layout = {"tile": (16, 16)} if tiles else {"rowsperstrip": rows}
            file.write(
                images[start : start + count],
                compression=compression,
                photometric="minisblack",
                **({} if described else {"metadata": None}),
                **layout,
            )
            start += count
    np.testing.assert_array_equal(read(path), images[:start])


def test_pages_that_take_turns(tmp_path):
    """Series by likeness would bring the compressed ones first."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for k, image in enumerate(IMAGES):
            file.write(image, compression="zlib" if k % 3 else None, metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)


def test_depth_that_changes(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for k, image in enumerate(IMAGES):
            file.write(image.astype(np.uint16 if k > 5 else np.uint8), metadata=None)
    found = read(tmp_path / "a.tif")
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, IMAGES)


def test_white_may_be_the_least_level(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for k, image in enumerate(IMAGES):
            shown = {"photometric": "minisblack"} if k % 2 else {"photometric": "miniswhite"}
            file.write(image if k % 2 else 255 - image, metadata=None, **shown)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)
    tifffile.imwrite(tmp_path / "b.tif", 255 - IMAGES, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), IMAGES)


def test_a_palette_in_any_order_shows_what_was_seen(tmp_path):
    """Indices of false colours are levels themselves; those of a palette for a picture are not."""
    grey = np.arange(256, dtype=np.uint16) * 257
    order = np.random.default_rng(0).permutation(256)
    stored = np.argsort(order)[IMAGES].astype(np.uint8)
    colours = np.array([[0, 0, 1], [0, 1, 1], [0, 1, 0], [1, 1, 0], [1, 0, 0]])
    shades = (np.interp(np.arange(256), [0, 64, 128, 192, 255], c) for c in colours.T)
    jet = 65535 * np.stack(list(shades))
    for name, images, shown in (
        ("shuffled", stored, np.stack([grey[order]] * 3)),
        ("ramp", IMAGES, np.stack([grey] * 3)),
        ("jet", IMAGES, jet.astype(np.uint16)),
    ):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, images, photometric="palette", colormap=shown)
        np.testing.assert_array_equal(read(path), IMAGES, err_msg=name)


def test_palettes_that_change_are_refused_unless_they_are_false_colours(tmp_path):
    grey = np.arange(256, dtype=np.uint16) * 257
    order = np.random.default_rng(0).permutation(256)
    for name, second in (("shuffled", grey[order]), ("brighter", np.minimum(grey, 30000) * 2)):
        with tifffile.TiffWriter(tmp_path / f"{name}.tif") as file:
            for k, image in enumerate(IMAGES):
                colours = np.stack([grey if k == 0 else second] * 3)
                file.write(image, photometric="palette", colormap=colours, metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "brighter.tif"), IMAGES)
    TiffReader(tmp_path / "brighter.tif").verify()
    with pytest.raises(ValueError, match=r"frame 1 of .*shuffled\.tif has another palette than fr"):
        TiffReader(tmp_path / "shuffled.tif").verify()


def test_more_images_than_the_description_names_are_refused(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, IMAGES, ome=True, metadata={"axes": "TYX"})
    count = f'SizeT="{len(IMAGES)}"'.encode()
    fewer = f'SizeT="{len(IMAGES) - 2:0{len(str(len(IMAGES)))}d}"'.encode()
    assert path.read_bytes().count(count) == 1
    path.write_bytes(path.read_bytes().replace(count, fewer))
    with pytest.raises(ValueError, match=f"holds {len(IMAGES)} images and .* leaves 2 of them"):
        TiffReader(path).verify()


def test_half_precision_and_complex_pixels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGES.astype(np.float16))
    found = read(tmp_path / "a.tif")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, IMAGES)
    tifffile.imwrite(tmp_path / "b.tif", IMAGES.astype(np.complex64))
    with pytest.raises(ValueError, match=r"b\.tif has pixels of type complex64"):
        TiffReader(tmp_path / "b.tif")


def test_grey_pages_beside_coloured_ones(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for image in IMAGES:
            file.write(image, metadata=None)
        file.write(np.dstack([IMAGES[0]] * 3), photometric="rgb", metadata=None)
    with pytest.raises(ValueError, match=r"a\.tif differ in size or colour"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "options",
    [
        {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.25}},
        {"imagej": True, "resolution": (5.0, 4.0), "metadata": {"unit": "um", "axes": "TYX"}},
        {"resolution": (500, 400)},
    ],
)
def test_pixels_that_are_not_square(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", IMAGES, photometric="minisblack", **options)
    assert TiffReader(tmp_path / "a.tif").aspect == pytest.approx(1.25)


def test_one_block_of_which_only_the_first_page_is_listed(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGES, truncate=True)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)


def test_reduced_copies_are_no_frames(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(IMAGES, metadata=None)
        file.write(IMAGES[:, ::2, ::2], subfiletype=1, metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)


@pytest.mark.parametrize("described", [True, False])
def test_planar_colours(tmp_path, described):
    colours = np.stack([IMAGES, IMAGES // 2, 255 - IMAGES], axis=-1)
    more = {} if described else {"metadata": None}
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(colours, -1, 1),
        photometric="rgb",
        planarconfig="separate",
        **more,
    )
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), colours)


def test_bits_are_black_and_white(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGES > 100)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), 255 * (IMAGES > 100))


def test_jpeg(tmp_path):
    y, x = np.mgrid[:24, :20]
    smooth = np.stack([120 + 60 * np.sin(0.2 * x + 0.3 * y + t) for t in range(3)]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", smooth, compression="jpeg", photometric="minisblack")
    assert np.abs(read(tmp_path / "a.tif").astype(int) - smooth).max() < 12


FOCUS = np.stack([IMAGES, 255 - IMAGES, IMAGES // 2], axis=1)  # T Z Y X


@pytest.mark.parametrize("kind", [{"ome": True}, {"imagej": True}, {}])
@pytest.mark.parametrize("axes", ["TZYX", "ZTYX"])
def test_focal_planes_are_asked_for(tmp_path, kind, axes):
    if kind == {"imagej": True} and axes == "ZTYX":
        pytest.skip("ImageJ has times first")
    images = FOCUS if axes == "TZYX" else FOCUS.swapaxes(0, 1)
    tifffile.imwrite(
        tmp_path / "a.tif", images, photometric="minisblack", metadata={"axes": axes}, **kind
    )
    with pytest.raises(AskedFor, match=r"a\.tif holds 3 focal planes at each of 12 times: say .*2"):
        TiffReader(tmp_path / "a.tif")
    with pytest.raises(AskedFor, match=r"video\.plane: 0 to 2"):
        TiffReader(tmp_path / "a.tif", plane=3)
    for plane in range(3):
        np.testing.assert_array_equal(read(tmp_path / "a.tif", plane=plane), FOCUS[:, plane])
    (source,) = runs(tmp_path)
    assert len(Video(source, Part(plane=1))) == 12


def test_a_plain_stack_of_slices_is_a_film(tmp_path):
    """ImageJ calls frames slices where nobody told it of time."""
    tifffile.imwrite(tmp_path / "a.tif", IMAGES, imagej=True, metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)


def test_positions_are_asked_for(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for images in (IMAGES, IMAGES[::-1]):
            file.write(images, metadata={"axes": "TYX"}, photometric="minisblack")
    with pytest.raises(AskedFor, match=r"holds 2 positions: say which to use, video\.position"):
        TiffReader(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(read(tmp_path / "a.ome.tif", position=1), IMAGES[::-1])


def test_a_position_that_is_not_there(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", IMAGES, ome=True, metadata={"axes": "TYX"})
    with pytest.raises(AskedFor, match=r"video\.position = 2, but .* holds one position"):
        TiffReader(tmp_path / "a.ome.tif", position=2)


def several(folder: Path, names: list[str], share: int) -> None:
    """An OME set, one series over several files, each of which describes all of them."""
    count = share * len(names)
    data = "".join(
        f'<TiffData FirstT="{t}" IFD="{t % share}" PlaneCount="1">'
        f'<UUID FileName="{names[t // share]}">urn:uuid:{t // share:032d}</UUID></TiffData>'
        for t in range(count)
    )
    planes = "".join(
        f'<Plane TheT="{t}" TheZ="0" TheC="0" DeltaT="{100 * t}" DeltaTUnit="ms"/>'
        for t in range(count)
    )
    for k, name in enumerate(names):
        description = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{k:032d}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            f'DimensionOrder="XYZCT" Type="uint8" SizeX="20" SizeY="24" SizeZ="1" SizeC="1" '
            f'SizeT="{count}"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}{planes}'
            "</Pixels></Image></OME>"
        )
        with tifffile.TiffWriter(folder / name) as file:
            for t in range(k * share, (k + 1) * share):
                file.write(
                    IMAGES[t],
                    photometric="minisblack",
                    metadata=None,
                    description=description if t == k * share else None,
                )


@pytest.mark.parametrize("share", [1, 4])
def test_a_set_of_several_files_is_one_run(tmp_path, share):
    names = [f"set_{k}.ome.tif" for k in range(3)]
    several(tmp_path, names, share)
    (source,) = runs(tmp_path)
    video = Video(source, WHOLE)
    np.testing.assert_array_equal(np.stack(list(video)), IMAGES[: 3 * share])
    times = TiffReader(source.paths[0]).times
    np.testing.assert_allclose(times, 0.1 * np.arange(3 * share))


def test_a_set_that_lacks_a_file(tmp_path):
    names = [f"set_{k}.ome.tif" for k in range(3)]
    several(tmp_path, names, 4)
    (tmp_path / names[2]).unlink()
    (source,) = runs(tmp_path)
    with pytest.raises(UnreadableVideo, match=r"one of 3 files that belong together.*set_2"):
        Video(source, WHOLE)


def test_ten_thousand_writes_are_listed_without_series(tmp_path, monkeypatch):
    """What tifffile makes of series costs the square of their number."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for image in IMAGES:
            file.write(image)
    monkeypatch.setattr(tifffile.TiffFile, "series", property(lambda _: pytest.fail("series")))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), IMAGES)


@pytest.mark.parametrize("colour", ["minisblack", "rgb"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_opacity_is_no_channel(tmp_path, colour, planar):
    count = {"minisblack": 1, "rgb": 3}[colour]
    whole = np.stack([IMAGES] * count + [255 - IMAGES], axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif",
        whole if planar == "contig" else np.moveaxis(whole, -1, 1),
        photometric=colour,
        planarconfig=planar,
        extrasamples=["unassalpha"],
        metadata=None,
    )
    wanted = IMAGES if count == 1 else np.stack([IMAGES] * 3, axis=-1)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), wanted)


@pytest.mark.parametrize(("colour", "samples"), [("separated", 4), ("cielab", 3)])
def test_what_is_no_brightness(tmp_path, colour, samples):
    shown = np.stack([IMAGES] * samples, axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", shown, photometric=colour, metadata=None)
    with pytest.raises(ValueError, match=f"stores its pixels as {colour.upper()}, which are no"):
        TiffReader(tmp_path / "a.tif")


def paged(path, notes: list[str], code: int) -> TiffReader:
    """A stack whose pages have a note each in a tag."""
    image = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40)
    with tifffile.TiffWriter(path) as file:
        for note in notes:
            data = note.encode() + b"\0"
            tags = [(code, 2, len(data), data, True)]
            if code == 270:
                file.write(image, contiguous=False, metadata=None, description=note)
            else:
                file.write(image, contiguous=False, metadata=None, extratags=tags)
    return TiffReader(path)


@pytest.mark.parametrize(
    ("code", "note"),
    [
        (51123, '{{"PixelSizeUm": 0.16, "ElapsedTime-ms": {ms}, "Frame": 0}}'),
        (270, "frameNumbers = 1\nframeTimestamps_sec = {s}\n"),
        (270, "Exposure = 0.01\nTime_From_Start = 00:00:{s}\n"),
        (270, '<prop id="acquisition-time-local" type="time" value="20240101 10:42:{s}"/>'),
    ],
    ids=["Micro-Manager", "ScanImage", "HCImage", "MetaMorph"],
)
def test_times_in_the_tags_of_pages(tmp_path, code, note):
    times = 1.5 + 0.25 * np.array([0, 1, 2, 5, 6])
    opened = paged(tmp_path / "a.tif", [note.format(s=t, ms=1000 * t) for t in times], code)
    np.testing.assert_allclose(opened.times - opened.times[0], times - times[0], atol=1e-6)
    assert opened.fps == pytest.approx(4.0)
    assert opened.mpp == (0.16 if code == 51123 else None)


def test_times_of_day_go_on_after_midnight(tmp_path):
    note = '<prop id="acquisition-time-local" type="time" value="20240101 {}"/>'
    days = [note.format(t) for t in ("23:59:59.5", "23:59:59.9", "00:00:00.3")]
    np.testing.assert_allclose(np.diff(paged(tmp_path / "a.tif", days, 270).times), 0.4, atol=1e-6)


def test_pages_without_all_their_times_have_none(tmp_path):
    notes = ['{"ElapsedTime-ms": 1}', '{"ElapsedTime-ms": 2}', "{}"]
    assert paged(tmp_path / "a.tif", notes, 51123).times is None
