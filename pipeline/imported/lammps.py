"""LAMMPS text dumps: boundary flags, units and times of the header are read as well as columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from MDAnalysis.lib.util import openany

from pipeline.imported.frames import Frame

# Columns of positions, in the order in which they are preferred, and whether they are scaled.
PLACES = (
    ("x", "y", "z", False),
    ("xu", "yu", "zu", False),
    ("xs", "ys", "zs", True),
    ("xsu", "ysu", "zsu", True),
)
# Lengths and times of LAMMPS' unit styles that this project has names for.
UNITS = {"lj": ("1", "1"), "real": ("A", "fs"), "metal": ("A", "ps"), "nano": ("nm", "ns")}


def frames(path: Path) -> Iterator[Frame]:
    """Snapshots of a dump of style atom or custom, particles sorted by their ids.

    Raises:
        ValueError: if the dump is cut short, its box is tilted, or it has no positions.
    """
    with openany(str(path), "rt") as file:
        known: dict[str, Any] = {}
        for line in file:
            title, _, rest = line.strip().partition(":")
            if title != "ITEM":
                raise ValueError(f"{path.name} is no LAMMPS text dump: it has the line {line!r}.")
            if rest.startswith(" ATOMS"):
                yield _frame(_rows(file, known["N"], path), rest.split()[1:], known, path)
            else:
                _header(rest.strip(), file, known, path)


def _header(title: str, file: IO[str], known: dict[str, Any], path: Path) -> None:
    """Reads one item of the header into ``known``."""
    if title == "TIMESTEP":
        known["step"] = int(file.readline())
    elif title == "TIME":
        known["time"] = float(file.readline())
    elif title == "UNITS":
        known["units"] = file.readline().strip()
    elif title == "NUMBER OF ATOMS":
        known["N"] = int(file.readline())
    elif title.startswith("BOX BOUNDS"):
        words = title.split()[2:]
        if any(word in words for word in ("xy", "abc")):
            raise ValueError(
                f"The box of {path.name} is tilted ({' '.join(words)}) and only rectangular ones "
                f"can be used: simulate in an orthogonal box."
            )
        known["periodic"] = tuple(word == "pp" for word in words) if words else None
        known["bounds"] = np.array([file.readline().split()[:2] for _ in range(3)], dtype=float)
    else:
        raise ValueError(f"{path.name} has the item {title!r}, which is not of a text dump.")


def _rows(file: IO[str], count: int, path: Path) -> list[list[str]]:
    rows = [line.split() for line in islice(file, count)]
    if len(rows) < count:
        raise ValueError(
            f"{path.name} ends after {len(rows)} of {count} particles of its last snapshot: it was "
            f"cut short; take the last snapshot away."
        )
    return rows


def _frame(rows: list[list[str]], columns: list[str], known: dict[str, Any], path: Path) -> Frame:
    table = dict(zip(columns, zip(*rows, strict=True), strict=False))

    def numbers(*names: str) -> np.ndarray:
        return np.array([table[name] for name in names], dtype=float).T

    def vectors(x: str, y: str, z: str) -> np.ndarray:
        """(N, 3); a plane may be dumped without its z."""
        return numbers(x, y, z) if z in table else np.pad(numbers(x, y), ((0, 0), (0, 1)))

    chosen = next((place for place in PLACES if all(name in table for name in place[:2])), None)
    if chosen is None:
        raise ValueError(
            f"{path.name} has the columns {' '.join(columns)} and none of positions: dump x y z."
        )
    low, high = known["bounds"].T
    position = vectors(*chosen[:3])
    position = low + position * (high - low) if chosen[3] else position
    order = np.argsort(numbers("id")[:, 0], kind="stable") if "id" in table else slice(None)
    moving = all(name in table for name in ("vx", "vy"))
    kinds = numbers("type")[:, 0].astype(np.int32) if "type" in table else None
    length_unit, time_unit = UNITS.get(known.get("units", ""), (None, None))
    return Frame(
        position=position[order],
        velocity=vectors("vx", "vy", "vz")[order] if moving else None,
        lengths=high - low,
        origin=low,
        periodic=known["periodic"],
        time=known.get("time"),
        step=known["step"],
        species=None if kinds is None else kinds[order],
        length_unit=length_unit,
        time_unit=time_unit,
    )
