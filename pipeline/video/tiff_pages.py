"""The pages of a TIFF as they are stored: where each has its tags, and what they hold."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np
import tifffile

# Tags that say how the pixels of a page are stored: size, depth, compression, strips or tiles.
LAYOUT = (254, 256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 338, 339)
COLOURS = 320  # the tag of a palette
Page = tifffile.TiffPage | tifffile.TiffFrame


def directory(file: tifffile.TiffFile, offset: int) -> tuple[np.ndarray, int]:
    """The tags of a page as they are stored there, and where the next page has its own."""
    order, big = ">" if file.byteorder == ">" else "<", file.tiff.tagsize == 20
    size = "8" if big else "4"
    names = [("code", "u2"), ("type", "u2"), ("count", "u" + size)]
    entry = np.dtype([(name, order + kind) for name, kind in names] + [("value", "V" + size)])
    handle = file.filehandle
    handle.seek(offset)
    count = int.from_bytes(handle.read(file.tiff.tagnosize), endian(file))
    tags = np.frombuffer(handle.read(count * file.tiff.tagsize), entry)
    return tags, int.from_bytes(handle.read(file.tiff.offsetsize), endian(file))


def end_of_tags(file: tifffile.TiffFile) -> int:
    """One past the last byte of what the tags of the first page say; tifffile passes over those
    that the file is too short for, and with them the scale."""
    end = 0
    for tag in directory(file, file.pages.first.offset)[0]:
        form = tifffile.TIFF.DATA_FORMATS.get(int(tag["type"]), "")
        size = struct.calcsize("=" + form) * int(tag["count"])
        if size > len(tag["value"].tobytes()):
            end = max(end, size + int.from_bytes(tag["value"].tobytes(), endian(file)))
    return end


def listed(file: tifffile.TiffFile) -> list[Page]:
    """All pages in the order of the file; those laid out as the one before share its description.

    tifffile groups pages into series, which loses the order of pages that differ in compression,
    and reads every tag of each, which takes minutes for ten thousands of them.
    """
    known = np.zeros(2**16, bool)
    known[list(LAYOUT)] = True
    found: list[Page] = []
    key: tifffile.TiffPage | None = None
    before: bytes | None = None
    handle, offset = file.filehandle, file.pages.first.offset
    for index in range(len(file.pages)):
        tags, following = directory(file, offset)
        tags = tags[known[tags["code"]]].copy()
        # Longer values are stored elsewhere: the tag then holds where, not what.
        tags["value"][tags["count"] > 1] = b""
        if key is not None and tags.tobytes() == before:
            found.append(tifffile.TiffFrame(file, index, offset=offset, keyframe=key))
        else:
            handle.seek(offset)
            key = tifffile.TiffPage(file, index=index)
            before = tags.tobytes()
            found.append(key)
        offset = following
    return found


def endian(file: tifffile.TiffFile) -> Literal["little", "big"]:
    return "little" if file.byteorder == "<" else "big"


def palette(file: tifffile.TiffFile, tags: np.ndarray) -> np.ndarray | None:
    """(3, K) the colours of 16 bits that a page has, of its tags as `directory` gives them."""
    for tag in tags[tags["code"] == COLOURS]:
        file.filehandle.seek(int.from_bytes(tag["value"].tobytes(), endian(file)))
        stored = file.filehandle.read(2 * int(tag["count"]))
        values = np.frombuffer(stored, f"{file.byteorder}u2")
        return values.reshape(3, -1) if values.size == tag["count"] else None
    return None


def text(file: tifffile.TiffFile, tags: np.ndarray, code: int) -> str:
    """What a tag of a page says, of those of `directory`; "" where it has none of that code."""
    for tag in tags[tags["code"] == code]:
        size, value = int(tag["count"]), tag["value"].tobytes()
        if size > len(value):
            file.filehandle.seek(int.from_bytes(value, endian(file)))
            value = file.filehandle.read(size)
        return bytes(value[:size]).decode("utf-8", errors="replace")
    return ""
