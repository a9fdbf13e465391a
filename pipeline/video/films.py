"""Compressed films: every frame by its number, also where seeks and time stamps are wrong.

A film is decoded once; that makes an index by which each frame is known by its content.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

import av
import numpy as np

from pipeline.errors import InputError
from pipeline.video.containers import breaks_off
from pipeline.video.film_index import UNSTAMPED, FilmIndex
from pipeline.video.tiff import AskedFor, UnreadableVideo, readable

PATIENCE = 64  # frames after a seek that may be unknown: those that lean on frames before it
TIMED = ("asf", "flv", "matroska,webm")  # whose headers give the time that a film takes
STRICT = {"err_detect": "explode"}  # damage that a decoder would paint over ends the decoding


class FilmReader:
    """Compressed film (avi, mp4, mov, mkv, webm, mpg, ...); `grey` asks for its luminance.

    The index is made by decoding the film once; given again, it spares that. Frames are then
    reached by a seek, and every one is held against the index as it comes out: where another one
    comes, the film is decoded from its beginning instead. A reader goes on where it stopped, so
    that frames asked for in order are decoded once, also where no seek is to be trusted.

    Args:
        position: which video stream of several, from 0.

    Attributes:
        aspect: height of a pixel over its width, None where the film does not say.

    Raises:
        UnreadableVideo: no film, a damaged one, or one cut short.
        InputError: several video streams, and nobody said which.
    """

    def __init__(
        self, path: Path, grey: bool, index: FilmIndex | None = None, position: int | None = None
    ):
        self.path, self.grey, self._index, self.position = path, grey, index, position
        self.damaged: int | None = None  # the first frame that the decoder had to mend
        self.interlaced = 0  # frames
        self.straight = False  # whether a seek went wrong: never again
        self.turned = 0  # degrees by which a player turns the picture
        with readable(path, "film"):
            self._describe(grey)

    def _describe(self, grey: bool) -> None:
        self._open()
        form = self.stream.codec_context.format
        deep = form is not None and form.components[0].bits > 8
        self.format = ("gray16le" if deep else "gray") if grey else ("rgb48le" if deep else "rgb24")
        self.dtype = np.dtype(np.uint16 if deep else np.uint8)
        height, width = self.stream.codec_context.height, self.stream.codec_context.width
        self.shape: tuple[int, ...] = (height, width) if grey else (height, width, 3)
        rate = self.stream.average_rate
        self.fps = float(rate) if rate else None
        ratio = self.stream.sample_aspect_ratio
        self.aspect = float(1 / ratio) if ratio else None

    def _open(self) -> None:
        """At the beginning: what a seek to zero does is another matter in some containers."""
        self.container = av.open(str(self.path))
        cover = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
        streams = [s for s in self.container.streams.video if not s.disposition & cover]
        if not streams:
            raise UnreadableVideo(f"{self.path} holds no video, only other streams")
        if len(streams) <= (self.position or 0) or (len(streams) > 1 and self.position is None):
            raise AskedFor(
                f"{self.path} holds {len(streams)} video streams: say which to use, "
                f"video.position: 0 to {len(streams) - 1}"
            )
        self.stream = streams[self.position or 0]
        if self.stream.codec_context is None:
            raise UnreadableVideo(
                f"{self.path} is encoded in a way that no decoder here knows: convert it, or copy "
                "it again if it is damaged"
            )
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

        A decoder that meets damage is told to go on then, and `remarks` says where that was.

        Raises:
            UnreadableVideo: the film breaks off, or holds fewer frames than it announces.
        """
        with readable(self.path, "film"):
            yield from self._noted()

    def _noted(self) -> Iterator[np.ndarray]:
        notes: list[tuple[int, int, bool]] = []
        self.interlaced, self.damaged = 0, None
        try:
            packets = yield from self._straight(notes, STRICT)
        except av.FFmpegError:
            self.damaged = len(notes) if self.damaged is None else self.damaged
            try:
                packets = yield from self._straight(notes, {})
            except av.FFmpegError as error:
                raise UnreadableVideo(
                    f"{self.path} breaks off at frame {len(notes)} ({error})"
                ) from error
        if not notes:
            raise UnreadableVideo(f"{self.path} shows no frame: it is empty or cut short")
        stamp, mark, key = (np.array(column) for column in zip(*notes, strict=True))
        self._index = FilmIndex(
            stamp.astype(np.int64),
            mark.astype(np.uint32),
            key,
            float(self.stream.time_base or 0),
            self.fps or 0.0,
        )
        self._refuse_part(packets)
        self._open()

    def _straight(
        self, notes: list[tuple[int, int, bool]], options: dict[str, str]
    ) -> Generator[np.ndarray, None, int]:
        """The frames after those in ``notes``, noted as they come; returns how many packets."""
        self._open()
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.options = options
        packets, number = 0, 0
        for packet in self.container.demux(self.stream):
            packets += packet.size > 0
            if packet.is_corrupt and self.damaged is None:
                self.damaged = number
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                number += 1
                if number <= len(notes):
                    continue
                rows = _rows(frame)
                notes.append((_stamp(frame), _checksum(rows), bool(frame.key_frame)))
                self.interlaced += frame.interlaced_frame
                self.turned = abs(int(frame.rotation))
                yield self._stored(frame, rows, number - 1)
        return packets

    def remarks(self, name: str) -> list[str]:
        """Sentences on what `through` met."""
        said, stamp = [], self.index.stamp
        if self.damaged is not None:
            said.append(
                f"{name} is damaged from about frame {self.damaged} on: the decoder went on and "
                "painted over what it lacked; copy it again, or leave the frames out "
                "(video.frames)."
            )
        if self.interlaced:
            said.append(
                f"{self.interlaced} of {len(stamp)} frames of {name} are interlaced, their odd and "
                "even lines taken at different times: what moves is torn; deinterlace it first."
            )
        seconds = self.index.seconds
        step = np.diff(np.zeros(1) if seconds is None else seconds)
        if self.index.mixed and step.max(initial=0.0) > 1.5 * np.median(step):
            said.append(
                f"the container of {name} gives some frames the times of others: they were put in "
                "order, and a missing frame may be counted a few frames from where it was lost."
            )
        unstamped = int((stamp == UNSTAMPED).sum())
        if seconds is None and len(stamp) > 1:
            back = int(np.argmax(np.diff(stamp) <= 0)) + 1
            why = f"do not increase at frame {back}" if not unstamped else f"lack {unstamped} times"
            said.append(
                f"the time stamps of the {len(stamp)} frames of {name} {why}: they were not used, "
                "and frames are taken as even and none as lost."
            )
        return said

    def _refuse_part(self, packets: int) -> None:
        """A film that announces more than it holds is cut short, unless its stamps go to the end:
        then frames were left out by whoever wrote it."""
        if breaks_off(self.path, self.container.format.name):
            raise UnreadableVideo(f"{self.path} is cut short: its end is missing; copy it again")
        announced, seconds = self.stream.frames, self.index.seconds
        told = self.container.format.name in TIMED and len(self.container.streams) == 1
        if told and self.container.duration and seconds is not None and len(seconds) > 1:
            length = self.container.duration / av.time_base
            slack = 0.02 * length + 3 * float(np.max(np.diff(seconds)))
            if length > seconds[-1] + slack:
                raise UnreadableVideo(
                    f"{self.path} is cut short: it announces {length:.4g} s and ends after "
                    f"{seconds[-1]:.4g} s; copy it again"
                )
        if max(packets, self.length) >= announced:
            return
        if seconds is not None and len(seconds) > 1:
            # An AVI counts ticks of its clock; those without a picture may outnumber the others.
            tick = 1 / self.fps if self.fps else float(np.median(np.diff(seconds)))
            if seconds[-1] / tick + 1.5 >= announced:
                return
        raise UnreadableVideo(
            f"{self.path} is cut short: it announces {announced} frames and holds {packets}; copy "
            "it again"
        )

    def coloured(self, number: int) -> np.ndarray:
        """(H, W, 3) a frame in its colours, where luminance was asked for as well."""
        with readable(self.path, "film"):
            return self._frame(number).to_ndarray(format="rgb24")

    def verify(self) -> None:
        """Raises UnreadableVideo where fewer frames are stored than the header announces."""
        _ = self.index

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop, decoded in sequence."""
        with readable(self.path, "film"):
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
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, abs(plane.line_size))
    padded = padded if plane.line_size > 0 else padded[::-1]  # bitmaps begin at the bottom
    return padded[: plane.height, : (plane.width * bits + 7) // 8]


def _alone(frame: av.VideoFrame) -> bool:
    """Whether the first plane is the luminance, and nothing else."""
    form = frame.format
    single = len(frame.planes) == 1 and len(form.components) == 1 and not form.is_bit_stream
    return single or (len(frame.planes) > 1 and form.is_planar)
