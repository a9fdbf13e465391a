"""HDF5 files that one stage leaves to the next: written whole, sealed, and refused if changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from pipeline.errors import InputError
from pipeline.files import reading, whole

SEAL = "seal"  # attribute of the file
# Bytes up to which the values of a dataset are sealed; longer ones carry HDF5's own checksums.
SMALL = 2**20


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """A file to be filled in the block; it appears whole and sealed, or not at all."""
    with whole(path) as partial, h5py.File(partial, "w") as file:
        yield file
        file.attrs[SEAL] = _seal(file)


@contextmanager
def opened(path: str | os.PathLike[str], what: str) -> Iterator[h5py.File]:
    """A file that `written` made, around the reading of it.

    Args:
        what: what it should be, such as "a neighbour graph".

    Raises:
        InputError: naming the file, if it is missing, damaged, or anything in it was added, taken
            away, renamed, reshaped or, up to SMALL, changed.
    """
    with reading(path, what), left_open(path) as file:
        yield file


def left_open(path: str | os.PathLike[str]) -> h5py.File:
    """The same, to be called in `pipeline.files.reading`; closed when nobody holds any of it."""
    file, state = h5py.File(path, "r"), os.stat(path)
    mark = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    if mark not in _checked:
        if file.attrs.get(SEAL) not in (None, _seal(file)):
            raise InputError("it was changed since it was written; settings belong into config")
        _checked.add(mark)
    return file


# Files that are as they were sealed, by what tells one state of a file from another: a report reads
# group after group of them.
_checked: set[tuple[int, ...]] = set()


def require(attributes: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    """Raises InputError, or KeyError, where what a file says of itself is not as expected."""
    for name, wanted in expected.items():
        if (its := attributes[name]) != wanted:
            raise InputError(f"its {name} is {its!r} and not {wanted!r}")


def _seal(file: h5py.File) -> str:
    """Checksum of names, shapes, types, attributes, and of values up to SMALL."""
    mark = hashlib.sha256(_attributes(file))

    def add(name: str, node: h5py.Group | h5py.Dataset) -> None:
        mark.update(name.encode() + _attributes(node))
        if isinstance(node, h5py.Dataset):
            mark.update(f"{node.shape} {node.dtype.str}".encode())
            if node.size is not None and node.size * node.dtype.itemsize <= SMALL:
                mark.update(_bytes(node[()]))

    file.visititems(add)
    return mark.hexdigest()


def _attributes(node: h5py.Group | h5py.Dataset) -> bytes:
    return b"".join(
        key.encode() + _bytes(value) for key, value in sorted(node.attrs.items()) if key != SEAL
    )


def _bytes(value: Any) -> bytes:
    array = np.asarray(value)
    return repr(array.tolist()).encode() if array.dtype.kind in "OUS" else array.tobytes()
