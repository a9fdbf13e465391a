"""Arrays that may be larger than memory: mapped to files, read and written a stretch at a time."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.files import reading

# Bytes of an array from where it lies in a file: what is not in use need not stay in memory.
ROOM = 2**26


def room(shape: tuple[int, ...], dtype: np.dtype | type, most: int | None = None) -> np.ndarray:
    """An array to be filled; a large one is mapped to a file without a name, gone with the process.

    The file lies in TMPDIR. The system keeps in memory what is in use, as far as there is memory.

    Args:
        most: bytes of an array that is in memory for good; None takes ROOM.

    Raises:
        InputError: if the disk has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= (ROOM if most is None else most):
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


def release(*arrays: np.ndarray) -> None:
    """Takes what `room` mapped to files out of the process's memory, until it is asked for again.

    Nothing is lost, and arrays that are in memory for good are left alone.
    """
    for array in arrays:
        if isinstance(array, np.memmap):
            array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def loaded(
    node: Any, columns: int | None = None, scale: float | None = None, rows: slice = slice(None)
) -> np.ndarray:
    """What a dataset on disk holds, in `room`, read a few rows at a time.

    Args:
        node: a dataset of h5py.
        columns: of its last axis; None takes all.
        scale: divides what is read.
        rows: successive ones.
    """
    first, last, _ = rows.indices(node.shape[0])
    shape = (max(last - first, 0), *node.shape[1:])
    held = shape if columns is None else (*shape[:-1], min(columns, shape[-1]))
    out = room(held, node.dtype)
    for some in stretches(shape, node.dtype):
        part = node[first + some.start : first + some.stop]
        part = part[..., : held[-1]] if len(held) > 1 else part
        out[some] = part if scale is None else part / scale
        release(out)
    return out


class Stored:
    """An array in a file, of which rows are read when they are asked for.

    It is indexed along its first axis, or by two arrays (k,) of rows and columns; every index reads
    anew, and `numpy.asarray` reads all.

    Args:
        node: a dataset of h5py, whose file stays open.
        path, what: the file, and what it should be, for the sentence on one that is damaged.
        columns, scale: as `loaded` takes them.
        judge: is given rows and their values, and raises InputError where they make no sense.
    """

    def __init__(
        self,
        node: Any,
        path: str | os.PathLike[str],
        what: str,
        columns: int | None = None,
        scale: float | None = None,
        judge: Callable[[Any, np.ndarray], None] | None = None,
    ) -> None:
        self._node, self._columns, self._scale, self._judge = node, columns, scale, judge
        self._file = path, what
        self.dtype = node.dtype
        self.shape = (*node.shape[:-1], min(columns or node.shape[-1], node.shape[-1]))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, tuple):
            return self._scattered(*rows)
        straight = isinstance(rows, slice) and rows.step in (None, 1)
        # Outside of `reading`: an IndexError ends a loop over the rows.
        picked = None if straight else np.arange(len(self))[rows]
        with reading(*self._file):
            if picked is None:
                value = loaded(self._node, self._columns, self._scale, rows)
            else:
                value = self._picked(picked)
            if self._judge is not None:
                self._judge(rows, value)
            return value

    def _scattered(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        value = np.empty((len(rows), *self.shape[2:]), self.dtype)
        order = np.argsort(rows, kind="stable")
        for some in stretches(self.shape, self.dtype):
            first, last = np.searchsorted(rows, [some.start, some.stop], sorter=order)
            here = order[first:last]
            if len(here):
                value[here] = self[some][rows[here] - some.start, columns[here]]
        return value

    def _picked(self, rows: np.ndarray) -> np.ndarray:
        value = np.empty((rows.size, *self.shape[1:]), self.dtype)
        # In ascending order, so that a chunk that rows share is unpacked once.
        for k in np.argsort(rows, axis=None, kind="stable").tolist():
            row = int(rows.flat[k])
            value[k] = loaded(self._node, self._columns, self._scale, slice(row, row + 1))[0]
        return value.reshape(*np.shape(rows), *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def store(group: Any, name: str, value: Any) -> None:
    """Writes an array to a group of h5py, with checksums: bits that change on disk are noticed.

    Numbers and words, which are stored in one piece, have none.
    """
    array = np.asarray(value)
    summed = array.size > 0 and array.ndim > 0 and array.dtype.kind in "biuf"
    group.create_dataset(name, data=value, fletcher32=summed or None)


STRETCH = 2**24  # bytes that are read, changed or written at a time


def stretches(
    shape: tuple[int, ...], dtype: np.dtype | type, size: int | None = None
) -> Iterator[slice]:
    """Rows of an array of this shape, at most so many bytes at a time, one row at least.

    Args:
        size: None takes STRETCH.
    """
    size = STRETCH if size is None else size
    row = int(np.prod(shape[1:], dtype=np.int64)) * np.dtype(dtype).itemsize
    step = max(1, size // max(row, 1))
    yield from (slice(k, min(k + step, shape[0])) for k in range(0, shape[0], step))
