"""A table of tracks as it stands in its file: what every reader of one gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.errors import InputError
from pipeline.units import MICROMETRES, SECONDS

# Micrometres and seconds of the units that tables name; pixels and frames are none.
LENGTHS: dict[str, float | None] = {"px": None, "pixel": None, "pixels": None, **MICROMETRES}
TIMES: dict[str, float | None] = {"frame": None, "frames": None, **SECONDS}


class Raw(NamedTuple):
    """A table as it stands in its file.

    Fields:
        path: of the file.
        table: columns particle, x, y, and frame or time, as read; further ones of CARRIED.
        columns: role -> name in the file.
        length: micrometres of the unit of x and y, None where they are pixels.
        time: seconds of the unit of ``time``, None where it counts frames or says nothing.
        mpp: micrometres per pixel, where the file says; interval: seconds per frame, likewise.
        unread: columns that hold velocities, which are taken from the steps instead.
        view: width and height of the film in pixels, where the file says.
    """

    path: Path
    table: pd.DataFrame
    columns: dict[str, str]
    length: float | None = None
    time: float | None = None
    mpp: float | None = None
    interval: float | None = None
    view: tuple[int, int] | None = None
    unread: tuple[str, ...] = ()


def unit(
    name: str | None, known: Mapping[str, float | None], quantity: str, path: Path
) -> float | None:
    """Micrometres or seconds of a unit by its name, None where it counts pixels or frames.

    Raises:
        InputError: the name is none of ``known``.
    """
    if name is None or not name.strip():
        return None
    if name.strip().lower() not in known:
        names: dict[float | None, str] = {}  # one of each size
        for word, size in known.items():
            names.setdefault(size, word)
        raise InputError(
            f"{path.name} gives a {quantity} in {name!r}, and known are "
            f"{', '.join(names.values())}: write one of these in the table."
        )
    return known[name.strip().lower()]
