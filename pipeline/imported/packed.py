"""Files that are packed, opened by what their first bytes say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import Any

PACKED = {".gz", ".bz2", ".xz", ".zst"}


def packing(path: Path) -> Any:
    """What opens a file: by its first bytes, for names say that a file is packed that no longer
    is, and nothing of one that is."""
    with open(path, "rb") as file:
        start = file.read(6)
    return next((opener for mark, opener in PACKERS.items() if start.startswith(mark)), open)


def _zstandard(path: Path, mode: str) -> Any:
    import pyarrow

    return io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd"))


PACKERS = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": _zstandard,
}
# What they raise for an archive that was cut short or is damaged.
UNPACKING = (OSError, EOFError, zlib.error, lzma.LZMAError)


def opened(path: Path) -> Any:
    """A file opened for its bytes, unpacked."""
    return packing(path)(path, "rb")
