"""Which files of a folder are trajectories or tables of tracks; light enough to be asked early."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.files import natural, twins
from pipeline.imported.packed import PACKED, UNPACKING, opened
from pipeline.imported.settings import Columns
from pipeline.units import SECONDS

KINDS = {
    "lammps": {".lammpstrj", ".lammpsdump", ".dump"},
    "extxyz": {".xyz", ".extxyz"},
    "gsd": {".gsd"},
    "h5md": {".h5md"},
    # What MDAnalysis opens by itself, without a topology.
    "universe": {".dcd", ".xtc", ".trr", ".nc", ".ncdf", ".dms"},
    "structure": {".gro", ".pdb"},
}
BINARY_DUMPS = (b"DUMPATOM", b"DUMPCUSTOM")
ACCEPTED = sorted(set().union(*KINDS.values()))
TABLES = {
    "text": {".csv", ".txt", ".tsv", ".dat"},
    "parquet": {".parquet", ".pq"},
    "hdf5": {".h5", ".hdf5", ".hdf"},
    "xml": {".xml"},
    "npy": {".npy"},
}
# What tracking programs call their columns: trackpy, TrackMate, napari and others. The second line
# counts where nothing of the first is there.
ROLES: dict[str, tuple[set[str], set[str]]] = {
    "particle": (
        {"particle", "track_id", "trackid", "particle_id", "trajectory", "trajectory_id", "track"}
        | {"particle_identifier", "traj_id"},
        {"id", "traj", "tid"},
    ),
    "frame": (
        {"frame", "frames", "frame_number", "frame_index", "frame_id"},
        {"t", "slice"},
    ),
    "x": ({"x", "position_x", "pos_x", "x_pos", "centroid_x", "x_position"}, {"xc"}),
    "y": ({"y", "position_y", "pos_y", "y_pos", "centroid_y", "y_position"}, {"yc"}),
    "time": ({"time", "position_t", "timestamp"}, {"t"}),
}
UNIT = re.compile(r"\s*[(\[]\s*([^()\[\]]{1,20}?)\s*[)\]]\s*$|_(px|um|nm|mm|s|ms|sec)$")
XML = rb"<(TrackMate|Tracks|trackgroup|TrackContestISBI2012)\b"
PEEK = 60  # lines of a text that are looked at to tell what it is
TITLES = 20  # of them, at most, that may stand above the names of the columns


def kind(path: Path) -> str | None:
    """Key of KINDS that a file belongs to, or None where it is no trajectory.

    LAMMPS lets its dumps have any name: of files called so, the first word decides. Many programs
    call H5MD by the name of all HDF5: it has a group of its own.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    for name, endings in KINDS.items():
        if suffixes and suffixes[-1] in endings:
            return name
    if table_kind(path) == "hdf5":
        return "h5md" if _is_h5md(path) else None
    named = not suffixes or any(word in path.name.lower() for word in ("dump", "lammps"))
    named = named or suffixes[-1] in {".bin", ".yaml", ".yml"}
    return "lammps" if named and dump_form(path) else None


def dump_form(path: Path) -> str | None:
    """Which form of LAMMPS' dumps a file is by its first bytes: text, binary or YAML; or None."""
    try:
        with opened(path) as file:
            start = file.read(64)
    except OSError:  # not the archive its name says
        return None
    if start.startswith(b"ITEM:"):
        return "text"
    if start.startswith(b"---") and b"creator: LAMMPS" in start:
        return "YAML"
    return "binary" if any(mark in start for mark in BINARY_DUMPS) else None


def _is_h5md(path: Path) -> bool:
    import h5py

    try:
        with h5py.File(path) as file:
            return "h5md" in file and "particles" in file
    except OSError:  # not what its ending says
        return False


def recorded(paths: Iterable[Path | str]) -> list[Path]:
    """The trajectories among some files, in natural order.

    A structure (gro, pdb) is one where nothing else is: beside a trajectory it is its topology.

    Raises:
        InputError: for the same trajectory twice.
    """
    found = {Path(path): kind(Path(path)) for path in paths}
    chosen = [path for path, name in found.items() if name and name != "structure"]
    chosen = chosen or [path for path, name in found.items() if name]
    if pair := twins(chosen):
        raise InputError(f"{pair[0]} and {pair[1]} are the same trajectory: take one away.")
    return sorted(chosen, key=lambda path: natural(str(path)))


def tables(
    paths: Iterable[Path | str],
    columns: Columns | None = None,
    alone: bool = False,
) -> list[Path]:
    """The tables of tracks among some files, in natural order.

    A table is known by the names of its columns, or, where it has none, by columns of whole numbers
    that count particles and frames. Other tables (of features, of notes) are none.

    Args:
        columns: those that were named.
        alone: whether there is no film: then whatever looks like a table is taken for one, so that
            its reader says what it lacks.

    Raises:
        InputError: for the same table twice.
    """
    files = [Path(path) for path in paths]
    named = columns.named() if columns else {}
    found = [path for path in files if _holds_tracks(path, named)]
    if not found and alone:
        found = [path for path in files if _tabular(path)]
    if pair := twins(found):
        raise InputError(f"{pair[0]} and {pair[1]} are the same table of tracks: take one away.")
    return sorted(found, key=lambda path: natural(str(path)))


def _tabular(path: Path) -> bool:
    if table_kind(path) != "text":
        return table_kind(path) in ("parquet", "npy")
    try:
        lines = head(path)
    except (OSError, EOFError):
        return False
    several = bool(lines) and delimiter(lines[0]) is not None and len(words(lines[0])) > 2
    return several or len(next(iter(numbers(lines)), [])) > 3


def table_kind(path: Path) -> str | None:
    """Key of TABLES that a file belongs to by its ending."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    return next((k for k, ends in TABLES.items() if suffixes and suffixes[-1] in ends), None)


def _holds_tracks(path: Path, chosen: Mapping[str, str | int]) -> bool:
    form = table_kind(path)
    try:
        if form == "text":
            lines = head(path)
            rows = numbers(lines)
            names = heading(lines) or [""] * len(next(iter(rows), []))
            return roles_known(names, chosen) or layout(rows) is not None
        if form == "xml":
            with opened(path) as file:
                return re.search(XML, file.read(1 << 16)) is not None
        if form == "parquet":
            import pyarrow.parquet as pq

            return roles_known(pq.read_schema(path).names, chosen)
        if form == "hdf5":
            import h5py

            with h5py.File(path) as file:
                return any(roles_known(names, chosen) for names in hdf5_tables(file).values())
        if form == "npy":
            import numpy as np

            return layout(np.load(path, mmap_mode="r", allow_pickle=False)[:PEEK].tolist()) == "id"
    except (OSError, EOFError, ValueError, TypeError, IndexError):  # not what its ending says
        return False
    return False


def hdf5_tables(file: Any) -> dict[str, list[str]]:
    """Names of the columns of every table in an open HDF5 file, by the table's name.

    Tables are those of pandas, of both its formats, and arrays of records. PyTables keeps lists of
    names as pickles; the names are read out of their text, and nothing is unpickled.
    """
    found = {}
    for key, node in file.items():
        table = node.get("table") if hasattr(node, "get") else node
        if hasattr(node, "get") and "axis0" in node:
            found[key] = [bytes(name).decode() for name in node["axis0"][:]]
        elif getattr(table, "dtype", None) is not None and table.dtype.names:
            blocks = {name: hdf5_block(table, name) for name in table.dtype.names}
            found[key] = [name for names in blocks.values() for name in names]
    return found


def hdf5_columns(node: Any, most: int) -> dict[str, Any]:
    """The columns of numbers of a table in an open HDF5 file, ``most`` rows of records."""
    columns = {}
    if hasattr(node, "get") and "axis0" in node:
        blocks = [key for key in node if key.startswith("block") and key.endswith("_items")]
        for key in blocks:
            values = node[key.replace("_items", "_values")]
            for k, name in enumerate(node[key][:]):
                if values.dtype.kind in "iufb":
                    columns[bytes(name).decode()] = values[:, k]
        return columns
    table = node["table"] if hasattr(node, "get") else node
    rows = table[:most]
    for field in table.dtype.names:
        values = rows[field]
        for k, name in enumerate(hdf5_block(table, field)):
            if values.dtype.kind in "iufb":
                columns[name] = values[:, k] if values.ndim == 2 else values
    return columns


def hdf5_block(table: Any, field: str) -> list[str]:
    """Columns that a field of a table of records holds: several, in tables of pandas."""
    told = table.attrs.get(f"{field}_kind", b"")
    return re.findall(r"V(.+)\n", bytes(told).decode("ascii", "replace")) or [field]


def head(path: Path) -> list[str]:
    """The first lines of a text that are not empty; of an archive cut short, those that it has."""
    raw = _start(path)
    lines = raw.decode(encoding(raw), "replace").splitlines()
    lines = lines if len(raw) < 1 << 16 else lines[:-1]
    return list(islice((line for line in lines if line.strip()), PEEK))


def _start(path: Path) -> bytes:
    raw = b""
    with opened(path) as file:
        try:
            while len(raw) < 1 << 16 and (more := file.read(1 << 12)):
                raw += more
        except UNPACKING:
            pass  # who reads all of it says so
    return raw


def encoding(raw: bytes) -> str:
    """Of a text that begins with ``raw``: what its first bytes say, else UTF-8 where it is that,
    else what Windows writes in western Europe."""
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    # Of plain letters in two bytes each one is zero.
    for part, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(raw) > 1 and raw[part::2].count(0) > 0.9 * len(raw[part::2]):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def text(path: Path) -> io.TextIOWrapper:
    """A text file opened in its encoding, packed or not."""
    return io.TextIOWrapper(opened(path), encoding=encoding(_start(path)), errors="replace")


def delimiter(line: str, count: int | None = None) -> str | None:
    """What stands between the columns of a line; None for blanks.

    Args:
        count: of columns, where it is known: commas may be those of decimals.
    """
    if count is not None:
        for mark in ("\t", ";", "|", ",", None):
            if len(line.split(mark)) == count:
                return mark
    return next((mark for mark in "\t;|," if mark in line), None)


def words(line: str) -> list[str]:
    """The entries of a line, without quotes."""
    return [word.strip().strip("\"'") for word in line.split(delimiter(line))]


def named(line: str) -> list[str]:
    """The entries of a line that names columns, behind a # or not; the first may have no name."""
    return words(line.lstrip("# ").rstrip())


def heading(lines: Sequence[str]) -> list[str]:
    """Names of the columns: the line that names those of tracks, titles above it or not; else the
    first line that begins with a letter, or behind a #; else none."""
    for line in lines[:TITLES]:
        if roles_known(names := named(line), {}):
            return names
    for line in lines:
        names = words(line)
        if not line.startswith("#"):
            return names if any(re.match(r"[A-Za-z]", name) for name in names) else []
    return []


def plain_name(name: str) -> tuple[str, str | None]:
    """A column's name as ROLES has it, and the unit behind it."""
    found = UNIT.search(name)
    bare = name[: found.start()] if found and found.start() else name
    unit = next((part for part in found.groups() if part), None) if bare != name and found else None
    plain = re.sub(r"[\s.-]+", "_", bare.strip().lower())
    return re.sub(r"_(no|nr|n°|n)?_?$", "", plain), unit  # ImageJ: "Track n°"


def candidates(names: Sequence[str], role: str) -> list[int]:
    """Columns that may have a role: those of the common names, else of the rarer ones.

    A t in seconds is a time, any other one a number of the frame.
    """
    plain = [plain_name(name) for name in names]
    timed = [name == "t" and str(unit).lower() in SECONDS for name, unit in plain]
    found = (
        [
            k
            for k, (name, _) in enumerate(plain)
            if name in known and (name != "t" or timed[k] == (role == "time"))
        ]
        for known in ROLES[role]
    )
    return next((columns for columns in found if columns), [])


def roles_known(names: Sequence[str], chosen: Mapping[str, str | int]) -> bool:
    """Whether names give particle, x, y, and a frame or a time, with those that were chosen."""

    def known(role: str) -> bool:
        told = chosen.get(role)
        if told is None:
            return bool(candidates(names, role))
        return told in names if isinstance(told, str) else told < len(names)

    return (known("frame") or known("time")) and all(map(known, ("particle", "x", "y")))


def numbers(lines: Sequence[str]) -> list[list[float]]:
    """The rows of lines that hold numbers only, nothing where some line does not."""
    try:
        return [[float(word) for word in words(line)] for line in lines if not line.startswith("#")]
    except ValueError:
        return []


def layout(rows: Sequence[Sequence[float]]) -> str | None:
    """What columns without names are: ``id`` first (napari: id, t, [z,] y, x), ``last`` (Crocker
    and Grier: x, y, ..., t, id), ``both`` where either may be meant, or None."""
    if len(rows) < 2 or len({len(row) for row in rows}) > 1 or len(rows[0]) < 4:
        return None

    def counted(particle: int, frame: int) -> bool:
        """Whole numbers, rows in the order of particle and frame."""
        keys = [(row[particle], row[frame]) for row in rows]
        whole = all(float(x).is_integer() and x >= 0 for key in keys for x in key)
        follow = any(a[0] == b[0] for a, b in pairwise(keys))
        return whole and follow and all(a < b for a, b in pairwise(keys))

    first = len(rows[0]) <= 5 and counted(0, 1)
    last = counted(-1, -2)
    return {(True, False): "id", (False, True): "last", (True, True): "both"}.get((first, last))
