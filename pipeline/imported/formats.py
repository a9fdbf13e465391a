"""Snapshots of every format, each read with the library of its field where there is one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import gsd.hoomd
import numpy as np
from MDAnalysis.coordinates.core import reader
from MDAnalysis.lib.util import openany

from pipeline.imported.sources import kind

PLAIN = "species:S:1:pos:R:3"
POSITIONS = ("pos", "positions", "position")
VELOCITIES = ("velo", "vel", "velocities", "velocity", "v")  # momenta: nobody says in which unit
TIMES = ("time", "t")
STEPS = ("step", "timestep", "frame")
ENTRY = re.compile(r"""([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
# Columns of positions, in the order in which they are preferred, and whether they are scaled.
PLACES = (
    ("x", "y", "z", False),
    ("xu", "yu", "zu", False),
    ("xs", "ys", "zs", True),
    ("xsu", "ysu", "zsu", True),
)
# Lengths and times of LAMMPS' unit styles that this project has names for.
UNITS = {"lj": ("1", "1"), "real": ("A", "fs"), "metal": ("A", "ps"), "nano": ("nm", "ns")}


class Frame(NamedTuple):
    """One snapshot; None where the file does not say. Lengths and times in the file's units."""

    position: np.ndarray  # (N, 3) [length]
    velocity: np.ndarray | None = None  # (N, 3) [length / time]
    lengths: np.ndarray | None = None  # (3,) edges of the box [length]
    origin: np.ndarray | None = None  # (3,) lower corner [length]
    periodic: tuple[bool, bool, bool] | None = None
    time: float | None = None
    step: int | None = None
    species: np.ndarray | None = None  # (N,) int32
    dimension: int | None = None
    length_unit: str | None = None
    time_unit: str | None = None


class Recorded(NamedTuple):
    """T snapshots of one file (or of several files of one snapshot each)."""

    name: str
    first: Frame  # box, species and units are those of all
    position: np.ndarray  # (T, N, 3)
    velocity: np.ndarray | None  # (T, N, 3)
    time: np.ndarray | None  # (T,)
    step: np.ndarray | None  # (T,)


def collect(frames: Iterable[Frame], name: str) -> Recorded:
    """All snapshots of a file together.

    Raises:
        ValueError: if there is none, or the number of particles or the box changes.
    """
    held = list(frames)
    if not held:
        raise ValueError(f"{name} holds no snapshot: was it cut short?")
    first = held[0]
    for number, frame in enumerate(held):
        if frame.position.shape != first.position.shape:
            raise ValueError(
                f"The number of particles of {name} changes from {len(first.position)} to "
                f"{len(frame.position)} in snapshot {number}: write the same particles every time."
            )
        if not np.isfinite(frame.position).all():
            raise ValueError(f"{name} has positions that are no numbers in snapshot {number}.")
        _check_box(frame, first, f"{name}, snapshot {number}")
    velocity = [frame.velocity for frame in held if frame.velocity is not None]
    time = [frame.time for frame in held if frame.time is not None]
    step = [frame.step for frame in held if frame.step is not None]
    whole = len(held)
    return Recorded(
        name,
        first,
        np.stack([frame.position for frame in held]).astype(float),
        np.stack(velocity).astype(float) if len(velocity) == whole else None,
        np.array(time, dtype=float) if len(time) == whole else None,
        np.array(step, dtype=float) if len(step) == whole else None,
    )


def _check_box(frame: Frame, first: Frame, where: str) -> None:
    if frame.lengths is None or first.lengths is None:
        return
    change = np.abs(frame.lengths - first.lengths) > 1e-4 * np.abs(first.lengths)
    if change.any():
        axis = int(np.argmax(change))
        raise ValueError(
            f"The box changes along {'xyz'[axis]} from {first.lengths[axis]:.6g} to "
            f"{frame.lengths[axis]:.6g} ({where}) and must stay as it is: simulate at constant "
            f"volume, or give its mean size as imported.box."
        )


def rectangular(tilts: np.ndarray, path: Path) -> None:
    """Refuses a box with any tilt (tilt factors, off-diagonal edges, or degrees from 90)."""
    if np.abs(tilts).max(initial=0.0) > 0.01:
        raise ValueError(
            f"The box of {path.name} is tilted and only rectangular ones can be used: simulate in "
            f"an orthogonal box."
        )


def frames(path: Path) -> Iterator[Frame]:
    """Snapshots of a trajectory file of any kind."""
    readers: dict[str, Callable[[Path], Iterator[Frame]]] = {
        "lammps": lammps,
        "extxyz": extxyz,
        "gsd": hoomd,
    }
    return readers.get(kind(path) or "", universe)(path)


def hoomd(path: Path) -> Iterator[Frame]:
    """GSD of HOOMD-blue: the box is centred on the origin. Velocities that are all zero are none.

    (MDAnalysis reads GSD as well, without velocities and dimension.)
    """
    with gsd.hoomd.open(str(path), "r") as file:
        for frame in file:
            box = np.asarray(frame.configuration.box, dtype=float)
            rectangular(box[3:], path)
            velocity = np.asarray(frame.particles.velocity)
            yield Frame(
                position=np.asarray(frame.particles.position),
                velocity=velocity if velocity.any() else None,
                lengths=box[:3],
                origin=-0.5 * box[:3],
                periodic=(True, True, True),
                step=int(frame.configuration.step),
                species=np.asarray(frame.particles.typeid, dtype=np.int32),
                dimension=int(frame.configuration.dimensions),
            )


def universe(path: Path) -> Iterator[Frame]:
    """Whatever MDAnalysis reads without a topology: A and ps, where the format has units."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            opened = reader(str(path))
        except Exception as error:  # every reader fails in its own way
            raise ValueError(f"MDAnalysis cannot open {path.name}: {error}") from error
        with opened:
            timed = opened.dt is not None and not any("no dt" in str(w.message) for w in said)
            for ts in opened:
                box = ts.dimensions
                if box is not None:
                    rectangular(90.0 - box[3:] if box[:3].any() else box[3:], path)
                yield Frame(
                    position=ts.positions.copy(),
                    velocity=ts.velocities.copy() if ts.has_velocities else None,
                    lengths=None if box is None else np.array(box[:3], dtype=float),
                    time=float(ts.time) if timed else None,
                    length_unit="A" if opened.units.get("length") else None,
                    time_unit="ps" if opened.units.get("time") and timed else None,
                )


def extxyz(path: Path) -> Iterator[Frame]:
    """Snapshots of an XYZ file; keys and columns of the extended format where they are given.

    Raises:
        ValueError: if a snapshot is cut short or does not have the columns it declares.
    """
    with openany(str(path), "rt") as file:
        for first in file:
            if not first.strip():
                continue
            if not first.strip().isdigit():
                raise ValueError(
                    f"{path.name} should give a number of particles where it has {first.strip()!r}."
                )
            comment = file.readline()
            rows = [line.split() for line in islice(file, int(first))]
            if len(rows) < int(first):
                raise ValueError(
                    f"{path.name} ends after {len(rows)} of {first.strip()} particles: it was cut "
                    f"short; take the last snapshot away."
                )
            yield _xyz_snapshot(rows, comment, path)


def _xyz_snapshot(rows: list[list[str]], comment: str, path: Path) -> Frame:
    known = {key.lower(): a or b or c for key, a, b, c in ENTRY.findall(comment)}
    columns = _xyz_columns(rows, known.get("properties", PLAIN), path)
    position = next((columns[name] for name in POSITIONS if name in columns), None)
    if position is None:
        raise ValueError(f"{path.name} has no column pos: it declares {', '.join(columns)}.")
    velocity = next((columns[name] for name in VELOCITIES if name in columns), None)
    order = np.argsort(_numbers(columns["id"])[:, 0]) if "id" in columns else slice(None)
    label = next((columns[name] for name in ("species", "type") if name in columns), None)
    lengths, origin = _box(known, path)
    flags = known.get("pbc", "").split()
    time = next((float(known[key]) for key in TIMES if key in known), None)
    step = next((int(float(known[key])) for key in STEPS if key in known), None)
    return Frame(
        position=_vectors(position)[order],
        velocity=None if velocity is None else _vectors(velocity)[order],
        lengths=lengths,
        origin=origin,
        periodic=tuple(flag[0] in "Tt1" for flag in flags) if len(flags) == 3 else None,  # type: ignore[arg-type]
        time=time,
        step=step,
        species=None if label is None else _kinds(label)[order],
        dimension=2 if position.shape[1] == 2 else None,
    )


def _xyz_columns(rows: list[list[str]], properties: str, path: Path) -> dict[str, np.ndarray]:
    """Columns (N, k) of text by name, as name:type:width triples declare them."""
    parts = properties.split(":")
    widths = [int(width) for width in parts[2::3]]
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < sum(widths):
        raise ValueError(
            f"{path.name} has rows of {min(len(row) for row in rows)} columns and declares "
            f"{sum(widths)} ({properties})."
        )
    table, edges = np.array(rows), np.cumsum([0, *widths])
    names = [name.lower() for name in parts[0::3]]
    return {name: table[:, a:b] for name, a, b in zip(names, edges, edges[1:], strict=False)}


def _numbers(text: np.ndarray) -> np.ndarray:
    return text.astype(float)


def _vectors(text: np.ndarray) -> np.ndarray:
    """(N, 3) with z = 0 where a file has two coordinates."""
    found = _numbers(text)
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))


def _kinds(label: np.ndarray) -> np.ndarray:
    return np.unique(label[:, 0], return_inverse=True)[1].astype(np.int32)


def _box(known: dict[str, str], path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "lattice" not in known:
        return None, None
    edges = np.array(known["lattice"].split(), dtype=float).reshape(3, 3)
    rectangular(edges - np.diag(np.diag(edges)), path)
    origin = known.get("origin")
    return np.diag(edges).copy(), None if origin is None else np.array(origin.split(), dtype=float)


def lammps(path: Path) -> Iterator[Frame]:
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
                yield _dump_snapshot(
                    _dump_rows(file, known["N"], path), rest.split()[1:], known, path
                )
            else:
                _dump_header(rest.strip(), file, known, path)


def _dump_header(title: str, file: IO[str], known: dict[str, Any], path: Path) -> None:
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


def _dump_rows(file: IO[str], count: int, path: Path) -> list[list[str]]:
    rows = [line.split() for line in islice(file, count)]
    if len(rows) < count:
        raise ValueError(
            f"{path.name} ends after {len(rows)} of {count} particles of its last snapshot: it was "
            f"cut short; take the last snapshot away."
        )
    return rows


def _dump_snapshot(
    rows: list[list[str]], columns: list[str], known: dict[str, Any], path: Path
) -> Frame:
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
