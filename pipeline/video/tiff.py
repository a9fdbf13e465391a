"""TIFF stacks, page by page, and the ways in which one can be damaged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is raised here, by name


MICROMETRE = {"um": 1.0, "micron": 1.0, "microns": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "mm": 1e3}


class UnreadableVideo(ValueError):
    """The file is damaged, cut short, or in a format that no installed reader opens."""


class TiffReader:
    """Frames of one TIFF file: plain stack, BigTIFF, ImageJ or OME hyperstack.

    `shape` is (H, W), or (H, W, channels) for colour and for multi-channel hyperstacks; axes other
    than Y, X, channel and sample (time, focus, unnamed) are run through in file order.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.file = tifffile.TiffFile(path)
            self.series = self.file.series[0]
        except Exception as error:
            raise UnreadableVideo(f"{path} is not a readable TIFF ({error})") from error
        lead = self.series.axes.index("Y") - (
            self.series.axes[: self.series.axes.index("Y")][-1:] == "S"
        )
        self.axes, self.lead = self.series.axes[:lead], self.series.shape[:lead]
        self.page_axes, self.page_shape = self.series.axes[lead:], self.series.shape[lead:]
        if sorted(self.page_axes.replace("S", "")) != ["X", "Y"]:
            raise UnreadableVideo(f"{path} stores its planes as {self.series.axes}, not as images")
        sizes = dict(zip(self.series.axes, self.series.shape, strict=True))
        if sizes.get("C", 1) == int(np.prod(self.lead)) > 4:
            # ImageJ calls a plain stack channels when nobody told it of time.
            self.axes = self.axes.replace("C", "T")
            sizes.pop("C")
        self.channels = sizes.get("C", 1)
        self.length = int(np.prod(self.lead)) // self.channels
        colours = self.channels * sizes.get("S", 1)
        self.shape = (sizes["Y"], sizes["X"]) + ((colours,) if colours > 1 else ())
        self.dtype = np.dtype(self.series.dtype)
        self.mpp, self.fps = stated_scale(self.file)

    def verify(self) -> None:
        """Raises UnreadableVideo if the file is cut short, ValueError if frames differ in size."""
        sizes = {page.shape[:2] for page in self.file.pages if not _reduced(page)}
        if len(sizes) > 1 and not self.file.is_lsm:
            first, last = min(sizes), max(sizes)
            raise ValueError(
                f"the frames of {self.path} differ in size ({first} and {last} pixels); crop them "
                "to one size or put them into separate files"
            )
        held = self.file.filehandle.size
        needed = max(
            offset + count
            for page in self.file.pages
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        )
        if self.series.dataoffset is not None:
            needed = max(needed, self.series.dataoffset + self.series.nbytes)
        pages = self.length * self.channels
        missing = self.series.dataoffset is None and len(self.file.pages) < pages
        if needed > held or missing or self._next_directory() != 0:
            raise UnreadableVideo(
                f"{self.path} is cut short: it holds {held} bytes and {len(self.file.pages)} whole "
                "pages but refers to more; copy it again"
            )

    def _next_directory(self) -> int:
        """Where the last directory that was found says the next one is: 0 in a whole file."""
        order: Literal["little", "big"] = "little" if self.file.byteorder == "<" else "big"
        form, handle, last = self.file.tiff, self.file.filehandle, self.file.pages[-1].offset
        handle.seek(last)
        tags = int.from_bytes(handle.read(form.tagnosize), order)
        handle.seek(last + form.tagnosize + tags * form.tagsize)
        following = handle.read(form.offsetsize)
        return int.from_bytes(following, order) if len(following) == form.offsetsize else -1

    def _page(self, index: int) -> np.ndarray:
        # One block of data: the only way where a writer lists no more than the first page.
        if self.series.dataoffset is not None:
            count = int(np.prod(self.page_shape))
            offset = self.series.dataoffset + index * count * self.dtype.itemsize
            stored = self.dtype.newbyteorder(self.file.byteorder)
            page = self.file.filehandle.read_array(stored, count, offset)
            page = page.astype(self.dtype, copy=False)
        else:
            listed = self.series.pages[index]
            assert listed is not None
            page = listed.asarray()
        page = page.reshape(self.page_shape)
        return np.moveaxis(page, self.page_axes.index("Y"), 0) if self.page_axes[0] == "S" else page

    def planes(self, start: int, stop: int, step: int = 1) -> Iterator[np.ndarray]:
        """Raw frames start, start + step, ... below stop, each of shape `shape`."""
        place = self.axes.find("C")
        others = tuple(n for n, axis in zip(self.lead, self.axes, strict=True) if axis != "C")
        for t in range(start, stop, step):
            index = [int(n) for n in np.unravel_index(t, others)] if others else []
            pages = []
            for c in range(self.channels):
                full = [*index[:place], c, *index[place:]] if place >= 0 else index
                pages.append(self._page(int(np.ravel_multi_index(full, self.lead)) if full else 0))
            yield pages[0] if len(pages) == 1 else np.dstack(pages)

    def close(self) -> None:
        self.file.close()


def _reduced(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    return page.keyframe is not None and page.keyframe.is_reduced


def stated_scale(file: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Micrometres per pixel and frames per second in an ImageJ, OME or JSON description."""
    mpp: float | None = None
    fps: float | None = None
    if file.imagej_metadata:
        name = str(file.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ")
        resolution = file.pages.first.tags.get("XResolution")
        if name in MICROMETRE and resolution is not None and resolution.value[0]:
            mpp = MICROMETRE[name] * resolution.value[1] / resolution.value[0]
        interval = file.imagej_metadata.get("finterval")
        fps = 1.0 / interval if interval else None
    elif file.ome_metadata:
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
        size, interval = pixels.get("PhysicalSizeX"), pixels.get("TimeIncrement")
        unit = MICROMETRE.get(pixels.get("PhysicalSizeXUnit", "µm"))
        mpp = unit * size if size and unit else None
        seconds = {"s": 1.0, "ms": 1e-3}.get(pixels.get("TimeIncrementUnit", "s"))
        fps = 1.0 / (seconds * interval) if seconds and interval else None
    elif file.shaped_metadata:
        mpp, fps = (file.shaped_metadata[0].get(key) for key in ("mpp", "fps"))
    return mpp, fps
