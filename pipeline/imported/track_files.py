"""Tables of tracks as other programs write them: trackpy, TrackMate, napari, Crocker and Grier."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from defusedxml import DefusedXmlException, ElementTree

from pipeline.errors import InputError
from pipeline.imported import sources, trackmate
from pipeline.imported.packed import opened
from pipeline.imported.raw_tracks import LENGTHS, TIMES, Raw
from pipeline.imported.raw_tracks import unit as unit_of
from pipeline.imported.settings import Columns

MOST = 100_000_000  # rows
CARRIED = ("mass", "size", "ecc", "signal", "ep", "z", "run", "filled")
UNREAD = {"vx", "vy", "velocity_x", "velocity_y", "v_x", "v_y"}
LISTED = 12  # columns that a sentence names
STOPWATCH = r"\s*(?:\d+:)?\d{1,2}:\d{2}(?:\.\d+)?\s*"
NAPARI = {4: ("particle", "frame", "y", "x"), 5: ("particle", "frame", "z", "y", "x")}


def read(path: Path, columns: Columns, unit: str | None) -> Raw:
    """A table of tracks.

    Args:
        columns: those for particle, frame, x and y; None where they are recognised by name.
        unit: of x and y; None as the file says, else pixels.

    Raises:
        InputError: the file cannot be read, or its columns are missing or ambiguous.
    """
    readers = {
        "text": _text,
        "parquet": _parquet,
        "hdf5": _hdf5,
        "xml": trackmate.read,
        "npy": _npy,
    }
    reader = readers[sources.table_kind(path) or "text"]
    try:
        raw = reader(path, columns.named())
    except DefusedXmlException as error:
        raise InputError(
            f"{path.name} cannot be read: it has a document type or entities (DTD), which no table "
            f"of tracks needs."
        ) from error
    except (OSError, EOFError, zlib.error, ElementTree.ParseError, pd.errors.ParserError) as error:
        raise InputError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if len(raw.table) >= MOST:
        raise InputError(f"{path.name} holds more than {MOST} rows, too many to hold at once.")
    return raw if unit is None else raw._replace(length=LENGTHS[unit])


def _roles(names: Sequence[str], chosen: Mapping[str, str | int], path: Path) -> dict[str, str]:
    """Role -> name of its column.

    Raises:
        InputError: a role has no column, or several, naming the setting that decides.
    """
    found = {}
    for role in ("particle", "frame", "x", "y"):
        told = chosen.get(role)
        if told is not None:
            index = (
                told if isinstance(told, int) else list(names).index(told) if told in names else -1
            )
            if not 0 <= index < len(names):
                raise InputError(
                    f"tracks.columns.{role} is {told!r} and {path.name} has the columns "
                    f"{_listed(names)}."
                )
            found[role] = names[index]
            continue
        columns = sources.candidates(names, role)
        if len(columns) > 1:
            raise InputError(
                f"{path.name} has several columns that may be the {role}, "
                f"{' and '.join(names[k] for k in columns)}: name one as tracks.columns.{role}."
            )
        if columns:
            found[role] = names[columns[0]]
    times = sources.candidates(names, "time")
    if len(times) == 1:
        found["time"] = names[times[0]]
    missing = [role for role in ("particle", "frame", "x", "y") if role not in found]
    if missing and not (missing == ["frame"] and "time" in found):
        raise InputError(
            f"{path.name} has the columns {_listed(names)} and none is known to be the "
            f"{missing[0]}: name it as tracks.columns.{missing[0]}."
        )
    return found


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:LISTED]))
    return shown if len(names) <= LISTED else f"{shown}, ... ({len(names)} in all)"


def _assembled(
    path: Path, table: pd.DataFrame, roles: Mapping[str, str], units: Mapping[str, str | None]
) -> Raw:
    """The columns under the names of their roles, and the units behind their names.

    Args:
        units: column -> unit as the file writes it.
    """
    plain = {sources.plain_name(str(name))[0]: name for name in table.columns}
    carried = {name: plain[name] for name in CARRIED if name in plain}
    carried.update({"z": plain["position_z"]} if "position_z" in plain else {})
    kept = {**carried, **roles}
    data = pd.DataFrame({role: table[name].to_numpy() for role, name in kept.items()})
    told = {
        role: units.get(name) or sources.plain_name(str(name))[1] for role, name in kept.items()
    }
    told |= _said_in_rows(path, table, plain, told)
    if "time" in data and (seconds := _seconds(data["time"])) is not None:
        data["time"], told["time"] = seconds, "s"
    if told.get("x") != told.get("y"):
        raise InputError(
            f"{path.name} gives x in {told.get('x')} and y in {told.get('y')}: name columns of one "
            f"unit as tracks.columns.x and tracks.columns.y."
        )
    return Raw(
        path,
        data,
        dict(roles),
        length=unit_of(told.get("x"), LENGTHS, "length", path),
        time=unit_of(told.get("time"), TIMES, "time", path),
        unread=tuple(str(name) for key, name in plain.items() if key in UNREAD),
    )


def _said_in_rows(
    path: Path,
    table: pd.DataFrame,
    plain: Mapping[str, str],
    told: Mapping[str, str | None],
) -> dict[str, str | None]:
    """The unit of x and y that stands in a column of its own, as Imaris writes it."""
    if "unit" not in plain or told.get("x") or told.get("y"):
        return {}
    said = table[plain["unit"]].dropna().astype(str).unique()
    if len(said) > 1:
        raise InputError(
            f"{path.name} gives several units in its column {plain['unit']}, "
            f"{' and '.join(map(str, said[:2]))}: convert positions to one of them."
        )
    return {"x": said[0], "y": said[0]} if len(said) else {}


def _seconds(times: pd.Series) -> pd.Series | None:
    """Seconds of a stopwatch (0:01:02.5), or from the first of some dates with times of day; None
    for what is neither."""
    if times.dtype.kind == "m" or times.astype(str).str.fullmatch(STOPWATCH).all():
        return pd.to_timedelta(times.map(_with_hours)).dt.total_seconds()
    if times.dtype.kind != "M" and pd.to_numeric(times, errors="coerce").notna().any():
        return None
    dates = pd.to_datetime(times, errors="coerce", format="ISO8601", utc=True)
    return None if dates.isna().any() else (dates - dates.min()).dt.total_seconds()


def _with_hours(time: Any) -> Any:
    """Pandas reads hours, minutes and seconds, and nothing less."""
    return f"00:{time}" if isinstance(time, str) and time.count(":") == 1 else time


def _text(path: Path, chosen: Mapping[str, str | int]) -> Raw:
    lines = sources.head(path)
    names = sources.heading(lines)
    if not lines:
        raise InputError(f"{path.name} is empty.")
    first = 0
    if names:
        head = next(k for k, line in enumerate(lines) if names == sources.named(line))
        first = head + 1
        # TrackMate repeats its header in words, in short and in units.
        while first < len(lines) and not any(_is_number(w) for w in sources.words(lines[first])):
            first += 1
        units = {}
        told = [line for line in lines[head + 1 : first] if not line.startswith("#")]
        if told:
            bare = (word.strip().strip("()[]").strip() for word in sources.words(told[-1]))
            units = dict(zip(names, bare, strict=False))
        table = _once(_columns(path, lines, first, names))
        roles = _roles(list(table.columns), chosen, path)
        return _assembled(path, table.loc[:, ~table.columns.duplicated()], roles, units)
    while first < len(lines) and lines[first].startswith("#"):
        first += 1
    rows = sources.numbers(lines)
    table = _columns(path, lines, first, list(range(len(rows[0]))) if rows else [])
    return _unnamed(path, table, rows, chosen)


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True


def _columns(path: Path, lines: list[str], first: int, names: Sequence[Any]) -> pd.DataFrame:
    """All rows from a line on, as text and numbers."""
    if first >= len(lines):
        raise InputError(f"{path.name} holds no rows.")
    mark = sources.delimiter(lines[first], len(names) or None)
    if _numbered(lines[first:], mark, len(names)):
        names = ["", *names]
    # Blank lines are skipped by pandas and were not counted here.
    with sources.text(path) as file:
        above = iter(line.strip() == lines[first].strip() for line in file)
        skip = next(k for k, found in enumerate(above) if found)
        kind = file.encoding
    with warnings.catch_warnings(), opened(path) as file:
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            table = pd.read_csv(
                file,
                sep=mark or r"\s+",
                header=None,
                names=range(len(names)),
                skiprows=skip,
                index_col=False,
                decimal="," if _decimal_commas(lines[first:], mark) else ".",
                nrows=MOST,
                encoding=kind,
                encoding_errors="replace",
                low_memory=False,
                skipinitialspace=True,
            )
        except pd.errors.ParserWarning as error:
            raise InputError(
                f"{path.name} has rows of more entries than the {len(names)} columns that it names "
                f"({_listed(names)}; {lines[first].strip():.60}): are the commas of decimals and "
                f"those between columns alike? Write decimal points, or put semicolons between."
            ) from error
    return table.set_axis(list(names), axis=1)


def _numbered(lines: Sequence[str], mark: str | None, count: int) -> bool:
    """Whether rows begin with a number of theirs, over which stands no name: as R writes them."""
    rows = [[word.strip("\"' \n") for word in line.split(mark)] for line in lines]
    first = [row[0] for row in rows]
    one_more = all(len(row) == count + 1 and row[-1] for row in rows)
    return (
        one_more and count > 0 and first in ([str(k + b) for k in range(len(rows))] for b in (0, 1))
    )


def _decimal_commas(lines: Sequence[str], mark: str | None) -> bool:
    """Whether decimals have commas; between commas they stand in quotes, and three digits behind
    one may be thousands."""
    if mark != ",":
        return any(re.search(r"\d,\d", line) for line in lines)
    quoted = [digits for line in lines for digits in re.findall(r'"-?\d+,(\d+)"', line)]
    return any(len(digits) != 3 for digits in quoted)


def _once(table: pd.DataFrame) -> pd.DataFrame:
    """The columns, without those that have the name and the entries of one before."""
    names = list(table.columns)
    again = [
        any(names[j] == name and table.iloc[:, j].equals(table.iloc[:, k]) for j in range(k))
        for k, name in enumerate(names)
    ]
    return table.loc[:, ~np.array(again)]


def _unnamed(
    path: Path,
    table: pd.DataFrame,
    rows: Sequence[Sequence[float]],
    chosen: Mapping[str, str | int],
) -> Raw:
    """A table without names, its columns known by their numbers or by what counts in them."""
    count = table.shape[1]
    if all(isinstance(chosen.get(role), int) for role in ("particle", "frame", "x", "y")):
        roles = {role: int(number) for role, number in chosen.items()}
        if max(roles.values()) >= count:
            raise InputError(
                f"tracks.columns names column {max(roles.values())} and {path.name} has {count}, "
                f"numbered from 0."
            )
    else:
        order = sources.layout(rows)
        if order in (None, "both"):
            why = "may be the first or the last of them" if order else "are not recognised"
            raise InputError(
                f"{path.name} has {count} columns without names, and particle and frame {why}: "
                f"give their numbers, from 0, as tracks.columns: {{particle: ..., frame: ..., "
                f"x: ..., y: ...}}."
            )
        if order == "id":
            roles = {role: k for k, role in enumerate(NAPARI[count])}
        else:
            roles = {"particle": count - 1, "frame": count - 2, "x": 0, "y": 1}
    data = pd.DataFrame({role: table[number].to_numpy() for role, number in roles.items()})
    return Raw(path, data, {role: f"column {number}" for role, number in roles.items()})


def _npy(path: Path, chosen: Mapping[str, str | int]) -> Raw:
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:  # a pickle runs what is written in it
        raise InputError(f"{path.name} cannot be read: {error}; write it as CSV.") from error
    if array.dtype.names and array.ndim == 1:
        names = list(array.dtype.names)
        return _assembled(path, pd.DataFrame(array), _roles(names, chosen, path), {})
    if array.ndim != 2:
        raise InputError(
            f"{path.name} has shape {array.shape}, and a table has rows and columns: write it as "
            f"CSV, or as a TIFF stack if it is a film."
        )
    table = pd.DataFrame(array)
    return _unnamed(path, table, array[: sources.PEEK].tolist(), chosen)


def _parquet(path: Path, chosen: Mapping[str, str | int]) -> Raw:
    try:
        table = pd.read_parquet(path)
    except ValueError as error:
        raise InputError(f"{path.name} cannot be read: {error}") from error
    # pandas keeps an index beside the columns; where it has a name, that is what it holds.
    kept = [name for name in table.index.names if name and name not in table.columns]
    table = table.reset_index(level=kept) if kept else table
    names = [str(name) for name in table.columns]
    return _assembled(path, table.set_axis(names, axis=1), _roles(names, chosen, path), {})


def _hdf5(path: Path, chosen: Mapping[str, str | int]) -> Raw:
    """Tables of pandas and arrays of records, by their numbers alone: nothing is unpickled.

    trackpy's store of one table per frame is one table.
    """
    with h5py.File(path) as file:
        named = sources.hdf5_tables(file)
        wanted = {key for key, names in named.items() if sources.roles_known(names, chosen)}
        wanted = wanted or set(named)
        if len(wanted) > 1 and not all(key.startswith("Frame_") for key in wanted):
            raise InputError(
                f"{path.name} holds several tables, {', '.join(sorted(wanted))}: keep one of them."
            )
        if not wanted:
            raise InputError(f"{path.name} holds no table of pandas and no array of records.")
        parts = [pd.DataFrame(sources.hdf5_columns(file[key], MOST)) for key in sorted(wanted)]
    table = pd.concat(parts, ignore_index=True)
    names = list(table.columns)
    return _assembled(path, table, _roles(names, chosen, path), {})
