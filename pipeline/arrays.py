"""Arrays that may be larger than memory: mapped to files, read and written a stretch at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.errors import InputError

# Bytes of an array from where it lies in a file: what is not in use need not stay in memory.
ROOM = 2**27


def room(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An array to be filled; a large one is mapped to a file without a name, gone with the process.

    The file lies in TMPDIR. The system keeps in memory what is in use, as far as there is memory.

    Raises:
        InputError: if the disk has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= ROOM:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        try:
            # Else a full disk would show itself only where the array is written to, as a crash.
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise InputError(
                f"{tempfile.gettempdir()} has no room for {size / 1e9:.1f} GB of data that are "
                f"worked on ({error.strerror}): set TMPDIR to a folder on a larger disk."
            ) from error
        return np.memmap(file, dtype, "r+", shape=shape)


def loaded(node: Any, columns: int | None = None, scale: float | None = None) -> np.ndarray:
    """What a dataset on disk holds, in `room`, read a few rows at a time.

    Args:
        node: a dataset of h5py.
        columns: of its last axis; None takes all.
        scale: divides what is read.
    """
    shape = node.shape if columns is None else (*node.shape[:-1], min(columns, node.shape[-1]))
    out = room(shape, node.dtype)
    for rows in stretches(node.shape, node.dtype):
        part = node[rows][..., : shape[-1]] if len(shape) > 1 else node[rows]
        out[rows] = part if scale is None else part / scale
    return out


def store(group: Any, name: str, value: Any) -> None:
    """Writes an array to a group of h5py, with checksums: bits that change on disk are noticed.

    Numbers and words, which are stored in one piece, have none.
    """
    array = np.asarray(value)
    summed = array.size > 0 and array.ndim > 0 and array.dtype.kind in "biuf"
    group.create_dataset(name, data=value, fletcher32=summed or None)


STRETCH = 2**24  # bytes that are read, changed or written at a time


def stretches(shape: tuple[int, ...], dtype: np.dtype | type) -> Iterator[slice]:
    """Rows of an array of this shape, some 16 MB at a time."""
    row = int(np.prod(shape[1:], dtype=np.int64)) * np.dtype(dtype).itemsize
    step = max(1, STRETCH // max(row, 1))
    yield from (slice(k, min(k + step, shape[0])) for k in range(0, shape[0], step))
