"""What is read from the files, and the exception that says a file lacks something."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Absent(ValueError):
    """Something a figure needs is not there; the message is the sentence the reader sees."""


class Group(NamedTuple):
    """One group of an HDF5 file: `data` name -> array, `attrs` name -> value."""

    data: dict[str, np.ndarray]
    attrs: dict[str, Any]

    def get(self, name: str) -> np.ndarray:
        """The dataset `name`. Raises Absent where the group lacks it."""
        if name not in self.data:
            raise Absent(f"The quantity “{name}” was not stored, so this is not shown.")
        return self.data[name]


class Run(NamedTuple):
    """One trained model: name, seed, its folder, and the name of its statistics."""

    model: str
    seed: int
    folder: str

    @property
    def source(self) -> str:
        return f"{self.model}_seed{self.seed}"


def plain(value: Any) -> Any:
    """An HDF5 attribute as a plain Python value (bytes to text, scalars to int, float, bool)."""
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value
