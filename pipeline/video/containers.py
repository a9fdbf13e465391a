"""Where a film says that it ends: what a copy that broke off lacks, however little it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

FILE_PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")  # an object of ASF
EBML, SEGMENT = bytes.fromhex("1A45DFA3"), bytes.fromhex("18538067")  # of Matroska


def breaks_off(path: Path, container: str) -> bool:
    """Whether the end of a film is missing, by what its container says of its size.

    Args:
        path: the film.
        container: as FFmpeg names it; of others than GIF, AVI, Matroska, ASF (WMV) and
            those like MP4 nothing is known here: streams say nowhere how long they are.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        if container == "gif":
            return _last_byte(file, size) != b";"
        if container == "avi":
            return size < _end_of_riff(file)
        if container == "matroska,webm":
            return size < _end_of_segment(file)
        if container == "asf":
            return size < _end_of_asf(file)
        return container.startswith("mov,") and size < _end_of_boxes(file, size)


def _last_byte(file: BinaryIO, size: int) -> bytes:
    """Zeros apart, which some programs fill the last block with."""
    file.seek(max(0, size - 4096))
    return file.read().rstrip(b"\0")[-1:]


def _end_of_riff(file: BinaryIO) -> int:
    """Byte at which the first list of an AVI file ends; those of more than a gigabyte have more.

    0 where the writer did not come to fill it in.
    """
    head = file.read(8)
    length = int.from_bytes(head[4:], "little")
    return 8 + length if head[:4] == b"RIFF" and length < 2**32 - 1 and length > 0 else 0


def _end_of_asf(file: BinaryIO) -> int:
    """Size of the file in the properties of an ASF file; 0 where it does not say, as live ones."""
    head = file.read(2**16)
    at = head.find(FILE_PROPERTIES) + 40  # behind the size of the object and a mark of the file
    return int.from_bytes(head[at : at + 8], "little") if at > 40 else 0


def _end_of_segment(file: BinaryIO) -> int:
    """Byte at which the segment of a Matroska file ends: RFC 9559, section 5.1; 0 if it does not
    say, as where it was written to a stream."""
    for name in (EBML, SEGMENT):
        if file.read(4) != name:
            return 0
        length = _length(file)
        if name == EBML:
            file.seek(length or 0, os.SEEK_CUR)
    return 0 if length is None else file.tell() + length


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Byte at which the last box of an MP4 or MOV file ends: ISO 14496-12, section 4.2."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        length = int.from_bytes(file.read(4), "big")
        if length == 1:  # a longer number after the name
            file.seek(end + 8)
            length = int.from_bytes(file.read(8), "big")
        if length < 8:  # 0: to the end of the file; others are no boxes
            return 0
        end += length
    return end


def _length(file: BinaryIO) -> int | None:
    """Size of an element, a number whose first byte tells its width; None for an unknown one."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    width = 9 - first[0].bit_length()
    value = first[0] & (0xFF >> width)
    rest = file.read(width - 1)
    number = int.from_bytes(bytes([value]) + rest, "big")
    return None if number == 2 ** (7 * width) - 1 else number
