"""Files of the workflow as they would be had they been written otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from pipeline.hdf5 import SEAL


@contextmanager
def unsealed(path: Path) -> Iterator[h5py.File]:
    """A file to be changed, without the seal that would tell that it was."""
    with h5py.File(path, "a") as file:
        file.attrs.pop(SEAL, None)
        yield file
