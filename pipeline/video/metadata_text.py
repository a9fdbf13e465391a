"""Times of images from the metadata.txt that Micro-Manager writes beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.errors import InputError

NAME = "metadata.txt"


def image_times(paths: Sequence[Path]) -> np.ndarray | None:
    """(T,) seconds at which images of one folder were taken; None where none or not all are said.

    Raises:
        InputError: a file of that name that is damaged.
    """
    beside = paths[0].parent / NAME
    if not beside.is_file():
        return None
    text = beside.read_text(encoding="utf-8", errors="replace").strip()
    if not text.startswith("{"):
        return None
    try:
        # A recording that was stopped lacks the last bracket.
        closed = text.count("{") == text.count("}")
        told = json.loads(text if closed else text.rstrip(",") + "}")
    except ValueError as error:
        raise InputError(
            f"{beside} is cut short or damaged ({error}): copy it again, or take it away to go by "
            "the numbers of the images"
        ) from error
    known = {
        Path(str(entry.get("FileName", key))).name: float(entry["ElapsedTime-ms"]) / 1000
        for key, entry in told.items()
        if isinstance(entry, dict) and "ElapsedTime-ms" in entry
    }
    times = np.array([known.get(path.name, np.nan) for path in paths])
    return times if len(times) > 1 and (np.diff(times) > 0).all() else None
