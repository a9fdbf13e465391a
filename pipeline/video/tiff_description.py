"""What the descriptions in a TIFF say: scale, shape of a pixel, times, files that go together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from pipeline.errors import InputError
from pipeline.units import MICROMETRES, SECONDS
from pipeline.video.tiff_pages import directory, palette, text

PRINTERS = {"inch", "in", "cm"}  # units of a scale that no microscope wrote
MICROMETRE = {name: size for name, size in MICROMETRES.items() if name not in PRINTERS}
MICROMANAGER = 51123  # the tag of a page in which it keeps what it knows of it
# Tags of a page, what stands there before its time, and seconds: Micro-Manager, ScanImage, HCImage
# and MetaMorph.
STAMPS = (
    (MICROMANAGER, re.compile(r'"ElapsedTime-ms"\s*:\s*"?([\d.]+)'), 1e-3),
    (270, re.compile(r"frameTimestamps_sec\s*=\s*([\d.]+)"), 1.0),
    (270, re.compile(r"Time_From_Start\s*=\s*([\d.:]+)"), 1.0),
    (270, re.compile(r'acquisition-time-local"[^>]*value="\d{8} ([\d.:]+)"'), 1.0),
)
DAY = 86400.0  # seconds
# Times from black to white and back that a scale of false colours goes at most: jet does it twice.
WINDING = 8.0
BRIGHTNESS = {"MINISWHITE", "MINISBLACK", "RGB", "PALETTE", "YCBCR", "LINEAR_RAW"}


def members(file: tifffile.TiffFile) -> set[str]:
    """Names of the files that an OME description spreads its images over."""
    return set(re.findall(r'FileName="([^"]+)"', file.ome_metadata or ""))


def colours(page: tifffile.TiffPage, path: Path) -> int:
    """How many samples of a pixel are brightnesses: not the last, where it says how opaque it is.

    Raises:
        InputError: for inks, a mosaic of colours, and whatever else is none.
    """
    stored = tifffile.PHOTOMETRIC(page.photometric).name
    mixed = stored == "YCBCR" and page.compression not in (6, 7)  # JPEG, which is turned into RGB
    if stored not in BRIGHTNESS or mixed:
        raise InputError(
            f"{path} stores its pixels as {stored}, which are no brightnesses: save it as grey or "
            "RGB"
        )
    opacity = [kind for kind in page.extrasamples if kind in (1, 2)]
    return int(page.samplesperpixel) - len(opacity)


def palette_levels(file: tifffile.TiffFile) -> np.ndarray | None:
    """Grey level (0 to 255) of each index of a palette in no order of brightness, as those are that
    were made for a picture. None where the index is the brightness itself, as under false colours.
    """
    page = file.pages.first
    if page.photometric != tifffile.PHOTOMETRIC.PALETTE or page.colormap is None or file.is_imagej:
        return None
    return _levels(np.asarray(page.colormap))


def _levels(palette: np.ndarray) -> np.ndarray | None:
    """As `palette_levels`, of a palette (3, K) of 16 bits."""
    luminance = np.array([0.299, 0.587, 0.114]) @ palette.astype(float) / 65535
    travel = float(np.abs(np.diff(luminance)).sum())
    return np.rint(255 * luminance).astype(np.uint8) if travel > WINDING else None


def refuse_changing_palettes(file: tifffile.TiffFile, offsets: Sequence[int], path: Path) -> None:
    """Refuses pages with palettes of their own, as pictures have: a number is another brightness
    in each of them. Palettes of false colours may change, for a number is the brightness there.

    Args:
        offsets: where the frames have their tags.
    """
    if file.is_imagej or file.pages.first.photometric != tifffile.PHOTOMETRIC.PALETTE:
        return
    stored = [palette(file, directory(file, offset)[0]) for offset in offsets]
    for number, colours in enumerate(stored):
        one, other = stored[0], colours
        if one is None or other is None or np.array_equal(one, other):
            continue
        if _levels(one) is not None or _levels(other) is not None:
            raise InputError(
                f"frame {number} of {path} has another palette than frame 0, so that one number is "
                "two brightnesses: save the film in levels of grey"
            )


def described(file: tifffile.TiffFile) -> dict[str, Any]:
    """What tifffile notes in the first page of what it writes."""
    description = file.pages.first.shaped_description or ""
    return dict(json.loads(description)) if description.startswith("{") else {}


def plane_times(
    file: tifffile.TiffFile, position: int, plane: int, length: int
) -> np.ndarray | None:
    """(T,) seconds at which the frames were taken, from an OME description that has them all."""
    if not file.is_ome or not file.ome_metadata:
        return None
    images = ElementTree.fromstring(file.ome_metadata).findall("{*}Image")
    found: dict[int, float] = {}
    for node in images[position].findall("{*}Pixels/{*}Plane") if position < len(images) else []:
        first = int(node.get("TheC", 0)) == 0 and int(node.get("TheZ", 0)) == plane
        unit = SECONDS.get(node.get("DeltaTUnit", "s").lower())
        if first and unit and node.get("DeltaT") is not None:
            found[int(node.get("TheT", 0))] = unit * float(node.get("DeltaT", 0))
    times = np.array([found[t] for t in sorted(found)])
    whole = len(times) == length > 1 and (np.diff(times) > 0).all()
    return times if whole else None


def page_times(file: tifffile.TiffFile, offsets: list[int]) -> np.ndarray | None:
    """(T,) seconds at which the frames were taken, from a tag that each of their pages has.

    Args:
        offsets: where the tags of the page of each frame are.
    """
    for code, form, unit in STAMPS if len(offsets) > 1 else ():
        found = []
        for offset in offsets:
            match = form.search(text(file, directory(file, offset)[0], code))
            if match is None:
                break
            found.append(unit * _seconds(match[1]))
        times = np.array(found)
        times[1:] += DAY * np.cumsum(np.diff(times) < -0.5 * DAY)  # past midnight
        if len(times) == len(offsets) and (np.diff(times) > 0).all():
            return times
    return None


def _seconds(said: str) -> float:
    """Seconds of "12.5" or "0:01:02.5"."""
    return sum(float(part or 0) * 60**k for k, part in enumerate(reversed(said.split(":"))))


def stated_aspect(file: tifffile.TiffFile) -> float | None:
    """Height of a pixel over its width, from an OME description or from the resolution tags."""
    if file.is_ome and file.ome_metadata:
        node = ElementTree.fromstring(file.ome_metadata).find("{*}Image/{*}Pixels")
        found = [] if node is None else [node.get(f"PhysicalSize{axis}") for axis in "YX"]
        units = [] if node is None else [node.get(f"PhysicalSize{axis}Unit") for axis in "YX"]
        if None in found or len(set(units)) != 1 or len(found) < 2:
            return None
        high, wide = (float(size or 0) for size in found)
        return high / wide if high > 0 and wide > 0 else None
    tags = [file.pages.first.tags.get(f"{axis}Resolution") for axis in "XY"]
    across, down = (tag.value if tag is not None else (0, 1) for tag in tags)
    return across[0] * down[1] / (across[1] * down[0]) if across[0] and down[0] else None


def stated_scale(file: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Micrometres per pixel and frames per second in an ImageJ, OME or JSON description."""
    mpp: float | None = None
    fps: float | None = None
    if file.imagej_metadata:
        name = str(file.imagej_metadata.get("unit", "")).replace("\\u00B5", "µ")
        resolution = file.pages.first.tags.get("XResolution")
        micrometres = MICROMETRE.get(name.lower())
        if micrometres and resolution is not None and resolution.value[0]:
            mpp = micrometres * resolution.value[1] / resolution.value[0]
        interval = file.imagej_metadata.get("finterval")
        clock = str(file.imagej_metadata.get("tunit", "s")).replace("\\u00B5", "µ")
        seconds = SECONDS.get(clock.lower())
        fps = 1.0 / (seconds * interval) if seconds and interval else None
    elif file.ome_metadata:
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
        size, interval = pixels.get("PhysicalSizeX"), pixels.get("TimeIncrement")
        unit = MICROMETRE.get(pixels.get("PhysicalSizeXUnit", "µm").lower())
        mpp = unit * size if size and unit else None
        seconds = SECONDS.get(pixels.get("TimeIncrementUnit", "s").lower())
        fps = 1.0 / (seconds * interval) if seconds and interval else None
    else:
        mpp, fps = (described(file).get(key) for key in ("mpp", "fps"))
    noted = text(file, directory(file, file.pages.first.offset)[0], MICROMANAGER)
    if mpp is None and (size := re.search(r'"PixelSizeUm"\s*:\s*"?([\d.]+)', noted)) is not None:
        mpp = float(size[1]) or None
    return mpp, fps
