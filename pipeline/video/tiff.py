"""TIFF stacks, page by page, in every layout that writers have, and the ways one can be damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from pipeline.errors import InputError
from pipeline.video.tiff_description import (
    colours,
    described,
    members,
    page_times,
    palette_levels,
    plane_times,
    refuse_changing_palettes,
    stated_aspect,
    stated_scale,
)
from pipeline.video.tiff_pages import Page, end_of_tags, endian, listed

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is raised here, by name


# What tifffile calls the axes that are neither an image's nor a channel.
AXES = {"T": "times", "Z": "focal planes", "P": "positions", "M": "tiles", "I": "images"}


class UnreadableVideo(InputError):
    """The file is damaged, cut short, or in a format that no installed reader opens."""


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """Around what a library reads: headers and descriptions hold what somebody wrote into them.

    Raises:
        UnreadableVideo: ``path`` is no readable ``what``, for whatever goes wrong in the block.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableVideo(
            f"{path} is not a readable {what}, or is damaged ({reason}); copy it again"
        ) from error


class TiffReader:
    """Frames of one TIFF file: plain stack, BigTIFF, ImageJ or OME hyperstack, of one file or more.

    A plain stack is all its pages of full size in their order, however many writes they came in and
    whatever their compression. `shape` is (H, W), or (H, W, channels) for colour and multi-channel
    hyperstacks. Besides length, dtype, mpp and fps it has `times` (T,) [s] where the file keeps
    them, else None.

    Args:
        position, plane: which series of several, which focal plane of several, from 0.

    Raises:
        UnreadableVideo: no TIFF, or one whose images cannot be found.
        InputError: several positions or focal planes, and nobody said which.
    """

    def __init__(self, path: Path, position: int | None = None, plane: int | None = None):
        self.path = path
        self.pages: list[Page] | None = None
        self.order = np.zeros((0, 1), np.int64)  # (T, channels) number of each page
        with readable(path, "TIFF"):
            self._lay_out(position, plane)

    def _lay_out(self, position: int | None, plane: int | None) -> None:
        self.file = tifffile.TiffFile(self.path)
        self.plain = _plain(self.file)
        self.series = None if self.plain else self._chosen(position)
        if self.series is None:
            self._lay_out_pages(plane)
        else:
            self._lay_out_series(self.series, plane)
        taken = self._taken(self.order)
        self.missing, self.order = len(self.order) - len(taken), taken
        self.length, self.channels = self.order.shape
        sizes = dict(zip(self.page_axes, self.page_shape, strict=True))
        self.samples = min(sizes.get("S", 1), colours(self.file.pages.first, self.path))
        count = self.channels * self.samples
        self.shape = (sizes["Y"], sizes["X"]) + ((count,) if count > 1 else ())
        self.levels = palette_levels(self.file)
        self.dtype = grey_levels(self.stored, self.path)
        if self.levels is not None:
            self.dtype = self.levels.dtype
        self.mpp, self.fps = stated_scale(self.file)
        self.aspect = stated_aspect(self.file)
        self.times = plane_times(self.file, position or 0, plane or 0, self.length)
        if self.times is None:
            self.times = page_times(self.file, self._offsets())
        if self.times is not None and self.fps is None:
            self.fps = 1.0 / float(np.median(np.diff(self.times)))

    def _offsets(self) -> list[int]:
        """Where the tags of the frames are, of their first channel; none where pages lack tags or
        are in several files."""
        pages = self.pages if self.series is None else self.series.pages
        assert pages is not None
        if (self.series is not None and self.series.dataoffset is not None) or members(self.file):
            return []
        found = [pages[int(k)] for k in self.order[:, 0]]
        return [page.offset for page in found if page is not None]

    def _taken(self, order: np.ndarray) -> np.ndarray:
        """The order without the times at its end that were never taken: a recording that was
        stopped announces more images than its file, which is whole, holds."""
        if self.series is None or self.series.dataoffset is not None or members(self.file):
            return order
        there = [all(self.series.pages[int(k)] is not None for k in row) for row in order]
        count = sum(there)
        stopped = 0 < count < len(there) and all(there[:count]) and self._next_directory() == 0
        return order[:count] if stopped else order

    def _chosen(self, position: int | None) -> tifffile.TiffPageSeries | None:
        """The series that holds the frames; None where each of several holds one."""
        series = list(self.file.series)
        if len(series) == 1:
            if position:
                raise AskedFor(f"video.position = {position}, but {self.path} holds one position")
            return series[0]
        images = [s for s in series if "Y" in s.axes and s.name.lower() not in ("label", "macro")]
        if not self.file.is_ome:
            return images[0]
        if all(_images(s) == 1 for s in images) and len({s.shape for s in images}) == 1:
            return None
        if position is None or position >= len(images):
            raise AskedFor(
                f"{self.path} holds {len(images)} positions: say which to use, video.position: "
                f"0 to {len(images) - 1}"
            )
        return images[position]

    def _lay_out_pages(self, plane: int | None) -> None:
        """Every page of full size is a frame."""
        pages = [page for page in listed(self.file) if not _reduced(page)]
        first = pages[0]
        self.pages = pages
        self.page_axes, self.page_shape = first.axes, first.shape
        if sorted(self.page_axes.replace("S", "")) != ["X", "Y"]:
            raise UnreadableVideo(f"{self.path} stores its planes as {first.axes}, not as images")
        self.stored = np.result_type(*{np.dtype(page.dtype) for page in pages if page.dtype})
        self.order = np.arange(len(pages))[:, None]
        if plane:
            raise AskedFor(f"video.plane = {plane}, but {self.path} names no focal planes")

    def _lay_out_series(self, series: tifffile.TiffPageSeries, plane: int | None) -> None:
        """The axes that a writer named say what is a time, a channel, a focal plane."""
        axes = series.axes
        lead = axes.index("Y") - (axes[: axes.index("Y")][-1:] == "S")
        self.page_axes, self.page_shape = axes[lead:], series.shape[lead:]
        if sorted(self.page_axes.replace("S", "")) != ["X", "Y"]:
            raise UnreadableVideo(f"{self.path} stores its planes as {axes}, not as images")
        self.stored = np.dtype(series.dtype)
        names, sizes = axes[:lead], series.shape[:lead]
        if "C" in names and sizes[names.index("C")] == int(np.prod(sizes)) > 4:
            # ImageJ calls a plain stack channels when nobody told it of time.
            names = names.replace("C", "T")
        grid = np.arange(int(np.prod(sizes))).reshape(sizes)
        long = [k for k, name in enumerate(names) if name != "C" and sizes[k] > 1]
        focus = names.find("Z")
        if focus in long and (plane is not None or len(long) > 1):
            count = sizes[focus]
            if plane is None or plane >= count:
                raise AskedFor(
                    f"{self.path} holds {count} focal planes at each of "
                    f"{int(np.prod([sizes[k] for k in long if k != focus]))} "
                    f"{' and '.join(_axis(names[k]) for k in long if k != focus)}: say which to "
                    f"use, video.plane: 0 to {count - 1}"
                )
            grid = np.take(grid, [plane], axis=focus)
            long.remove(focus)
        if len(long) > 1:
            raise AskedFor(
                f"{self.path} holds {' and '.join(f'{sizes[k]} {_axis(names[k])}' for k in long)}: "
                "only one of these can be time; save one of them alone"
            )
        if "C" in names:
            grid = np.moveaxis(grid, names.index("C"), -1)
        self.order = grid.reshape(-1, grid.shape[-1] if "C" in names else 1)

    def verify(self) -> None:
        """Raises UnreadableVideo if the file is cut short, InputError if frames differ in size."""
        with readable(self.path, "TIFF"):
            self._verify()

    def _verify(self) -> None:
        pages = self.file.pages if self.pages is None else self.pages
        if self.pages is None:
            self._refuse_more_than_described()
        sizes = {page.shape for page in pages}
        if len(sizes) > 1 and self.series is None:
            first, last = min(sizes), max(sizes)
            raise InputError(
                f"the frames of {self.path} differ in size or colour ({first} and {last} pixels); "
                "make them alike, or give those that differ a data set of their own under data/"
            )
        refuse_changing_palettes(self.file, self._offsets(), self.path)
        held = self.file.filehandle.size
        needed = max(
            offset + count
            for page in pages
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        )
        needed = max(needed, end_of_tags(self.file))
        missing = False
        if self.series is not None and self.series.dataoffset is not None:
            needed = max(needed, self.series.dataoffset + self.series.nbytes)
        elif self.series is not None:
            missing = self._lacks()
        if needed > held or missing or self._next_directory() != 0:
            raise UnreadableVideo(
                f"{self.path} is cut short: it holds {held} bytes and {len(self.file.pages)} whole "
                "pages but refers to more; copy it again"
            )

    def _refuse_more_than_described(self) -> None:
        """An OME description that names fewer images than there are was not kept up."""
        if not self.file.is_ome or members(self.file):
            return
        named = {page.index for s in self.file.series for page in s.pages if page is not None}
        frames = [page for page in self.file.pages if isinstance(page, tifffile.TiffFrame)]
        if more := [page for page in frames if page.index not in named]:
            raise InputError(
                f"{self.path} holds {len(self.file.pages)} images and its description (OME) leaves "
                f"{len(more)} of them out: save it anew as a plain TIFF stack"
            )

    def _lacks(self) -> bool:
        """Whether pages that the series names are in none of its files."""
        assert self.series is not None
        listed = [self.series.pages[int(k)] for k in self.order.ravel()]
        if any(page is None for page in listed) and (others := sorted(members(self.file))):
            raise UnreadableVideo(
                f"{self.path} is one of {len(others)} files that belong together, and images of "
                f"others are missing: put all of {', '.join(others[:4])}"
                f"{' ...' if len(others) > 4 else ''} beside it"
            )
        return any(page is None for page in listed)

    def _next_directory(self) -> int:
        """Where the last directory that was found says the next one is: 0 in a whole file."""
        order = endian(self.file)
        form, handle, last = self.file.tiff, self.file.filehandle, self.file.pages[-1].offset
        handle.seek(last)
        tags = int.from_bytes(handle.read(form.tagnosize), order)
        handle.seek(last + form.tagnosize + tags * form.tagsize)
        following = handle.read(form.offsetsize)
        return int.from_bytes(following, order) if len(following) == form.offsetsize else -1

    def _page(self, index: int) -> np.ndarray:
        # One block of data: the only way where a writer lists no more than the first page.
        if self.series is not None and self.series.dataoffset is not None:
            count = int(np.prod(self.page_shape))
            offset = self.series.dataoffset + index * count * self.stored.itemsize
            stored = self.stored.newbyteorder(self.file.byteorder)
            page = self.file.filehandle.read_array(stored, count, offset)
            key: tifffile.TiffPage | None = self.series.keyframe
        else:
            source = self.pages if self.series is None else self.series.pages
            assert source is not None
            found = source[index]
            assert found is not None
            if (handle := found.parent.filehandle).closed:  # one of a set of several files
                handle.open()
            page = found.asarray()
            key = found.keyframe
        assert key is not None
        # Not of bits: who writes masks calls 1 white and lets the tag say black.
        if page.dtype.kind == "u" and key.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            page = np.invert(page)
        if self.levels is not None:
            page = self.levels[page]
        page = as_grey(page.reshape(self.page_shape), self.dtype)
        if "S" not in self.page_axes:
            return page
        page = np.moveaxis(page, self.page_axes.index("S"), -1)[..., : self.samples]
        return page if self.samples > 1 else page[..., 0]

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop, each of shape `shape`."""
        for t in range(start, stop, step):
            try:
                pages = [self._page(int(k)) for k in self.order[t]]
            except Exception as error:
                raise UnreadableVideo(
                    f"{self.path} cannot be read at frame {t} ({error})"
                ) from error
            yield pages[0] if len(pages) == 1 else np.dstack(pages)

    def close(self) -> None:
        self.file.close()


def grey_levels(stored: np.dtype, path: Path) -> np.dtype:
    """The type in which pixels are given that are stored as another: a bit is black or white, and
    numbers of half precision become single.

    Raises:
        InputError: for pixels that are complex numbers, or no numbers.
    """
    if stored.kind not in "biuf":
        raise InputError(
            f"{path} has pixels of type {stored}, and only real numbers are grey levels: save the "
            "magnitude, or whichever part is meant"
        )
    if stored.kind == "b":
        return np.dtype(np.uint8)
    return np.dtype(np.float32) if stored == np.dtype(np.float16) else stored


def as_grey(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An image in the type of `grey_levels`."""
    if image.dtype == np.dtype(bool):
        return image * np.uint8(255)
    return image.astype(dtype, copy=False)


class AskedFor(InputError):
    """The file holds more than one video, or not what was asked for."""


def _axis(name: str) -> str:
    return AXES.get(name, f"steps of an axis {name}")


def _images(series: tifffile.TiffPageSeries) -> int:
    """How many images a series holds; up to four channels make one."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    images = [n for axis, n in sizes.items() if axis not in "YXS" and not (axis == "C" and n <= 4)]
    return int(np.prod(images))


def _plain(file: tifffile.TiffFile) -> bool:
    """Whether the pages alone say what there is: no writer has named axes or left pages out."""
    if file.is_ome or file.is_lsm or file.is_stk or file.is_fluoview or file.is_scn:
        return False
    if file.is_imagej:
        images = (file.imagej_metadata or {}).get("images", 1)
        return len(file.pages) > max(images, 1)
    stated = described(file)
    return not stated.get("truncated") and not set(str(stated.get("axes", ""))) & set("CZ")


def _reduced(page: Page) -> bool:
    return page.keyframe is not None and page.keyframe.is_reduced
