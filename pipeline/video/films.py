"""Compressed films: every frame by its number, also where seeks and time stamps are wrong.

A film is decoded once; that makes an index by which each frame is known by its content.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from pipeline.errors import InputError
from pipeline.video.tiff import UnreadableVideo

UNSTAMPED = np.iinfo(np.int64).min
PATIENCE = 64  # frames after a seek that may be unknown: those that lean on frames before it


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
