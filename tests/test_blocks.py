"""Tables in blocks: the same rows, cut between frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline import tables


def features(frames: list[int], run: int = 0) -> pd.DataFrame:
    table = pd.DataFrame({"frame": frames, "run": run, "y": np.arange(len(frames), dtype=float)})
    return tables.checked(
        table.assign(x=0.0, mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.1), tables.FEATURES
    )


def test_blocks_end_where_frames_and_runs_do(tmp_path):
    path = tmp_path / "t.parquet"
    parts = [features([0, 0, 1]), features([1, 1]), features([1, 3]), features([0, 0], run=1)]
    with tables.block_writer(path, tables.FEATURES) as append:
        for part in parts:
            append(part)
    found = list(tables.read_blocks(path, tables.FEATURES))
    assert [b["frame"].tolist() for b in found] == [[0, 0], [1, 1, 1, 1], [3], [0, 0]]
    whole = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), whole)
    pd.testing.assert_frame_equal(tables.read(path, tables.FEATURES), whole)


def test_an_empty_block_leaves_no_trace(tmp_path):
    path = tmp_path / "t.parquet"
    with tables.block_writer(path, tables.FEATURES) as append:
        append(features([0]).iloc[:0])
    assert list(tables.read_blocks(path, tables.FEATURES)) == []


def test_an_interrupted_file_does_not_appear(tmp_path):
    path = tmp_path / "t.parquet"

    def interrupted() -> None:
        with tables.block_writer(path, tables.FEATURES) as append:
            append(features([0, 1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not path.exists()


def test_rows_out_of_order_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(path, features([1, 0]), tables.FEATURES)
    with pytest.raises(ValueError, match="in the order of run and frame"):
        list(tables.read_blocks(path, tables.FEATURES))
