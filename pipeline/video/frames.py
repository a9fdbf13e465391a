"""Reading the frames of a run lazily, in sequence, corrected as asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hdf5 import opened, written
from pipeline.video.film_index import FilmIndex
from pipeline.video.films import FilmReader
from pipeline.video.preprocess import (
    Correction,
    accumulated_shift,
    correct,
    flicker_gain,
    repaired,
)
from pipeline.video.readers import Nd2Reader, PimsReader, Reader, SequenceReader, plausible
from pipeline.video.sequences import Source
from pipeline.video.tiff import AskedFor, TiffReader

AS_RECORDED = Correction()
TOLERANCE = 0.05  # of a scale: a stage micrometer is read to a few per cent
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as films store it


class Part(NamedTuple):
    """Which part of a file that holds more than one video; None where it holds one.

    Fields:
        channel: 0, 1 or 2; None for the luminance. position, plane: from 0.
    """

    channel: int | None = None
    position: int | None = None
    plane: int | None = None


WHOLE = Part()


@lru_cache(maxsize=2)
def _kept_open(source: Source, part: Part, changed: int) -> Reader:
    """A reader by random access, opened once a process: listing a long stack takes seconds."""
    path = source.paths[0]
    if source.kind == "film":
        return FilmReader(path, part.channel is None, position=part.position)
    if source.kind == "tiff":
        return TiffReader(path, part.position, part.plane)
    if source.kind == "nd2":
        return Nd2Reader(path, part.position, part.plane)
    return PimsReader(path)


def reader(source: Source, part: Part) -> Reader:
    """What reads the frames of a run."""
    if source.kind == "sequence":
        return SequenceReader(source.paths)
    opened = _kept_open(source, part, source.paths[0].stat().st_mtime_ns)
    plausible(opened.shape, source.paths[0])
    if part.channel is None and (count := getattr(opened, "channels", 1)) > 1:
        raise AskedFor(
            f"{source.paths[0]} has {count} channels: say which one to use, video.channel: 0 to "
            f"{count - 1}"
        )
    return opened


class Video:
    """A run as a sequence of (H, W) images, read when asked for; cheap to pickle and send.

    `frames(start, stop, step)` reads in sequence at constant memory; `video[t]` reads one frame.
    With `span` = (first, one past last) only that part exists, and its first frame is number 0.

    Attributes:
        source, part, correction: what is read, and what is done to it.
        shape: (H, W) after correction. dtype: of the file.
        mpp, fps: the scale that the container states [um / px, 1 / s], None where it states none.
        number: (T,) int64, the tick of each frame on the clock of the run; -1 for none.
        seen: (T,) bool, whether a frame shows particles at all; see pipeline.video.survey.
        bounds: grey levels between which pixels are no fault, for frames of floating point.
    """

    def __init__(
        self,
        source: Source,
        part: Part = WHOLE,
        correction: Correction = AS_RECORDED,
        span: tuple[int, int] | None = None,
        index: FilmIndex | None = None,
    ):
        self.source, self.part, self.correction, self.index = source, part, correction, index
        opened = self._reader()
        if index is None:
            opened.verify()
        self.index = getattr(opened, "index", None)
        self.mpp, self.fps = getattr(opened, "mpp", None), opened.fps
        self.dtype = np.dtype(opened.dtype)
        self.bounds: tuple[float, float] | None = None
        span = span or (0, opened.length)
        self.first, stop = span
        if not 0 <= self.first < stop <= opened.length:
            raise InputError(
                f"frames must lie in 0 to {opened.length}, the length of {source.paths[0]}, got "
                f"{list(span)}"
            )
        self.length = stop - self.first
        if self.length < 2:
            several = sorted(opened.shape)[0] if len(opened.shape) > 2 else 1
            hint = "" if several < 5 else f" (if it holds {several} pictures, save each by itself)"
            raise InputError(
                f"{source.paths[0]} gives 1 frame, of shape {opened.shape}, and motion needs 2 or "
                f"more{hint}: take it away if it is no film"
            )
        self.number = np.arange(self.length)
        self.seen = np.ones(self.length, bool)
        first = next(opened.planes(self.first, self.first + 1))
        self.shape = correct(single(first, part.channel, source.paths[0]), 0, correction).shape

    def _reader(self) -> Reader:
        opened = reader(self.source, self.part)
        if self.index is not None and isinstance(opened, FilmReader):
            opened.adopt(self.index)
        return opened

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, t: int) -> np.ndarray:
        t = range(self.length)[t]
        return next(self.frames(t, t + 1))

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.frames()

    def frames(
        self, start: int = 0, stop: int | None = None, step: int = 1
    ) -> Iterator[np.ndarray]:
        """Corrected frames start, start + step, ... below stop, each (H, W), read in sequence."""
        stop = self.length if stop is None else min(stop, self.length)
        planes = self._reader().planes(start + self.first, stop + self.first, step)
        for t, plane in zip(range(start, stop, step), planes, strict=True):
            image = single(plane, self.part.channel, self.source.paths[0])
            if self.bounds is not None:
                image = repaired(image, *self.bounds)
            yield correct(image, t, self.correction)


def outside(video: Video, t: int, points: np.ndarray, reach: float) -> np.ndarray:
    """(K,) bool: which points (y, x) [px] lie nearer than `reach` to where frame t ends.

    A frame that was moved by s covers -s to its size - s.
    """
    if video.correction.shift is None:
        return np.zeros(len(points), bool)
    low = reach - video.correction.shift[t]
    high = np.array(video.shape) - 1 - reach - video.correction.shift[t]
    return ((points < low) | (points > high)).any(axis=1)


def single(plane: np.ndarray, channel: int | None, path: Path) -> np.ndarray:
    """One (H, W) image of a raw frame: a channel, or the luminance of a colour frame."""
    if plane.ndim == 2:
        return plane
    count = plane.shape[2]
    if channel is not None and not 0 <= channel < count:
        raise InputError(f"channel must lie in 0 to {count - 1} for {path}, got {channel}")
    if channel is not None:
        return plane[..., channel]
    if count == 2:
        raise InputError(f"{path} has 2 channels; say which one to use (channel: 0 or 1)")
    grey = plane[..., :3] @ LUMINANCE
    return np.rint(grey).astype(plane.dtype) if np.issubdtype(plane.dtype, np.integer) else grey


def open_run(
    source: Source,
    part: Part = WHOLE,
    correction: Correction = AS_RECORDED,
    span: tuple[int, int] | None = None,
    flicker: bool = False,
    drift: bool = False,
) -> Video:
    """Opens a run; measures flicker and drift over the whole video first where they are asked for.

    Raises:
        InputError: one frame, frames differing in size, unknown channel, crop outside the image.
        UnreadableVideo: damaged or truncated file, named.
    """
    video = Video(source, part, correction, span)
    measure(video, flicker, drift)
    return video


def measure(video: Video, flicker: bool, drift: bool) -> None:
    """Flicker and drift of the frames that show something, over the whole video."""
    if flicker:
        medians = np.array([np.median(frame) for frame in _shown(video)])
        gain = np.ones(len(video))
        gain[video.seen] = flicker_gain(medians)
        video.correction = video.correction._replace(gain=gain)
    if drift:
        shift = np.zeros((len(video), 2))
        shift[video.seen] = accumulated_shift(_shown(video))
        video.correction = video.correction._replace(shift=shift)


def _shown(video: Video) -> Iterator[np.ndarray]:
    return (frame for frame, seen in zip(video, video.seen, strict=True) if seen)


def check_scale(video: Video, mpp: float | None, fps: float | None) -> None:
    """Refuses a scale that differs from what the file itself states by more than 5 %.

    Films (avi, mp4, ...) are not asked: they state the speed at which they are to be played.

    Raises:
        InputError: naming the quantity, both values and the file.
    """
    pairs = (("mpp", mpp, video.mpp, "um per px"), ("fps", fps, video.fps, "frames per second"))
    for name, given, found, unit in pairs:
        if given and found and video.source.kind != "film" and abs(given / found - 1) > TOLERANCE:
            raise InputError(
                f"video.{name} = {given:g} {unit} contradicts {video.source.paths[0]}, which "
                f"states {found:.4g}: correct one of them (within {100 * TOLERANCE:.0f} %)"
            )


def write_examples(path: str | os.PathLike[str], videos: list[Video]) -> None:
    """Writes the first, middle and last frame of every run, contrast stretched to 8 bit.

    Datasets: images (K, H, W) uint8, frame (K,) on the clock of the run, run (K,).
    """
    images, numbers, run = [], [], []
    for index, video in enumerate(videos):
        shown = np.flatnonzero(video.seen)
        for t in sorted({shown[0], shown[len(shown) // 2], shown[-1]}):
            images.append(stretched(video[t]))
            numbers.append(video.number[t])
            run.append(index)
    with written(path) as file:
        packed = {"compression": "gzip", "fletcher32": True}
        file.create_dataset("images", data=np.stack(images), **packed)
        file["frame"], file["run"] = numbers, run


def example_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of the frames in what `write_examples` wrote.

    Raises:
        InputError: naming the file, if it is damaged.
    """
    with opened(path, "a file of example frames") as file:
        height, width = file["images"].shape[1:]
        return height, width


def stretched(image: np.ndarray) -> np.ndarray:
    """An image (H, W) as uint8, from its 0.5th percentile in black to its 99.5th in white."""
    low, high = np.percentile(image, [0.5, 99.5])
    return (255 * np.clip((image - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)
