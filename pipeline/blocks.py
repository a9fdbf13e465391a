"""Tables too long to hold at once: parquet files written and read in blocks of whole frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import whole
from pipeline.tables import checked


@contextmanager
def writer(path: Path | str, schema: dict[str, type]) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends a block to a parquet file; the file appears whole or not at all.

    Empty blocks leave no trace; a file without any row is written, too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    empty = pd.DataFrame({name: np.zeros(0, kind) for name, kind in schema.items()})
    form = pa.Schema.from_pandas(empty, preserve_index=False)
    with whole(path) as partial, pq.ParquetWriter(partial, form) as file:

        def append(table: pd.DataFrame) -> None:
            if len(table):
                rows = pa.Table.from_pandas(checked(table, schema), form, preserve_index=False)
                file.write_table(rows)

        yield append


def read(path: Path | str, schema: dict[str, type]) -> Iterator[pd.DataFrame]:
    """The blocks of a parquet table, each of whole frames of one run, in order.

    Raises:
        ValueError: naming the file, if it is damaged, not of this schema, or its rows are not in
            the order of run and frame.
    """
    try:
        with pq.ParquetFile(path) as file:
            groups = (file.read_row_group(k).to_pandas() for k in range(file.num_row_groups))
            yield from whole_frames(checked(group, schema) for group in groups if len(group))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not a usable table: {error}") from error


def rows(path: Path | str) -> int:
    """Length of a parquet table, from its footer."""
    return pq.read_metadata(path).num_rows


def whole_frames(tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same rows cut anew where a frame or a run ends.

    Raises:
        ValueError: if the rows are not in the order of run and frame.
    """
    rest: pd.DataFrame | None = None
    for table in tables:
        table = table if rest is None else pd.concat([rest, table], ignore_index=True)
        run, frame = table["run"].to_numpy(), table["frame"].to_numpy()
        turn, step = np.diff(run), np.diff(frame)
        if (turn < 0).any() or (step[turn == 0] < 0).any():
            raise ValueError("its rows must be in the order of run and frame")
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
