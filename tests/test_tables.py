"""Tables in parquet files, whole and in blocks.

Tables in blocks: the same rows, cut between frames.

Tables: a schema that is checked, files that are whole, and their arrays.
"""

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


def tracks(rows: list[tuple]) -> pd.DataFrame:
    """Tracks table of (run, frame, particle, x, y) rows."""
    table = pd.DataFrame(rows, columns=["run", "frame", "particle", "x", "y"])
    table = table.assign(mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=np.nan, filled=False)
    return tables.checked(table, tables.TRACKS)


ROWS = [(0, 4, 7, 1.0, 2.0), (0, 5, 7, 1.5, 2.5), (0, 7, 7, 3.0, 4.0), (0, 5, 9, 8.0, 9.0),
        (1, 0, 12, 5.0, 6.0), (1, 1, 12, 5.5, 6.5)]  # fmt: skip


def test_write_and_read_back(tmp_path):
    table = tracks(ROWS)
    tables.write(tmp_path / "new" / "tracks.parquet", table.assign(note="dropped"), tables.TRACKS)
    pd.testing.assert_frame_equal(
        tables.read(tmp_path / "new" / "tracks.parquet", tables.TRACKS), table
    )
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["tracks.parquet"]


def test_what_is_refused(tmp_path):
    table = tracks(ROWS)
    with pytest.raises(ValueError, match="lacks the columns mass"):
        tables.checked(table.drop(columns="mass"), tables.TRACKS)
    with pytest.raises(ValueError, match="1 of 6 rows are not"):
        tables.checked(table.assign(x=[1, 2, np.nan, 4, 5, 6]), tables.TRACKS)
    with pytest.raises(ValueError, match="holds no rows"):
        tables.checked(table.iloc[:0], tables.TRACKS)
    tables.write(tmp_path / "t.parquet", table, tables.TRACKS)
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"t\.parquet is not a usable table"):
        tables.read(tmp_path / "t.parquet", tables.TRACKS)


def test_arrays_hold_every_frame_of_every_run():
    made = tables.packed(tracks(ROWS))
    np.testing.assert_array_equal(made.frame, [4, 5, 6, 7, 0, 1])
    np.testing.assert_array_equal(made.run, [0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(made.particle, [7, 9, 12])
    # 12 comes after the first run has ended.
    holder = [[0, -1], [0, 1], [0, -1], [0, -1], [2, -1], [2, -1]]
    np.testing.assert_array_equal(made.occupant, holder)
    np.testing.assert_array_equal(made.position[[0, 1, 3], 0], [[1, 2], [1.5, 2.5], [3, 4]])
    seen = [[1, 0], [1, 1], [0, 0], [1, 0], [1, 0], [1, 0]]
    np.testing.assert_array_equal(made.present, np.array(seen, bool))
    assert not made.filled.any()
    # Absent: the last known place, before the first sight the next.
    np.testing.assert_array_equal(made.position[2, 0], [1.5, 2.5])
    np.testing.assert_array_equal(made.position[0, 1], [8, 9])


def test_particles_that_stay_have_columns_of_their_own():
    made = tables.packed(tracks(ROWS[:4]))
    assert made.occupant is None
    np.testing.assert_array_equal(made.particle, [7, 9])
    np.testing.assert_array_equal(made.present.sum(axis=0), [3, 1])


def test_arrays_carry_brightness_and_size():
    table = tracks(ROWS).assign(mass=[10.0, 11, 12, 20, 30, 31], size=[2.0, 2, 2, 3, 4, 4])
    made = tables.packed(table)
    np.testing.assert_array_equal(made.mass[:4, 0], [10, 11, 0, 12])
    np.testing.assert_array_equal(made.size[made.present], [2, 2, 3, 2, 4, 4])
    assert not made.mass[~made.present].any()
    assert made.mass.dtype == made.size.dtype == np.float32


def test_order_of_rows_does_not_matter():
    table = tracks(ROWS)
    one, other = tables.packed(table), tables.packed(table.sample(frac=1, random_state=0))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_particle_twice_in_a_frame_is_refused():
    with pytest.raises(ValueError, match="twice in one frame"):
        tables.packed(tracks([*ROWS, (0, 4, 7, 3.0, 3.0)]))
