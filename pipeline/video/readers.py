"""Readers of image sequences, films and microscope formats: raw frames by number, lazily.

A reader has `length`, `shape` of a raw frame, (H, W) or (H, W, channels), `dtype`, `fps` (None
where the container does not say), `planes(start, stop, step)` and `verify()`. Decoding is left to
imageio, PyAV, nd2 and pims; TIFF stacks have a file of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import imageio.v3 as imageio
import nd2
import numpy as np
import pims

from pipeline.video.tiff import UnreadableVideo


class SequenceReader:
    """One image file per frame, in the order given."""

    def __init__(self, paths: tuple[Path, ...]):
        self.paths, self.fps, self.length = paths, None, len(paths)
        first = self._read(paths[0])
        self.shape, self.dtype = first.shape, first.dtype

    def verify(self) -> None:
        """Raises ValueError where an image's size differs from the first: headers only."""
        for path in self.paths:
            try:
                shape = imageio.improps(path).shape
            except Exception as error:
                raise UnreadableVideo(f"{path} cannot be read ({error}); copy it again") from error
            shape = shape[1:] if len(shape) > 2 and shape[0] == 1 else shape
            if shape[:2] != self.shape[:2]:
                raise ValueError(
                    f"the frames differ in size: {path} has {shape[:2]} and {self.paths[0]} has "
                    f"{self.shape[:2]} pixels; crop them to one size or use separate folders"
                )

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


class FilmReader:
    """Compressed film (avi, mp4, mov, mkv, webm, ...) by PyAV; `grey` asks for its luminance.

    `stamps` are the time stamps of all frames, or None where the container has none; given again,
    they spare reading through the file to collect them.
    """

    def __init__(self, path: Path, grey: bool, stamps: list[int] | None = None):
        self.path = path
        try:
            self.container = av.open(str(path))
            self.stream = self.container.streams.video[0]
            found: list[int | None] = list(stamps or [])
            if stamps is None:
                packets = (p for p in self.container.demux(self.stream) if p.size)
                found = [p.pts if p.pts is not None else p.dts for p in packets]
        except (av.FFmpegError, IndexError) as error:
            raise UnreadableVideo(f"{path} cannot be opened as a film ({error})") from error
        self.length = len(found)
        known = [stamp for stamp in found if stamp is not None]
        self.stamps = sorted(known) if len(known) == len(found) else None
        form = self.stream.codec_context.format
        deep = form is not None and form.components[0].bits > 8
        self.format = ("gray16le" if deep else "gray") if grey else ("rgb48le" if deep else "rgb24")
        self.dtype = np.dtype(np.uint16 if deep else np.uint8)
        height, width = self.stream.codec_context.height, self.stream.codec_context.width
        self.shape = (height, width) if grey else (height, width, 3)
        rate = self.stream.average_rate
        self.fps = float(rate) if rate else None

    def verify(self) -> None:
        """Raises UnreadableVideo where fewer frames are stored than the header announces."""
        if self.length < self.stream.frames:
            raise UnreadableVideo(
                f"{self.path} is cut short: it announces {self.stream.frames} frames and holds "
                f"{self.length}; copy it again"
            )

    def _decoded(self, start: int) -> Iterator[av.VideoFrame]:
        """Frames from number `start` on: from the key frame before it where time stamps allow."""
        first = self.stamps[start] if self.stamps else None
        self.container.seek(first or 0, stream=self.stream)
        for number, frame in enumerate(self.container.decode(self.stream)):
            stamp = frame.pts if frame.pts is not None else frame.dts
            if number >= start if first is None or stamp is None else stamp >= first:
                yield frame

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop, decoded in sequence."""
        number = start
        try:
            for number, frame in enumerate(self._decoded(start), start):
                if (number - start) % step == 0:
                    yield frame.to_ndarray(format=self.format)
                if number + 1 >= stop:
                    return
        except av.FFmpegError as error:
            raise UnreadableVideo(f"{self.path} breaks off at frame {number} ({error})") from error
        raise UnreadableVideo(
            f"{self.path} breaks off at frame {number} of {self.length}; copy it again"
        )


class Nd2Reader:
    """Nikon nd2 by the nd2 package: one position, one focal plane, any number of channels."""

    def __init__(self, path: Path):
        try:
            self.file = nd2.ND2File(path)
        except Exception as error:
            raise UnreadableVideo(f"{path} is not a readable nd2 file ({error})") from error
        sizes = self.file.sizes
        if sizes.get("P", 1) * sizes.get("Z", 1) > 1:
            raise ValueError(f"{path} holds several positions or focal planes; export one of them")
        self.length = sizes.get("T", 1)
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
            plane = self.file.read_frame(t)
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
