"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A name beside ``path`` to write under; it becomes ``path`` when the block ends well."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Writes plain values as JSON."""
    with whole(path) as partial:
        partial.write_text(json.dumps(content))
