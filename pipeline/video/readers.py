"""Readers of image sequences, films and microscope formats: raw frames by number, lazily.

A reader has `length`, `shape` of a raw frame, (H, W) or (H, W, channels), `dtype`, `fps` (None
where the container does not say), `planes(start, stop, step)` and `verify()`. Decoding is left to
imageio, PyAV, nd2 and pims; TIFF stacks have a file of their own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import av
import imageio.v3 as imageio
import nd2
import numpy as np
import pims

from pipeline.errors import InputError
from pipeline.video.tiff import AskedFor, UnreadableVideo

UNSTAMPED = np.iinfo(np.int64).min
PATIENCE = 64  # frames after a seek that may be unknown: those that lean on frames before it


class Reader(Protocol):
    """What every format gives: see the top of this file."""

    fps: float | None
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def length(self) -> int: ...

    def verify(self) -> None: ...

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]: ...


LARGEST = 100_000_000  # pixels of a frame, 10 000 x 10 000: a larger one is damage, or a bomb


def plausible(shape: tuple[int, ...], path: Path) -> None:
    """Refuses frames that would not fit into memory, before one is decoded."""
    height, width = shape[:2]
    if height * width > LARGEST:
        raise InputError(
            f"{path} announces frames of {width} x {height} pixels, and {LARGEST:.0e} is the most "
            f"that is read: crop the images, or is the file damaged?"
        )


class SequenceReader:
    """One image file per frame, in the order given."""

    def __init__(self, paths: tuple[Path, ...]):
        self.paths, self.length = paths, len(paths)
        self.fps: float | None = None
        self._announced(paths[0])
        first = self._read(paths[0])
        self.shape: tuple[int, ...] = first.shape
        self.dtype = first.dtype

    def verify(self) -> None:
        """Raises InputError where an image's size or depth differs from the first: headers only."""
        for path in self.paths:
            shape, dtype = self._announced(path)
            if dtype != self.dtype or shape[2:] != self.shape[2:]:
                raise InputError(
                    f"the frames differ in depth: {path} has {_depth(dtype, shape)} and "
                    f"{self.paths[0]} has {_depth(self.dtype, self.shape)}: their grey levels "
                    f"cannot be compared; convert them, or use separate folders"
                )
            if shape[:2] != self.shape[:2]:
                raise InputError(
                    f"the frames differ in size: {path} has {shape[:2]} and {self.paths[0]} has "
                    f"{self.shape[:2]} pixels; crop them to one size or use separate folders"
                )

    def _announced(self, path: Path) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of an image, from its header."""
        try:
            said = imageio.improps(path)
        except Exception as error:
            if "bomb" in type(error).__name__.lower():
                raise InputError(
                    f"{path} announces more pixels than {LARGEST:.0e}, the most that is read: crop "
                    f"the images, or is the file damaged?"
                ) from error
            raise UnreadableVideo(f"{path} cannot be read ({error}); copy it again") from error
        shape = said.shape[1:] if len(said.shape) > 2 and said.shape[0] == 1 else said.shape
        plausible(shape, path)
        return shape, np.dtype(said.dtype)

    def _read(self, path: Path) -> np.ndarray:
        try:
            image = np.asarray(imageio.imread(path))
        except Exception as error:
            raise UnreadableVideo(f"{path} cannot be read ({error}); copy it again") from error
        # A stack of one page comes with an axis of length one before the rows.
        return image[0] if image.ndim > 2 and image.shape[0] == 1 else image

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop."""
        for path in self.paths[start:stop:step]:
            yield self._read(path)


def _depth(dtype: np.dtype, shape: tuple[int, ...]) -> str:
    return f"{8 * dtype.itemsize} bit{f' x {shape[2]}' if len(shape) > 2 else ''}"


class FilmIndex(NamedTuple):
    """What straight decoding shows, frame by frame.

    Containers differ in what their time stamps and key frames are worth (edit lists, B frames in
    AVI, open groups of pictures, program streams), so frames are known by their content.

    Fields:
        stamp: (N,) int64, time stamps in units of `tick`, UNSTAMPED where there is none.
        mark: (N,) uint32, checksum of the first plane of pixels as decoded.
        key: (N,) bool, where decoding may begin, if the container is right.
        tick: seconds.
    """

    stamp: np.ndarray
    mark: np.ndarray
    key: np.ndarray
    tick: float

    @property
    def seconds(self) -> np.ndarray | None:
        """(N,) times of the frames [s], None where one has no stamp or they do not increase."""
        if (self.stamp == UNSTAMPED).any() or (np.diff(self.stamp) <= 0).any():
            return None
        return (self.stamp - self.stamp[0]) * self.tick


class FilmReader:
    """Compressed film (avi, mp4, mov, mkv, webm, mpg, ...); `grey` asks for its luminance.

    The index is made by decoding the film once; given again, it spares that. Frames are then
    reached by a seek, and every one is held against the index as it comes out: where another one
    comes, the film is decoded from its beginning instead. A reader goes on where it stopped, so
    that frames asked for in order are decoded once, also where no seek is to be trusted.

    Raises:
        UnreadableVideo: no film, a damaged one, or one cut short.
    """

    def __init__(self, path: Path, grey: bool, index: FilmIndex | None = None):
        self.path, self.grey, self._index = path, grey, index
        self.straight = False  # whether a seek went wrong: never again
        self._open()
        form = self.stream.codec_context.format
        deep = form is not None and form.components[0].bits > 8
        self.format = ("gray16le" if deep else "gray") if grey else ("rgb48le" if deep else "rgb24")
        self.dtype = np.dtype(np.uint16 if deep else np.uint8)
        height, width = self.stream.codec_context.height, self.stream.codec_context.width
        self.shape: tuple[int, ...] = (height, width) if grey else (height, width, 3)
        rate = self.stream.average_rate
        self.fps = float(rate) if rate else None

    def _open(self) -> None:
        """At the beginning: what a seek to zero does is another matter in some containers."""
        try:
            self.container = av.open(str(self.path))
            stream = self.container.streams.best("video")
            if not isinstance(stream, av.VideoStream):
                raise UnreadableVideo(f"{self.path} holds no video, only other streams")
            self.stream = stream
        except av.FFmpegError as error:
            raise UnreadableVideo(f"{self.path} cannot be opened as a film ({error})") from error
        self._decode(0)

    def _decode(self, following: int) -> None:
        """Frames from where the container stands, the first of them of this number."""
        self._frames: Iterator[av.VideoFrame] = (
            frame
            for frame in self.container.decode(self.stream)
            if isinstance(frame, av.VideoFrame)
        )
        self._next = following

    def adopt(self, index: FilmIndex) -> None:
        """Takes an index that was made before."""
        if self._index is None:
            self._index = index

    @property
    def index(self) -> FilmIndex:
        if self._index is None:
            for _ in self.through():
                pass
        assert self._index is not None
        return self._index

    @property
    def length(self) -> int:
        return len(self.index.stamp)

    def through(self) -> Iterator[np.ndarray]:
        """All frames by straight decoding, as they are stored; makes the index on the way.

        The first plane of pixels where luminance is asked for and stored by itself: what
        `planes` makes of it differs in the range of grey levels at most, and costs more than to
        decode. It is good until the next frame is asked for.

        Raises:
            UnreadableVideo: the film breaks off, or holds fewer frames than it announces.
        """
        self._open()
        self.stream.thread_type = "AUTO"
        notes: list[tuple[int, int, bool]] = []
        packets = 0
        try:
            for packet in self.container.demux(self.stream):
                packets += packet.size > 0
                for frame in packet.decode():
                    assert isinstance(frame, av.VideoFrame)
                    rows = _rows(frame)
                    notes.append((_stamp(frame), _checksum(rows), bool(frame.key_frame)))
                    yield self._stored(frame, rows, len(notes) - 1)
        except av.FFmpegError as error:
            raise UnreadableVideo(
                f"{self.path} breaks off at frame {len(notes)} ({error})"
            ) from error
        if not notes:
            raise UnreadableVideo(f"{self.path} shows no frame: it is empty or cut short")
        stamp, mark, key = (np.array(column) for column in zip(*notes, strict=True))
        self._index = FilmIndex(
            stamp.astype(np.int64), mark.astype(np.uint32), key, float(self.stream.time_base or 0)
        )
        self._refuse_part(packets)
        self._open()

    def _refuse_part(self, packets: int) -> None:
        """A film that announces more than it holds is cut short, unless its stamps go to the end:
        then frames were left out by whoever wrote it."""
        announced, seconds = self.stream.frames, self.index.seconds
        if max(packets, self.length) >= announced:
            return
        if seconds is not None and len(seconds) > 1:
            span = seconds[-1] / float(np.median(np.diff(seconds)))
            if span + 1.5 >= announced:
                return
        raise UnreadableVideo(
            f"{self.path} is cut short: it announces {announced} frames and holds {packets}; copy "
            "it again"
        )

    def verify(self) -> None:
        """Raises UnreadableVideo where fewer frames are stored than the header announces."""
        _ = self.index

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop, decoded in sequence."""
        for number in range(start, min(stop, self.length), step):
            yield self._plane(self._frame(number), number)

    def _stored(self, frame: av.VideoFrame, rows: np.ndarray, number: int) -> np.ndarray:
        form = frame.format
        if not self.grey or form.is_rgb or form.has_palette or not _alone(frame):
            return self._plane(frame, number)
        self._refuse_size(frame, number)
        kind = np.dtype(np.uint8 if form.components[0].bits <= 8 else np.uint16)
        kind = kind.newbyteorder(">" if form.is_big_endian else "<")
        return rows.view(kind)

    def _plane(self, frame: av.VideoFrame, number: int) -> np.ndarray:
        self._refuse_size(frame, number)
        return frame.to_ndarray(format=self.format)

    def _refuse_size(self, frame: av.VideoFrame, number: int) -> None:
        if (frame.height, frame.width) != self.shape[:2]:
            raise InputError(
                f"the frames of {self.path} differ in size: frame {number} has {frame.width} x "
                f"{frame.height} px and the first {self.shape[1]} x {self.shape[0]}; cut the film "
                "there"
            )

    def _frame(self, number: int) -> av.VideoFrame:
        if not self.straight:
            try:
                return self._reached(number)
            except (_Astray, av.FFmpegError):
                self.straight = True
                self._open()
        if number < self._next:
            self._open()
        try:
            while True:
                frame = next(self._frames)
                self._next += 1
                if self._next > number:
                    return frame
        except (StopIteration, av.FFmpegError) as error:
            raise UnreadableVideo(
                f"{self.path} breaks off at frame {self._next} of {self.length}: did it change "
                "since it was first read?"
            ) from error

    def _reached(self, number: int) -> av.VideoFrame:
        """Frame `number`, known by its content, from where we are or from a key frame before it."""
        keys = np.flatnonzero(self.index.key[: number + 1])
        if number < self._next or (len(keys) and keys[-1] > self._next):
            # An edit list may hide all key frames: the container finds one by itself, then.
            frame = self._entered(number, [*keys[::-1][:3]] or [number])
            if self._next > number:
                return frame
        for frame in self._frames:
            if _mark(frame) != self.index.mark[self._next]:
                raise _Astray
            self._next += 1
            if self._next > number:
                return frame
        raise _Astray

    def _entered(self, number: int, targets: list[int]) -> av.VideoFrame:
        """The first known frame after a seek to one of these, if it is not beyond `number`."""
        for target in targets:
            if self.index.stamp[target] == UNSTAMPED:
                break
            self.container.seek(int(self.index.stamp[target]), stream=self.stream)
            self._decode(0)
            for _, frame in zip(range(PATIENCE), self._frames, strict=False):
                here = self._known(frame)
                if here is not None:
                    break
            else:
                continue
            if here <= number:
                self._next = here + 1
                return frame
        raise _Astray

    def _known(self, frame: av.VideoFrame) -> int | None:
        """The number of a frame by its content; its stamp decides between frames that are alike."""
        alike = np.flatnonzero(self.index.mark == _mark(frame))
        if len(alike) > 1:
            alike = alike[self.index.stamp[alike] == _stamp(frame)]
        return int(alike[0]) if len(alike) == 1 else None


class _Astray(Exception):
    """Another frame came out than the index has there."""


def _stamp(frame: av.VideoFrame) -> int:
    stamp = frame.pts if frame.pts is not None else frame.dts
    return UNSTAMPED if stamp is None else stamp


def _mark(frame: av.VideoFrame) -> int:
    return _checksum(_rows(frame))


def _checksum(rows: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(rows).data)


def _rows(frame: av.VideoFrame) -> np.ndarray:
    """(H, bytes of a row) of the first plane, without the padding of its rows."""
    plane, form = frame.planes[0], frame.format
    bits = 8 * ((form.components[0].bits + 7) // 8)
    if len(frame.planes) == 1:
        bits = form.padded_bits_per_pixel
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return padded[: plane.height, : (plane.width * bits + 7) // 8]


def _alone(frame: av.VideoFrame) -> bool:
    """Whether the first plane is the luminance, and nothing else."""
    form = frame.format
    single = len(frame.planes) == 1 and len(form.components) == 1 and not form.is_bit_stream
    return single or (len(frame.planes) > 1 and form.is_planar)


class Nd2Reader:
    """Nikon nd2 by the nd2 package: one position and focal plane, any number of channels.

    Args:
        position, plane: which of several, from 0.

    Raises:
        InputError: several positions or focal planes, and nobody said which.
    """

    def __init__(self, path: Path, position: int | None = None, plane: int | None = None):
        try:
            self.file = nd2.ND2File(path)
        except Exception as error:
            raise UnreadableVideo(f"{path} is not a readable nd2 file ({error})") from error
        sizes = self.file.sizes
        chosen = {"P": position, "Z": plane}
        for axis, key, what in (("P", "position", "positions"), ("Z", "plane", "focal planes")):
            count, given = sizes.get(axis, 1), chosen[axis]
            if (given is None and count > 1) or (given or 0) >= count:
                raise AskedFor(
                    f"{path} holds {count} {what}: say which to use, video.{key}: 0 to {count - 1}"
                )
        self.length = sizes.get("T", 1)
        # Sequence numbers of the frames, for the axes that are not in a frame itself.
        axes = [axis for axis in sizes if axis not in "CSYX"]
        grid = np.arange(int(np.prod([sizes[a] for a in axes]))).reshape([sizes[a] for a in axes])
        for axis in ("P", "Z"):
            if axis in axes:
                grid = np.take(grid, [chosen[axis] or 0], axes.index(axis))
        self.order = grid.ravel()
        colours = sizes.get("C", 1) * sizes.get("S", 1)
        self.shape = (sizes["Y"], sizes["X"]) + ((colours,) if colours > 1 else ())
        self.dtype = self.file.dtype
        periods = [getattr(loop.parameters, "periodMs", 0) for loop in self.file.experiment]
        self.fps = 1000.0 / periods[0] if periods and periods[0] else None
        self.mpp = self.file.voxel_size().x or None

    def verify(self) -> None:
        """The nd2 package has read the whole index on opening."""

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop; channels moved to the last axis."""
        for t in range(start, stop, step):
            plane = self.file.read_frame(int(self.order[t]))
            plane = np.moveaxis(plane, 0, -1) if "C" in self.file.sizes else plane
            yield np.ascontiguousarray(plane).reshape(self.shape)


class PimsReader:
    """Whatever else pims opens (cine, Norpix seq, spe, ...)."""

    def __init__(self, path: Path):
        try:
            self.file = pims.open(str(path))
        except Exception as error:
            raise UnreadableVideo(f"{path} cannot be opened ({error})") from error
        self.length, self.shape = len(self.file), tuple(self.file.frame_shape)
        self.dtype = np.dtype(self.file.pixel_type)
        rate = getattr(self.file, "frame_rate", None)
        self.fps = float(rate) if rate else None

    def verify(self) -> None:
        """Left to the format's own reader."""

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop."""
        for t in range(start, stop, step):
            yield np.asarray(self.file[t])
