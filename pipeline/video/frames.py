"""Reading the frames of the runs of a data set lazily, in sequence, corrected as asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.files import reading, whole
from pipeline.video.preprocess import Correction, accumulated_shift, correct, flicker_gain
from pipeline.video.readers import FilmReader, Nd2Reader, PimsReader, SequenceReader
from pipeline.video.sources import Source, runs
from pipeline.video.tiff import TiffReader

AS_RECORDED = Correction()
TOLERANCE = 0.05  # of a scale: a stage micrometer is read to a few per cent
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as films store it


@lru_cache(maxsize=2)
def _kept_open(kind: str, path: Path, changed: int):
    """A reader by random access, opened once a process: listing a long stack takes seconds."""
    return {"tiff": TiffReader, "nd2": Nd2Reader, "other": PimsReader}[kind](path)


class Video:
    """A run as a sequence of (H, W) images, read when asked for; cheap to pickle and send.

    `frames(start, stop, step)` reads in sequence at constant memory; `video[t]` reads one frame.
    With `span` = (first, one past last) only that part exists, and its first frame is number 0.
    Attributes: source, channel, correction, shape (H, W) after correction, dtype, and the scale
    that the container states, mpp [um / px] and fps [1 / s], each None where it states none.
    """

    def __init__(
        self,
        source: Source,
        channel: int | None = None,
        correction: Correction = AS_RECORDED,
        span: tuple[int, int] | None = None,
    ):
        self.source, self.channel, self.correction = source, channel, correction
        self.stamps: list[int] | None = None
        reader = self._reader()
        reader.verify()
        self.stamps = getattr(reader, "stamps", None)
        self.mpp, self.fps = getattr(reader, "mpp", None), reader.fps
        self.dtype = np.dtype(reader.dtype)
        span = span or (0, reader.length)
        self.first, stop = span
        if not 0 <= self.first < stop <= reader.length:
            raise ValueError(
                f"frames must lie in 0 to {reader.length}, the length of {source.paths[0]}, got "
                f"{list(span)}"
            )
        self.length = stop - self.first
        if self.length < 2:
            raise ValueError(
                f"{source.paths[0]} gives 1 frame, of shape {reader.shape}; motion needs 2 or more"
            )
        first = next(reader.planes(self.first, self.first + 1))
        self.shape = correct(single(first, channel, source.paths[0]), 0, correction).shape

    def _reader(self):
        kind, path = self.source.kind, self.source.paths[0]
        if kind == "film":
            return FilmReader(path, self.channel is None, self.stamps)
        if kind == "sequence":
            return SequenceReader(self.source.paths)
        return _kept_open(kind, path, path.stat().st_mtime_ns)

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
            yield correct(single(plane, self.channel, self.source.paths[0]), t, self.correction)


def single(plane: np.ndarray, channel: int | None, path: Path) -> np.ndarray:
    """One (H, W) image of a raw frame: a channel, or the luminance of a colour frame."""
    if plane.ndim == 2:
        return plane
    count = plane.shape[2]
    if channel is not None and not 0 <= channel < count:
        raise ValueError(f"channel must lie in 0 to {count - 1} for {path}, got {channel}")
    if channel is not None:
        return plane[..., channel]
    if count == 2:
        raise ValueError(f"{path} has 2 channels; say which one to use (channel: 0 or 1)")
    grey = plane[..., :3] @ LUMINANCE
    return np.rint(grey).astype(plane.dtype) if np.issubdtype(plane.dtype, np.integer) else grey


def open_run(
    source: Source,
    channel: int | None = None,
    correction: Correction = AS_RECORDED,
    span: tuple[int, int] | None = None,
    flicker: bool = False,
    drift: bool = False,
) -> Video:
    """Opens a run; measures flicker and drift over the whole video first where they are asked for.

    Raises:
        ValueError: one frame, frames differing in size, unknown channel, crop outside the image.
        UnreadableVideo: damaged or truncated file, named.
    """
    video = Video(source, channel, correction, span)
    if flicker:
        medians = np.array([np.median(frame) for frame in video])
        correction = correction._replace(gain=flicker_gain(medians))
    if drift:
        correction = correction._replace(shift=accumulated_shift(video))
    video.correction = correction
    return video


def check_scale(video: Video, mpp: float | None, fps: float | None) -> None:
    """Refuses a scale that differs from what the file itself states by more than 5 %.

    Films (avi, mp4, ...) are not asked: they state the speed at which they are to be played.

    Raises:
        ValueError: naming the quantity, both values and the file.
    """
    pairs = (("mpp", mpp, video.mpp, "um per px"), ("fps", fps, video.fps, "frames per second"))
    for name, given, found, unit in pairs:
        if given and found and video.source.kind != "film" and abs(given / found - 1) > TOLERANCE:
            raise ValueError(
                f"video.{name} = {given:g} {unit} contradicts {video.source.paths[0]}, which "
                f"states {found:.4g}: correct one of them (within {100 * TOLERANCE:.0f} %)"
            )


def open_all(folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> list[Video]:
    """Every run in a folder, corrected as the settings say.

    Args:
        folder: holds the videos.
        settings: mpp, fps, pixel_aspect, channel, crop [x0, y0, x1, y1], background, flicker,
            registration and frames [first, one past last]: the section `video` of the config.

    Raises:
        ValueError: no video, a damaged one, runs that differ in size, or a scale that contradicts
            what the file states.
    """
    crop = settings["crop"]
    correction = Correction(
        pixel_aspect=settings["pixel_aspect"],
        crop=tuple(crop) if crop else None,
        background=settings["background"] or 0.0,
    )
    videos = [
        open_run(
            source,
            settings["channel"],
            correction,
            span=tuple(settings["frames"]) if settings["frames"] else None,
            flicker=settings["flicker"],
            drift=settings["registration"],
        )
        for source in runs(Path(folder))
    ]
    for video in videos:
        check_scale(video, settings["mpp"], settings["fps"])
    shapes = {video.shape for video in videos}
    if len(shapes) > 1:
        sizes = ", ".join(f"{v.source.name}: {v.shape[1]} x {v.shape[0]} px" for v in videos)
        raise ValueError(
            f"The runs of one data set must have frames of one size, got {sizes}: put them into "
            f"folders of their own under data/."
        )
    return videos


def write_examples(path: str | os.PathLike[str], videos: list[Video]) -> None:
    """Writes the first, middle and last frame of every run, contrast stretched to 8 bit.

    Datasets: images (K, H, W) uint8, frame (K,), run (K,).
    """
    images, numbers, run = [], [], []
    for index, video in enumerate(videos):
        for number in sorted({0, len(video) // 2, len(video) - 1}):
            images.append(stretched(video[number]))
            numbers.append(number)
            run.append(index)
    with whole(path) as partial, h5py.File(partial, "w") as file:
        file.create_dataset("images", data=np.stack(images), compression="gzip")
        file["frame"], file["run"] = numbers, run


def example_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of the frames in what `write_examples` wrote.

    Raises:
        InputError: naming the file, if it is damaged.
    """
    with reading(path, "a file of example frames"), h5py.File(path) as file:
        height, width = file["images"].shape[1:]
        return height, width


def stretched(image: np.ndarray) -> np.ndarray:
    """An image (H, W) as uint8, from its 0.5th percentile in black to its 99.5th in white."""
    low, high = np.percentile(image, [0.5, 99.5])
    return (255 * np.clip((image - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)
