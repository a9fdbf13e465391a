"""Readers of image sequences, films and microscope formats: raw frames by number, lazily.

A reader has `length`, `shape` of a raw frame, (H, W) or (H, W, channels), `dtype`, `fps` (None
where the container does not say), `planes(start, stop, step)` and `verify()`. Decoding is left to
imageio, PyAV, nd2 and pims; TIFF stacks have a file of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import imageio.v3 as imageio
import nd2
import numpy as np

from pipeline.errors import InputError
from pipeline.video.tiff import AskedFor, UnreadableVideo, as_grey, grey_levels, readable


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
        if first.shape[2:] == (4,) and imageio.immeta(paths[0]).get("mode") == "CMYK":
            raise InputError(
                f"{paths[0]} is in the colours of a printer (CMYK), whose levels are amounts of "
                f"ink: save the images as grey or RGB"
            )
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
            raise UnreadableVideo(_unread(path, error)) from error
        shape = said.shape[1:] if len(said.shape) > 2 and said.shape[0] == 1 else said.shape
        if (said.n_images or 1) > 1 and path.suffix.lower() == ".png":
            raise InputError(
                f"{path} holds {said.n_images} pictures one after the other: name it "
                f"{path.stem}.apng if it is a film"
            )
        if path.suffix.lower() == ".png" and shape[2:] == (2,):  # grey and how opaque it is
            shape = shape[:2]
        plausible(shape, path)
        return shape, grey_levels(np.dtype(said.dtype), path)

    def _read(self, path: Path) -> np.ndarray:
        try:
            image = np.asarray(imageio.imread(path))
            image = as_grey(image, grey_levels(image.dtype, path))
        except InputError:
            raise
        except Exception as error:
            raise UnreadableVideo(_unread(path, error)) from error
        # A stack of one page comes with an axis of length one before the rows.
        image = image[0] if image.ndim > 2 and image.shape[0] == 1 else image
        opacity = path.suffix.lower() == ".png" and image.shape[2:] == (2,)
        return image[..., 0] if opacity else image

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop."""
        for path in self.paths[start:stop:step]:
            yield self._read(path)


def _unread(path: Path, error: Exception) -> str:
    reason = str(error).partition("\n")[0]  # behind it stands what else could be installed
    return f"{path} cannot be read ({reason.rstrip('.')}); copy it again"


def _depth(dtype: np.dtype, shape: tuple[int, ...]) -> str:
    return f"{8 * dtype.itemsize} bit{f' x {shape[2]}' if len(shape) > 2 else ''}"


class Nd2Reader:
    """Nikon nd2 by the nd2 package: one position and focal plane, any number of channels.

    Besides what every reader has it has `times` (T,) [s] where the file keeps them, else None.

    Args:
        position, plane: which of several, from 0.

    Raises:
        InputError: several positions or focal planes, and nobody said which.
    """

    def __init__(self, path: Path, position: int | None = None, plane: int | None = None):
        self.path = path
        with readable(path, "nd2 file"):
            self._lay_out(position, plane)

    def _lay_out(self, position: int | None, plane: int | None) -> None:
        path, self.file = self.path, nd2.ND2File(self.path)
        sizes = self.file.sizes
        if sizes.get("T", 1) == 1 and sizes.get("Z", 1) > 1:
            raise UnreadableVideo(f"{path} holds {sizes['Z']} focal planes of one time: no film")
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
        self.channels = sizes.get("C", 1)
        colours = self.channels * sizes.get("S", 1)
        self.shape = (sizes["Y"], sizes["X"]) + ((colours,) if colours > 1 else ())
        self.dtype = self.file.dtype
        self.times = self._taken()
        # The period that was asked for may be shorter than the camera allowed, or 0.
        periods = [getattr(loop.parameters, "periodMs", 0) for loop in self.file.experiment]
        asked = next((period for period in periods if period), None)
        every = asked if self.times is None else 1000.0 * float(np.median(np.diff(self.times)))
        self.fps = 1000.0 / every if every else None
        size = self.file.voxel_size()
        self.mpp = size.x or None
        self.aspect = size.y / size.x if size.x and size.y else None

    def _taken(self) -> np.ndarray | None:
        """(T,) seconds at which the frames were taken, None where one lacks or they go back."""
        if self.file.is_legacy or self.length < 2:
            return None
        noted = self.file.events(orient="list")
        index, seconds = (np.array(noted.get(key, []), float) for key in ("Index", "Time [s]"))
        if index.shape != seconds.shape:
            return None
        known = dict(zip(index.tolist(), seconds.tolist(), strict=True))
        times = np.array([known.get(float(k), np.nan) for k in self.order])
        return times if (np.diff(times) > 0).all() else None

    def verify(self) -> None:
        """The nd2 package has read the whole index on opening."""

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop; channels moved to the last axis."""
        with readable(self.path, "nd2 file"):
            for t in range(start, stop, step):
                plane = self.file.read_frame(int(self.order[t]))
                plane = np.moveaxis(plane, 0, -1) if "C" in self.file.sizes else plane
                yield np.ascontiguousarray(plane).reshape(self.shape)


class PimsReader:
    """Whatever else pims opens (cine, Norpix seq, spe, ...)."""

    def __init__(self, path: Path):
        import pims  # brings all of matplotlib, which no other format needs

        self.path = path
        with readable(path, "film"):
            self.file = pims.open(str(path))
            self.length, self.shape = len(self.file), tuple(self.file.frame_shape)
            self.dtype = np.dtype(self.file.pixel_type)
            rate = getattr(self.file, "frame_rate", None)
            self.fps = float(rate) if rate else None

    def verify(self) -> None:
        """Left to the format's own reader."""

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop."""
        with readable(self.path, "film"):
            for t in range(start, stop, step):
                yield np.asarray(self.file[t])
