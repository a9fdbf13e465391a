"""The portable potential file: a learned model as named words and numbers, in plain text.

    metriplectic-potential 1
    checksum <CRC-32 of everything below this line, 8 hexadecimal digits>
    word <name> <the rest of the line>
    numbers <name> <count>
    <count numbers, written so that reading them back gives the same float64>
    end

The names are listed in `pipeline.lammps.export`. The plugin (lammps/potential.cpp) reads the same.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.files import whole

MAGIC = "metriplectic-potential"
VERSION = 1
PER_LINE = 6


class Potential(NamedTuple):
    """Contents of a potential file."""

    words: dict[str, str]
    numbers: dict[str, np.ndarray]  # float64, flat


def write(path: str | os.PathLike[str], potential: Potential) -> None:
    """Writes the file; it appears whole or not at all.

    Raises:
        ValueError: if a number is not finite or a name or word cannot stand in the file.
    """
    body = "".join(_lines(potential))
    with whole(path) as partial:
        partial.write_text(f"{MAGIC} {VERSION}\nchecksum {_checksum(body)}\n{body}")


def read(path: str | os.PathLike[str]) -> Potential:
    """Reads what `write` wrote.

    Raises:
        ValueError: if the file is something else, of another version, cut short or altered.
    """
    lines = Path(path).read_text().split("\n", 2)
    if len(lines) < 3 or lines[0].split()[:1] != [MAGIC]:
        raise ValueError(f"{path} is not a potential file: its first word must be {MAGIC}.")
    if lines[0].split()[1:] != [str(VERSION)]:
        raise ValueError(f"{path} has format version {lines[0].split()[1:]}, expected {VERSION}.")
    if lines[1] != f"checksum {_checksum(lines[2])}":
        raise ValueError(
            f"{path} was altered or cut short: its checksum is {_checksum(lines[2])} and its "
            f"header says {lines[1].removeprefix('checksum ')}; write it again."
        )
    return _parse(lines[2].split("\n"))


def _lines(potential: Potential) -> list[str]:
    lines = []
    for name, word in potential.words.items():
        if " " in name or "\n" in word:
            raise ValueError(f"The word {name!r} = {word!r} does not fit on a line of its own.")
        lines.append(f"word {name} {word}\n")
    for name, value in potential.numbers.items():
        flat = np.asarray(value, dtype=np.float64).ravel()
        if not np.isfinite(flat).all():
            raise ValueError(f"{name} of the potential holds numbers that are not finite.")
        lines.append(f"numbers {name} {len(flat)}\n")
        texts = [repr(x) for x in flat.tolist()]
        rows = range(0, len(texts), PER_LINE)
        lines.extend(" ".join(texts[k : k + PER_LINE]) + "\n" for k in rows)
    return [*lines, "end\n"]


def _parse(lines: list[str]) -> Potential:
    potential, k = Potential({}, {}), 0
    while lines[k] != "end":
        kind, name, rest = lines[k].split(" ", 2)
        k += 1
        if kind == "word":
            potential.words[name] = rest
            continue
        rows = -(-int(rest) // PER_LINE)
        text = " ".join(lines[k : k + rows]).split()
        potential.numbers[name] = np.array([float(x) for x in text])
        k += rows
    return potential


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
