"""Files of the workflow as they would be had they been written otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import yaml

from pipeline.hdf5 import SEAL


@contextmanager
def unsealed(path: Path) -> Iterator[h5py.File]:
    """A file to be changed, without the seal that would tell that it was."""
    with h5py.File(path, "a") as file:
        file.attrs.pop(SEAL, None)
        yield file


def noted(path: Path, **changes: Any) -> None:
    """A model.yaml with other values."""
    record = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump(record))


# What model.yaml says of a mode of memory that was found.
MEMORY = {
    "modes": 1,
    "kind": "maxwell",
    "time": {"value": [4.2], "low": [3.5], "high": [5.0]},
    "stiffness": {"value": [0.003], "low": [0.0028], "high": [0.0033]},
    "friction": [0.0126],
    "trials": [
        {"value": "1 active after 1 maxwell", "gain": -0.001, "error": 0.003, "kept": False},
        {"value": "1 maxwell after 0 none", "gain": 0.25, "error": 0.03, "kept": True},
    ],
    "without": [1.05, 0.04],
}
