"""Text formats, read strictly: XYZ, plain and extended, and the dumps of LAMMPS.

Files come from anywhere: a line and a count have bounds, and what is no number where one should be
ends in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.imported import sources
from pipeline.imported.packed import UNPACKING
from pipeline.imported.recorded import Frame, plausible, rectangular
from pipeline.units import file_units

LONGEST = 1 << 20  # characters of a line of text
PLAIN = "species:S:1:pos:R:3"
POSITIONS = ("pos", "positions", "position")
VELOCITIES = ("velo", "vel", "velocities", "velocity", "v")  # momenta: nobody says in which unit
STEPS = ("step", "timestep", "frame")
# A key of a comment and its value: `Time=0.5`, `time = 0.000,`, `Lattice="8 0 0 ..."`, `Step: 3`.
# Words are taken whole and quotes end at the next one, so that the search is linear in the length.
ENTRY = re.compile(
    r"""(?<![\w.-])([A-Za-z][\w.-]{0,63})\s{0,16}[=:]\s{0,16}
    (?:"([^"]*)"|'([^']*)'|\{([^{}]*)\}|([^\s,;]+))(?:\s{0,4}(fs|ps|ns|us|ms|s)(?![\w.-]))?""",
    re.VERBOSE,
)
TIME = re.compile(r"(.{1,100}?)(fs|ps|ns|us|ms|s)?")
NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eEdD][+-]?\d{1,3})?")

# Columns of positions, in the order in which they are preferred: scaled to the box, unwrapped.
PLACES = (
    ("x", "y", "z", False, False),
    ("xu", "yu", "zu", False, True),
    ("xs", "ys", "zs", True, False),
    ("xsu", "ysu", "zsu", True, True),
)
# Length [um], time [s] and, where it is not their ratio, velocity [um / s] of the unit styles of
# LAMMPS (https://docs.lammps.org/units.html).
BOHR = 5.29177210903e-5
STYLES: dict[str, tuple[float | None, ...]] = {
    "lj": (None, None),
    "real": (1e-4, 1e-15),
    "metal": (1e-4, 1e-12),
    "si": (1e6, 1.0),
    "cgs": (1e4, 1.0),
    "electron": (BOHR, 1e-15, BOHR / 1.03275e-15),
    "micro": (1.0, 1e-6),
    "nano": (1e-3, 1e-9),
}


def extxyz(path: Path) -> Iterator[Frame]:
    """Snapshots of an XYZ file; keys and columns of the extended format where they are given.

    Raises:
        InputError: if a snapshot is cut short or does not have the columns it declares.
    """
    with _lines(path) as lines:
        for first in lines:
            if not first.strip():
                continue
            count = _whole_number(first, "a number of particles", path)
            plausible(count, path)
            comment = next(lines, "")
            yield _xyz_snapshot(_rows(lines, count, path), comment, path)


def _xyz_snapshot(rows: list[list[str]], comment: str, path: Path) -> Frame:
    known, unit = _keys(comment)
    lower = {key.lower(): value for key, value in known.items()}
    columns = _xyz_columns(rows, lower.get("properties", PLAIN), path)
    position = next((columns[name] for name in POSITIONS if name in columns), None)
    if position is None:
        raise InputError(f"{path.name} has no column pos: it declares {', '.join(columns)}.")
    velocity = next((columns[name] for name in VELOCITIES if name in columns), None)
    identity = _numbers(columns["id"], path)[:, 0] if "id" in columns else None
    order = slice(None) if identity is None else np.argsort(identity, kind="stable")
    label = next((columns[name] for name in ("species", "type") if name in columns), None)
    lengths, origin = _box(lower, path)
    flags = lower.get("pbc", "").split()
    # T is a temperature.
    time = _number(lower["time"]) if "time" in lower else _number(known.get("t", ""))
    step = next((_number(lower[key]) for key in STEPS if key in lower), None)
    return Frame(
        position=_vectors(position, path)[order],
        velocity=None if velocity is None else _vectors(velocity, path)[order],
        lengths=lengths,
        origin=origin,
        periodic=tuple(flag[0] in "Tt1" for flag in flags) if len(flags) == 3 else None,  # type: ignore[arg-type]
        time=time,
        step=None if step is None else int(step),
        identity=None if identity is None else identity[order],
        species=None if label is None else _kinds(label[:, 0])[order],
        dimension=2 if position.shape[1] == 2 else None,
        time_unit=unit if time is not None else None,
    )


def _keys(comment: str) -> tuple[dict[str, str], str | None]:
    """Keys and values of a comment, the first of each, and the unit behind that of the time."""
    known: dict[str, str] = {}
    unit = None
    for key, *values, behind in ENTRY.findall(comment):
        value = next((value for value in values if value), "")
        if key == "t" or key.lower() == "time":
            timed = TIME.fullmatch(value)
            value, suffix = timed.groups() if timed else (value, None)
            unit = unit or suffix or behind or None
        known.setdefault(key, value)
    return known, unit


def _xyz_columns(rows: list[list[str]], properties: str, path: Path) -> dict[str, np.ndarray]:
    """Columns (N, k) of text by name, as name:type:width triples declare them."""
    parts = properties.split(":")
    widths = [_whole_number(width, "the width of a column", path) for width in parts[2::3]]
    if len(rows[0]) < sum(widths):
        raise InputError(
            f"{path.name} has rows of {len(rows[0])} columns and declares {sum(widths)} "
            f"({properties[:200]})."
        )
    table, edges = np.array(rows), np.cumsum([0, *widths])
    names = [name.lower() for name in parts[0::3]]
    return {name: table[:, a:b] for name, a, b in zip(names, edges, edges[1:], strict=False)}


def _vectors(text: np.ndarray, path: Path) -> np.ndarray:
    """(N, 3) with z = 0 where a file has two coordinates."""
    found = _numbers(text, path)
    if found.shape[1] not in (2, 3):
        raise InputError(f"{path.name} has vectors of {found.shape[1]} components, not of 2 or 3.")
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))


def _box(known: dict[str, str], path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "lattice" not in known:
        return None, None
    edges = _numbers(known["lattice"].replace(",", " ").split(), path)
    if edges.shape != (9,):
        raise InputError(f"{path.name} has a Lattice of {edges.size} numbers, not of 9.")
    edges = edges.reshape(3, 3)
    lengths = np.diag(edges).copy()
    rectangular(edges - np.diag(lengths), lengths, path)
    if (lengths < 0).any():
        raise InputError(
            f"{path.name} has a Lattice with an edge of {lengths.min():.6g}: edges point along x, "
            f"y and z."
        )
    origin = known.get("origin")
    return lengths, None if origin is None else _numbers(origin.split(), path)


def lammps(path: Path) -> Iterator[Frame]:
    """Snapshots of a dump of style atom or custom, particles sorted by their ids.

    Raises:
        InputError: if the dump is cut short, its box is tilted, or it has no positions.
    """
    if (form := sources.dump_form(path)) in ("binary", "YAML"):
        raise InputError(
            f"{path.name} is a {form} dump of LAMMPS, which is not read: write it as text (dump "
            f"custom, without .bin or yaml; binary2txt turns binary ones into text)."
        )
    with _lines(path) as lines:
        known: dict[str, Any] = {}
        begun = False
        for line in lines:
            title, _, rest = line.strip().partition(":")
            if not title:  # blank
                continue
            if title != "ITEM":
                shown = f"it has the line {line[:60]!r}"
                if not line.isprintable() and "\0" in line:
                    shown = "it is binary; name it by its own format, such as .gsd"
                raise InputError(f"{path.name} is no LAMMPS text dump: {shown}.")
            if rest.startswith(" ATOMS"):
                missing = {"step", "N", "bounds"} - set(known)
                if missing:
                    raise InputError(f"{path.name} has a header without {', '.join(missing)}.")
                rows = _rows(lines, known["N"], path)
                yield _dump_snapshot(rows, rest.split()[1:], known, path)
                begun = False
            else:
                _dump_header(rest.strip(), lines, known, path)
                begun = True
        if begun:
            raise InputError(
                f"{path.name} ends inside the header of a snapshot (step {known.get('step')}): it "
                f"was cut short; copy it again, or take the last snapshot away."
            )


def _dump_header(title: str, lines: Iterator[str], known: dict[str, Any], path: Path) -> None:
    """Reads one item of the header into ``known``."""
    if title == "TIMESTEP":
        known["step"] = _whole_number(next(lines, ""), "a step", path)
    elif title == "TIME":
        known["time"] = float(_numbers([next(lines, "").strip()], path)[0])
    elif title == "UNITS":
        known["units"] = next(lines, "").strip()
        if known["units"] not in STYLES:
            raise InputError(
                f"{path.name} has units {known['units'][:40]!r}, which are none of LAMMPS' styles "
                f"({', '.join(STYLES)}): correct the line below ITEM: UNITS."
            )
    elif title == "NUMBER OF ATOMS":
        known["N"] = _whole_number(next(lines, ""), "a number of particles", path)
        plausible(known["N"], path)
    elif title.startswith("BOX BOUNDS"):
        words = title.split()[2:]
        flags = [word for word in words if re.fullmatch("[pfsm]{2}", word)]
        known["periodic"] = tuple(word == "pp" for word in flags) if len(flags) == 3 else None
        known["bounds"] = _bounds(_rows(lines, 3, path), "abc" in words, path)
    else:
        raise InputError(f"{path.name} has the item {title[:60]!r}, which is not of a text dump.")


def _bounds(rows: list[list[str]], general: bool, path: Path) -> np.ndarray:
    """(3, 2) lower and upper faces; a third column are tilts, and ``general`` boxes are vectors."""
    table = _numbers(rows, path)
    if table.shape[1] < (4 if general else 2):
        raise InputError(f"{path.name} has box bounds of {table.shape[1]} columns: is it damaged?")
    if general:
        lengths, origin = np.diag(table[:, :3]), table[:, 3]
        rectangular(table[:, :3] - np.diag(lengths), lengths, path)
        return np.stack([origin, origin + lengths], axis=1)
    rectangular(table[:, 2:], table[:, 1] - table[:, 0], path)
    if (table[:, 1] < table[:, 0]).any():
        axis = int(np.argmax(table[:, 1] < table[:, 0]))
        raise InputError(
            f"{path.name} has a box whose upper face lies below its lower one along "
            f"{'xyz'[axis]} ({table[axis, 0]:.6g} to {table[axis, 1]:.6g}): are they exchanged?"
        )
    return table[:, :2]


def _dump_snapshot(
    rows: list[list[str]], columns: list[str], known: dict[str, Any], path: Path
) -> Frame:
    if len(rows[0]) < len(columns):
        raise InputError(
            f"{path.name} has rows of {len(rows[0])} columns and declares {len(columns)}."
        )
    table = dict(zip(columns, zip(*rows, strict=True), strict=False))

    def vectors(x: str, y: str, z: str) -> np.ndarray:
        """(N, 3); a plane may be dumped without its z."""
        found = _numbers([table[name] for name in (x, y, z) if name in table], path).T
        return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))

    chosen = next((place for place in PLACES if all(name in table for name in place[:2])), None)
    if chosen is None:
        raise InputError(
            f"{path.name} has the columns {' '.join(columns)} and none of positions: dump x y z."
        )
    low, high = known["bounds"].T
    position = vectors(*chosen[:3])
    position = low + position * (high - low) if chosen[3] else position
    identity = _numbers(table["id"], path) if "id" in table else None
    order = slice(None) if identity is None else np.argsort(identity, kind="stable")
    label = next((table[name] for name in ("type", "element") if name in table), None)
    kinds = None if label is None else _species(label)
    # Who dumps a plane may leave out the velocity along its normal, too.
    flat = "vz" in table or not np.ptp(position[:, 2])
    moving = flat and all(name in table for name in ("vx", "vy"))
    units = file_units(*STYLES[known.get("units", "lj")])
    time = known.get("time")
    return Frame(
        position=position[order] * units.place,
        velocity=vectors("vx", "vy", "vz")[order] * units.speed if moving else None,
        lengths=(high - low) * units.place,
        origin=low * units.place,
        periodic=known["periodic"],
        time=None if time is None else time * units.clock,
        step=known["step"],
        identity=None if identity is None else identity[order],
        species=None if kinds is None else kinds[order],
        image=vectors("ix", "iy", "iz")[order] if "ix" in table and "iy" in table else None,
        unwrapped=chosen[4],
        length_unit=units.length,
        time_unit=units.time,
    )


def _species(label: Sequence[str]) -> np.ndarray:
    """Types as they are numbered; names of elements in alphabetical order."""
    numbered = all(re.fullmatch(r"[0-9]{1,9}", word) for word in set(label))
    return np.array(label, dtype=np.int32) if numbered else _kinds(np.array(label))


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a text file, packed or not, in any encoding, none longer than LONGEST."""
    try:
        with sources.text(path) as file:
            yield _bounded(iter(partial(file.readline, LONGEST), ""), path)
    except UNPACKING as error:
        raise InputError(f"{path.name} cannot be read: {error}") from error


def _bounded(lines: Iterator[str], path: Path) -> Iterator[str]:
    for line in lines:
        if len(line) == LONGEST and line[-1] != "\n":
            raise InputError(
                f"{path.name} has a line of more than {LONGEST} characters, which no trajectory "
                f"has: is it another kind of file?"
            )
        yield line


def _whole_number(text: str, what: str, path: Path) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise InputError(f"{path.name} should give {what} where it has {text.strip()[:60]!r}.")
    return int(text)


def _number(text: str) -> float | None:
    """A number as Fortran and C write it, or None where it is none."""
    known = NUMBER.fullmatch(text)
    return float(re.sub("[dD]", "e", known[0])) if known else None


def _numbers(words: np.ndarray | Sequence[Any], path: Path) -> np.ndarray:
    try:
        return np.array(words, dtype=float)
    except ValueError:
        table = np.array(words)
    read = [_number(str(word)) for word in table.ravel()]
    if None in read:
        wrong = str(table.ravel()[read.index(None)])[:60]
        raise InputError(f"{path.name} has {wrong!r} where a number should be.")
    return np.array(read, dtype=float).reshape(table.shape)


def _rows(lines: Iterator[str], count: int, path: Path) -> list[list[str]]:
    """``count`` rows of words, all of one length."""
    read = list(islice(lines, count))
    rows = [line.split() for line in read]
    if len(rows) < count:
        raise InputError(
            f"{path.name} ends after {len(rows)} of {count} particles of its last snapshot: it was "
            f"cut short; take the last snapshot away."
        )
    if len({len(row) for row in rows}) > 1:
        shortest, longest = (f(len(row) for row in rows) for f in (min, max))
        raise InputError(
            f"{path.name} has rows of {shortest} and of {longest} columns in one snapshot: is it "
            f"damaged?"
        )
    if not read[-1].endswith("\n"):
        _refuse_half_a_number([row[-1] for row in rows], path)
    return rows


def _refuse_half_a_number(column: list[str], path: Path) -> None:
    """Refuses a last word that is shorter than all others of its column, in a line without end."""
    shortest = min((len(word) for word in column[:-1]), default=0)
    if len(column[-1]) < shortest - 1:
        raise InputError(
            f"{path.name} ends in {column[-1]!r}, without the end of a line, where all others of "
            f"that column have {shortest} signs and more: it was cut short inside a number; copy "
            f"it again, or take the last snapshot away."
        )


def _kinds(label: np.ndarray) -> np.ndarray:
    return np.unique(label, return_inverse=True)[1].astype(np.int32)
