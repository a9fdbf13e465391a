"""Frame k of a film is what straight decoding shows as the k-th, however it is reached."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.video.films import FilmReader
from pipeline.video.tiff import UnreadableVideo

B_FRAMES = {"bf": "3", "g": "12"}
OPEN = {**B_FRAMES, "x264-params": "open-gop=1:keyint=12:min-keyint=12:scenecut=0"}
HIDDEN = {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "12", "b": "200k", "cpu-used": "8"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
# name, codec, pixels, options of the codec, container, options of the container.
FILMS = {
    "h264 mp4": ("a.mp4", "libx264", "yuv420p", B_FRAMES, None, None),
    "open groups": ("a.mp4", "libx264", "yuv420p", OPEN, None, None),
    "fragmented": ("a.mp4", "libx264", "yuv420p", B_FRAMES, None, FRAGMENTS),
    "intra refresh": (
        "a.mp4", "libx264", "yuv420p", {"x264-params": "intra-refresh=1:keyint=20"}, None, None
    ),
    "mkv": ("a.mkv", "libx264", "yuv420p", B_FRAMES, None, None),
    "h264 avi": ("a.avi", "libx264", "yuv420p", B_FRAMES, None, None),
    "mpeg4 avi": ("a.avi", "mpeg4", "yuv420p", B_FRAMES, None, None),
    "mjpeg": ("a.avi", "mjpeg", "yuvj420p", {}, None, None),
    "lossless": ("a.avi", "ffv1", "gray", {"g": "12"}, None, None),
    "program stream": ("a.mpg", "mpeg2video", "yuv420p", {"bf": "2", "g": "12"}, "mpeg", None),
    "mpeg1": ("a.mpg", "mpeg1video", "yuv420p", {"bf": "2", "g": "12"}, "mpeg", None),
    "transport stream": ("a.ts", "libx264", "yuv420p", B_FRAMES, "mpegts", None),
    "vp8, hidden frames": ("a.webm", "libvpx", "yuv420p", HIDDEN, None, None),
    "vp9, hidden frames": ("a.webm", "libvpx-vp9", "yuv420p", HIDDEN, None, None),
    "wmv": ("a.wmv", "wmv2", "yuv420p", {"g": "12"}, None, None),
    "no stamps": ("a.264", "libx264", "yuv420p", B_FRAMES, "h264", None),
    "gif": ("a.gif", "gif", "gray", {}, None, None),
}  # fmt: skip
SIZED = ("mp4", "mkv", "webm", "avi", "wmv", "gif")  # containers that say how long they are


def pictures(count: int, seed: int, alike: float = 0.0) -> np.ndarray:
    """(T, 48, 64) spots that wander; a share of the frames is like the one before."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    points, frames = random.uniform(0, 60, (9, 2)), []
    for _ in range(count):
        if not frames or random.random() >= alike:
            points = points + random.normal(0, 1, points.shape)
            spots = [np.exp(-((y - b) ** 2 + (x - a) ** 2) / 8) for a, b in points]
            frames.append(np.clip(180 * np.sum(spots, axis=0) + 40, 0, 255).astype(np.uint8))
        else:
            frames.append(frames[-1])
    return np.array(frames)


def write(
    path: Path,
    images: np.ndarray,
    codec: str,
    pixels: str,
    options: dict[str, str],
    container: str | None = None,
    extra: dict[str, str] | None = None,
    stamps: np.ndarray | None = None,
    tick: Fraction = Fraction(1, 25),
) -> None:
    """Writes (T, H, W) images as a film of 25 frames a second, or with these stamps in ticks."""
    with av.open(str(path), "w", format=container, options=extra or {}) as file:
        stream = file.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = images.shape[1:]
        stream.pix_fmt = pixels
        stream.codec_context.max_b_frames = int(options.get("bf", 0))
        stream.codec_context.gop_size = int(options.get("g", 12))
        stream.codec_context.time_base = tick
        for k, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "gray")
            frame.pts, frame.time_base = (k if stamps is None else int(stamps[k])), tick
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def straight(path: Path) -> np.ndarray:
    """The frames as PyAV shows them to whoever does nothing but go on."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])


def chunks_agree(path: Path, truth: np.ndarray, pieces) -> FilmReader:
    made = FilmReader(path, grey=True)
    assert made.length == len(truth)
    reader = FilmReader(path, grey=True, index=made.index)
    for start, count, step in pieces:
        stop = min(start + count, len(truth))
        found = list(reader.planes(start, stop, step))
        np.testing.assert_array_equal(np.array(found), truth[start:stop:step])
    return reader


def test_ticks_of_an_avi_without_a_picture_are_no_lost_end(tmp_path):
    """A film of 4 frames a second in a container of 100: 24 of 25 chunks are empty. Cut for real,
    it is refused."""
    images, stamps = pictures(12, 3), 25 * np.arange(12)
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=100)
        stream.height, stream.width = images.shape[1:]
        stream.pix_fmt = "yuvj420p"
        for image, stamp in zip(images, stamps.tolist(), strict=True):
            frame = av.VideoFrame.from_ndarray(image, "gray")
            frame.pts, frame.time_base = stamp, Fraction(1, 100)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with av.open(str(path)) as file:
        assert file.streams.video[0].frames > 200
    reader = FilmReader(path, grey=True)
    assert reader.length == 12
    np.testing.assert_allclose(reader.index.seconds, stamps / 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableVideo, match=r"cut short|breaks off"):
        _ = FilmReader(path, grey=True).length


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def bitmaps(path: Path, images: np.ndarray) -> None:
    """Uncompressed AVI as ImageJ writes it: indices of a grey palette, rows from the bottom up."""
    count, height, width = images.shape
    size = height * width
    palette = b"".join(bytes([k, k, k, 0]) for k in range(256))
    form = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, size, 0, 0, 256, 0) + palette
    stream = b"vids" + bytes(16) + struct.pack("<8I4H", 1, 25, 0, count, size, 0, 0, 0, 0, 0, 0, 0)
    head = struct.pack("<14I", 40000, 0, 0, 0, count, 0, 1, size, width, height, 0, 0, 0, 0)
    lists = b"strl" + chunk(b"strh", stream) + chunk(b"strf", form)
    header = b"hdrl" + chunk(b"avih", head) + chunk(b"LIST", lists)
    movie = b"movi" + b"".join(chunk(b"00db", image[::-1].tobytes()) for image in images)
    path.write_bytes(chunk(b"RIFF", b"AVI " + chunk(b"LIST", header) + chunk(b"LIST", movie)))


def test_bitmaps_from_the_bottom_up(tmp_path):
    images = pictures(6, 5)[:, :, :60]
    bitmaps(tmp_path / "a.avi", images)
    reader = FilmReader(tmp_path / "a.avi", grey=True)
    assert reader.length == 6
    found = np.array(list(reader.planes(0, 6)))
    assert np.abs(found.astype(int) - images).max() <= 1


PIECES = [(70, 5, 1), (3, 2, 1), (5, 20, 3), (47, 1, 1), (11, 3, 1), (12, 3, 1), (0, 75, 7)]


@pytest.mark.parametrize("film", FILMS.values(), ids=FILMS.keys())
def test_every_container_in_chunks(tmp_path, film):
    name, codec, pixels, options, container, extra = film
    images = pictures(75, zlib.crc32(repr(film).encode()), alike=0.1)
    write(tmp_path / name, images, codec, pixels, options, container, extra)
    chunks_agree(tmp_path / name, straight(tmp_path / name), PIECES)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Films of every kind with what straight decoding shows of them."""
    folder, found = tmp_path_factory.mktemp("films"), []
    for seed, key in enumerate(("open groups", "h264 avi", "mpeg4 avi", "program stream")):
        name, codec, pixels, options, container, extra = FILMS[key]
        path = folder / f"{seed}{name}"
        write(path, pictures(60, seed, 0.2), codec, pixels, options, container, extra)
        found.append((path, straight(path)))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    which=st.integers(0, 3),
    pieces=st.lists(
        st.tuples(st.integers(0, 59), st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=6
    ),
)
def test_random_chunks_of_random_films(library, which, pieces):
    path, truth = library[which]
    chunks_agree(path, truth, pieces)


def test_two_readers_of_one_film_take_turns(tmp_path):
    """What a reader yields does not depend on what else was asked of it in between."""
    name, codec, pixels, options, container, extra = FILMS["mpeg4 avi"]
    write(tmp_path / name, pictures(40, 5), codec, pixels, options, container, extra)
    truth, reader = straight(tmp_path / name), FilmReader(tmp_path / name, grey=True)
    both = zip(reader.planes(0, 30), reader.planes(9, 39), strict=True)
    for t, (first, second) in enumerate(both):
        np.testing.assert_array_equal(first, truth[t])
        np.testing.assert_array_equal(second, truth[t + 9])


def test_a_seek_that_goes_astray_is_noticed(tmp_path, monkeypatch):
    """With a container that always enters elsewhere, the film is decoded from its beginning."""
    name, codec, pixels, options, container, extra = FILMS["h264 mp4"]
    write(tmp_path / name, pictures(60, 3), codec, pixels, options, container, extra)
    truth, made = straight(tmp_path / name), FilmReader(tmp_path / name, grey=True)
    reader = FilmReader(tmp_path / name, grey=True, index=made.index)
    lying = made.index._replace(stamp=np.roll(made.index.stamp, 20))
    reader._index = lying
    np.testing.assert_array_equal(np.array(list(reader.planes(30, 40))), truth[30:40])


def test_a_changed_film_is_refused(tmp_path):
    name, codec, pixels, options, container, extra = FILMS["mjpeg"]
    write(tmp_path / name, pictures(30, 1), codec, pixels, options, container, extra)
    index = FilmReader(tmp_path / name, grey=True).index
    write(tmp_path / name, pictures(12, 2), codec, pixels, options, container, extra)
    with pytest.raises(UnreadableVideo, match="did it change since"):
        list(FilmReader(tmp_path / name, grey=True, index=index).planes(20, 25))


def test_a_film_without_pictures(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    with pytest.raises(UnreadableVideo, match="holds no video"):
        FilmReader(tmp_path / "a.mp4", grey=True)


def test_stamps_are_seconds(tmp_path):
    stamps = np.cumsum([0, 40, 40, 80, 40, 120, 40, 40])
    tick = Fraction(1, 1000)
    write(tmp_path / "a.mkv", pictures(8, 4), "libx264", "yuv420p", {}, stamps=stamps, tick=tick)
    found = FilmReader(tmp_path / "a.mkv", grey=True).index.seconds
    np.testing.assert_allclose(found, stamps / 1000)


@pytest.mark.parametrize("rate", [30, 240, 700])
@pytest.mark.parametrize("cut", [np.round, np.floor])
@pytest.mark.parametrize("lost", [[], [9, 10, 21]])
def test_stamps_that_were_rounded_are_those_of_the_stated_rate(tmp_path, film, rate, cut, lost):
    """Milliseconds are coarse for 700 frames a second: that loses no frame."""
    number = np.setdiff1d(np.arange(40), lost)
    film(tmp_path / "a.mkv", pictures(len(number), 4), "ffv1", rate=rate)
    index = FilmReader(tmp_path / "a.mkv", grey=True).index
    assert index.tick == pytest.approx(1e-3)
    found = index._replace(stamp=cut(1000 * number / rate).astype(np.int64)).seconds
    assert found * rate == pytest.approx(number)
    astray = index._replace(stamp=cut(1000 * number / (0.93 * rate)).astype(np.int64)).seconds
    if rate < 100:
        assert astray * rate == pytest.approx(number / 0.93, abs=0.1)


def test_frames_of_two_sizes(tmp_path):
    """A stream that changes its size in the middle, as raw MPEG-4 can, is refused by the frame."""
    parts = []
    for images in (pictures(6, 1), pictures(6, 2)[:, :32, :32]):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mjpeg") as file:
            stream = file.add_stream("mjpeg", rate=25)
            stream.height, stream.width = images.shape[1:]
            stream.pix_fmt = "yuvj420p"
            for image in images:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(image, "gray")))
            file.mux(stream.encode())
        parts.append(buffer.getvalue())
    (tmp_path / "a.mjpeg").write_bytes(b"".join(parts))
    with pytest.raises(ValueError, match=r"differ in size: frame 6 has 32 x 32 px"):
        _ = FilmReader(tmp_path / "a.mjpeg", grey=True).length


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_frames_that_an_avi_lost_are_gaps_and_no_damage(tmp_path, codec):
    """The header counts them, the stamps skip them; decoders are told of them by empty packets."""
    number = np.array([k + 2 * (k >= 10) + (k >= 20) for k in range(30)])
    images = pictures(30, 1)
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    write(tmp_path / "a.avi", images, codec, pixels, {}, stamps=number, tick=Fraction(1, 25))
    reader = chunks_agree(tmp_path / "a.avi", straight(tmp_path / "a.avi"), [(12, 9, 1), (3, 5, 2)])
    np.testing.assert_allclose(25 * reader.index.seconds, number)


def reopened(path: Path) -> FilmReader:
    reader = FilmReader(path, grey=True)
    for _ in reader.through():
        pass
    return reader


@pytest.mark.parametrize("film", FILMS.values(), ids=FILMS.keys())
def test_a_whole_film_gives_no_remark(tmp_path, film):
    name, codec, pixels, options, container, extra = film
    write(tmp_path / name, pictures(40, 8), codec, pixels, options, container, extra)
    said = " ".join(reopened(tmp_path / name).remarks("a"))
    assert said == "" or ("time stamps" in said and name in ("a.264", "a.mpg"))


DAMAGED = {
    "a.mp4": ("libx264", None, 8),
    "a.mpg": ("mpeg2video", "mpeg", 8),
    "a.mkv": ("libx264", None, 60),
    "b.mp4": ("mpeg4", None, 8),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_that_a_decoder_paints_over_is_named(tmp_path, name):
    codec, container, size = DAMAGED[name]
    write(tmp_path / name, pictures(75, 1), codec, "yuv420p", {}, container)
    data = bytearray((tmp_path / name).read_bytes())
    middle = int(0.4 * len(data))
    data[middle : middle + size] = np.random.default_rng(0).bytes(size)
    (tmp_path / name).write_bytes(data)
    reader = reopened(tmp_path / name)
    assert 20 < reader.damaged < 40
    assert f"a is damaged from about frame {reader.damaged} on" in reader.remarks("a")[0]
    chunks_agree(tmp_path / name, straight(tmp_path / name), [(40, 3, 1), (20, 9, 1), (33, 20, 3)])


SAY_THEIR_SIZE = [name for name, film in FILMS.items() if film[0].split(".")[1] in SIZED]


@pytest.mark.parametrize("name", SAY_THEIR_SIZE)
def test_a_film_of_which_the_last_bytes_are_missing(tmp_path, name):
    path = tmp_path / FILMS[name][0]
    write(path, pictures(40, 1), *FILMS[name][1:4], *FILMS[name][4:])
    data = path.read_bytes()
    assert FilmReader(path, grey=True).length == 40
    for lost in (1, 20, len(data) // 200, len(data) // 50, len(data) // 3):
        path.write_bytes(data[:-lost])
        with pytest.raises(UnreadableVideo, match=rf"{path.name} (is cut|breaks off|is not a)"):
            _ = FilmReader(path, grey=True).length
    path.write_bytes(data + bytes(3000))  # zeros that fill a block are no harm
    assert FilmReader(path, grey=True).length == 40


def test_a_film_that_ends_before_the_time_it_announces(tmp_path):
    write(tmp_path / "a.flv", pictures(75, 1), "flv", "yuv420p", {"g": "12"})
    data = (tmp_path / "a.flv").read_bytes()
    (tmp_path / "a.flv").write_bytes(data[: int(0.6 * len(data))])
    with pytest.raises(UnreadableVideo, match=r"announces 3(\.\d*)? s and ends after [12]"):
        _ = FilmReader(tmp_path / "a.flv", grey=True).length


def test_times_that_stand_beside_their_frames_are_put_in_order(tmp_path):
    """H.264 in AVI, which knows no order but that of the packets."""
    number = np.array([k + (k >= 20) for k in range(40)])
    images = pictures(40, 1)
    write(tmp_path / "a.avi", images, "libx264", "yuv420p", B_FRAMES, stamps=number)
    reader = reopened(tmp_path / "a.avi")
    assert reader.index.mixed
    found = np.round(25 * reader.index.seconds)
    assert (np.diff(np.sort(found)) > 0).all()
    assert np.abs(found - number).max() <= 1
    assert "may be counted a few frames from where it was lost" in reader.remarks("a")[0]


def test_of_several_video_streams_one_is_asked_for(tmp_path):
    both = [pictures(20, seed) for seed in (1, 2)]
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        streams = [file.add_stream("ffv1", rate=25) for _ in both]
        for stream in streams:
            stream.height, stream.width, stream.pix_fmt = 48, 64, "gray"
        for pair in zip(*both, strict=True):
            for stream, image in zip(streams, pair, strict=True):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(image, "gray")))
        for stream in streams:
            file.mux(stream.encode())
    with pytest.raises(ValueError, match=r"2 video streams: say which .*video\.position: 0 to 1"):
        FilmReader(tmp_path / "a.mkv", grey=True)
    for position, images in enumerate(both):
        reader = FilmReader(tmp_path / "a.mkv", grey=True, position=position)
        np.testing.assert_array_equal(list(reader.planes(0, 20)), images)
        np.testing.assert_array_equal(list(reader.planes(5, 9)), images[5:9])


def test_lines_of_two_times(tmp_path):
    options = {"flags": "+ildct+ilme"}
    write(tmp_path / "a.mpg", pictures(20, 1), "mpeg2video", "yuv420p", options, "mpeg")
    said = " ".join(reopened(tmp_path / "a.mpg").remarks("a"))
    assert "20 of 20 frames of a are interlaced" in said


def test_pixels_that_are_not_square(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)
        for image in pictures(20, 1):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, "gray")))
        file.mux(stream.encode())
    assert FilmReader(tmp_path / "a.mp4", grey=True).aspect == pytest.approx(15 / 16)


def test_time_stamps_that_go_back_are_said(tmp_path):
    """Two transport streams, one written behind the other."""
    for name in ("b.ts", "c.ts"):
        write(tmp_path / name, pictures(30, 1), "mpeg2video", "yuv420p", {}, "mpegts")
    both = (tmp_path / "b.ts").read_bytes() + (tmp_path / "c.ts").read_bytes()
    (tmp_path / "a.ts").write_bytes(both)
    reader = reopened(tmp_path / "a.ts")
    said = " ".join(reader.remarks("a"))
    assert f"{reader.length} frames of a do not increase at frame" in said
    chunks_agree(tmp_path / "a.ts", straight(tmp_path / "a.ts"), [(5, 9, 1), (20, 20, 1)])
