"""Tables of features and tracks: parquet files with a checked schema, read in blocks of frames.

Lengths are pixels of the corrected video (square pixels, centres at integers, y down), times are
frame numbers. Columns y, x, mass, size, ecc, signal, ep are trackpy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import slots
from pipeline.errors import InputError
from pipeline.files import reading, whole

# Bits that change on disk are noticed.
WRITTEN: dict[str, Any] = {"write_page_checksum": True}
READ: dict[str, Any] = {"page_checksum_verification": True}


@contextmanager
def block_writer(
    path: Path | str, schema: dict[str, type]
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends a block to a parquet file; the file appears whole or not at all.

    Empty blocks leave no trace; a file without any row is written, too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    empty = pd.DataFrame({name: np.zeros(0, kind) for name, kind in schema.items()})
    form = pa.Schema.from_pandas(empty, preserve_index=False)
    with whole(path) as partial, pq.ParquetWriter(partial, form, **WRITTEN) as file:

        def append(table: pd.DataFrame) -> None:
            if len(table):
                rows = pa.Table.from_pandas(checked(table, schema), form, preserve_index=False)
                file.write_table(rows)

        yield append


def read_blocks(path: Path | str, schema: dict[str, type]) -> Iterator[pd.DataFrame]:
    """The blocks of a parquet table, each of whole frames of one run, in order.

    Raises:
        InputError: naming the file, if it is damaged, not of this schema, or its rows are not in
            the order of run and frame.
    """
    with reading(path, "a usable table"), pq.ParquetFile(path, **READ) as file:
        groups = (file.read_row_group(k).to_pandas() for k in range(file.num_row_groups))
        yield from whole_frames(checked(group, schema) for group in groups if len(group))


def whole_frames(tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same rows cut anew where a frame or a run ends.

    Raises:
        InputError: if the rows are not in the order of run and frame.
    """
    rest: pd.DataFrame | None = None
    for table in tables:
        table = table if rest is None else pd.concat([rest, table], ignore_index=True)
        run, frame = table["run"].to_numpy(), table["frame"].to_numpy()
        turn, step = np.diff(run), np.diff(frame)
        if (turn < 0).any() or (step[turn == 0] < 0).any():
            raise InputError("its rows must be in the order of run and frame")
        ends = np.flatnonzero(turn) + 1
        # The last frame may go on in the next table.
        last = len(table) - int(((run == run[-1]) & (frame == frame[-1])).sum())
        cuts = [0, *ends[ends < last], last]
        for start, stop in pairwise(cuts):
            if stop > start:
                yield table.iloc[start:stop].reset_index(drop=True)
        rest = table.iloc[last:]
    if rest is not None:
        yield rest.reset_index(drop=True)


FEATURES: dict[str, type] = {
    "run": np.int32,
    "frame": np.int64,
    "y": np.float64,
    "x": np.float64,
    "mass": np.float64,
    "size": np.float64,
    "ecc": np.float64,
    "signal": np.float64,
    "ep": np.float64,
}
TRACKS: dict[str, type] = {**FEATURES, "particle": np.int64, "filled": np.bool_}
# What a trajectory is made of; the rest is read where it is asked for.
PLACED = {name: TRACKS[name] for name in ("run", "frame", "y", "x", "mass", "size")}
PLACED |= {name: TRACKS[name] for name in ("particle", "filled")}
LARGEST = 500_000_000  # entries of an array: beyond, 8 GB of positions


class Packed(NamedTuple):
    """Tracks as arrays: T rows (every frame of every run, in order), M slots for N particles."""

    frame: np.ndarray  # (T,) int64
    run: np.ndarray  # (T,) int32
    particle: np.ndarray  # (N,) int64 labels, sorted
    position: np.ndarray  # (T, M, 2) float64, (x, y) [px]; last or next known where absent
    present: np.ndarray  # (T, M) bool
    filled: np.ndarray  # (T, M) bool: interpolated across a gap
    mass: np.ndarray  # (T, M) float32, brightness of the spot, 0 where absent
    size: np.ndarray  # (T, M) float32, its radius of gyration [px], 0 where absent
    occupant: np.ndarray | None  # (T, M) who holds a slot, see `pipeline.slots`; None: M = N


def checked(table: pd.DataFrame, schema: dict[str, type]) -> pd.DataFrame:
    """The columns of `schema`, in its order and types.

    Raises:
        InputError: a column is missing, the table is empty, or a position is not finite.
    """
    missing = [name for name in schema if name not in table]
    if missing:
        raise InputError(
            f"the table lacks the columns {', '.join(missing)}; it has {', '.join(table.columns)}"
        )
    if table.empty:
        raise InputError("the table holds no rows: at least one particle is needed")
    bad = int((~np.isfinite(table[["y", "x"]].to_numpy(float))).any(axis=1).sum())
    if bad:
        raise InputError(
            f"positions must be finite numbers, but {bad} of {len(table)} rows are not"
        )
    return table[list(schema)].astype(schema).reset_index(drop=True)


def write(path: Path | str, table: pd.DataFrame, schema: dict[str, type]) -> None:
    """Writes parquet; the file appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial:
        checked(table, schema).to_parquet(partial, index=False, **WRITTEN)


def write_csv(path: Path | str, blocks: Iterable[pd.DataFrame]) -> None:
    """Writes tracks as text for other programs; the file appears whole or not at all.

    The first four columns are those of napari, in its order; trackpy and the CSV importer of
    TrackMate go by names. All are numbers.
    """
    first = ["particle", "frame", "y", "x"]
    columns = [*first, *(name for name in TRACKS if name not in first)]
    with whole(path) as partial, open(partial, "w", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        for block in blocks:
            block[columns].astype({"filled": int}).to_csv(
                file, index=False, header=False, float_format="%.12g"
            )


def read(path: Path | str, schema: dict[str, type]) -> pd.DataFrame:
    """Reads the columns of `schema` of a parquet table and checks them.

    Raises:
        InputError: naming the file, if it is damaged or not of this schema.
    """
    with reading(path, "a usable table"), pq.ParquetFile(path, **READ) as file:
        count, names = file.metadata.num_rows, set(file.schema_arrow.names)
        if not (count and schema.keys() <= names):
            return checked(file.read().to_pandas(), schema)  # which says what is missing
        # Group by group, since arrow needs twice what it reads and keeps it for later.
        columns = {name: np.empty(count, kind) for name, kind in schema.items()}
        first = 0
        for k in range(file.num_row_groups):
            group = checked(file.read_row_group(k, list(schema)).to_pandas(), schema)
            for name, values in columns.items():
                values[first : first + len(group)] = group[name]
            first += len(group)
        pa.default_memory_pool().release_unused()
        return pd.DataFrame(columns, copy=False)


def packed(tracks: pd.DataFrame, ticks: Sequence[np.ndarray] | None = None) -> Packed:
    """Arrays (T, M, ...) of a tracks table; T runs over every frame between a run's first and last.

    Args:
        ticks: for each run, the numbers of its frames, increasing; None: every number is one.

    Raises:
        InputError: a particle occurs twice in a frame, or T x M is too large to hold.
    """
    frame, run, row = _rows(tracks, ticks)
    particle, index = np.unique(tracks["particle"].to_numpy(np.int64), return_inverse=True)
    index = index.astype(np.int32)
    first, last = np.full(len(particle), len(frame)), np.full(len(particle), -1)
    np.minimum.at(first, index, row)
    np.maximum.at(last, index, row)
    # Between runs no snapshot needs to be empty.
    apart = np.concatenate([[0], np.cumsum(np.diff(run) != 0)])
    slot = slots.assign(first + apart[first], last + apart[last])
    shape = len(frame), int(slot.max()) + 1
    if shape[0] * shape[1] > LARGEST:
        raise InputError(
            f"{shape[1]} tracks at once in {shape[0]} frames are too many to hold (at most "
            f"{LARGEST} entries); use fewer frames (video.frames), or crop"
        )
    column = slot.astype(np.int32)[index]
    del index
    present = np.zeros(shape, bool)
    present[row, column] = True
    if present.sum() != len(tracks):
        raise InputError("a particle occurs twice in one frame: the tracks table is inconsistent")
    position = np.zeros((*shape, 2))
    for axis, name in enumerate("xy"):
        position[row, column, axis] = tracks[name].to_numpy()
    filled, mass, size = (np.zeros(shape, kind) for kind in (bool, "f4", "f4"))
    for array, name in ((filled, "filled"), (mass, "mass"), (size, "size")):
        array[row, column] = tracks[name].to_numpy()
    occupant = slots.occupants(first, last, slot, len(frame))
    position = slots.held(position, present)
    return Packed(frame, run, particle, position, present, filled, mass, size, occupant)


def _rows(
    tracks: pd.DataFrame, ticks: Sequence[np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames (T,) and runs (T,) of a table, and the row among them of each of its own."""
    spans = tracks.groupby("run")["frame"].agg(["min", "max"]).sort_index()
    frames = [
        np.arange(low, high + 1)
        if ticks is None
        else ticks[run][slice(*np.searchsorted(ticks[run], (low, high + 1)))]
        for run, low, high in spans.itertuples()
    ]
    counts = np.array([len(some) for some in frames])
    row = np.empty(len(tracks), np.int32)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for run, some, start in zip(spans.index, frames, first, strict=True):
        mine = (tracks["run"] == run).to_numpy()
        row[mine] = start + np.searchsorted(some, tracks["frame"].to_numpy()[mine])
    return np.concatenate(frames), np.repeat(spans.index.to_numpy(np.int32), counts), row
