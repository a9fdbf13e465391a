"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A name beside ``path`` to write under; it becomes ``path`` when the block ends well."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)
