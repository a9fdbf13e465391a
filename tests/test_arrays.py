"""Arrays mapped to files are the same arrays, and a full disk is a sentence."""

from __future__ import annotations

import errno
import os

import h5py
import numpy as np
import pytest
import torch

from pipeline import arrays, graphs, h5md
from pipeline.learn import snapshots
from pipeline.learn.snapshots import Batch, Snapshots
from tests.dynamics.systems import CUTOFF, LENGTH, lattice


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array is too large for memory, and read a row or two at a time."""
    monkeypatch.setattr(arrays, "ROOM", 0)
    monkeypatch.setattr(arrays, "STRETCH", 1000)


def test_stretches_cover_all_rows_once():
    rows = [k for part in arrays.stretches((1000, 3000), float) for k in range(1000)[part]]
    assert rows == list(range(1000))
    assert len(list(arrays.stretches((1000, 3000), float))) > 1


def test_a_mapped_array_is_an_array(small):
    mapped = arrays.room((5, 3), float)
    assert isinstance(mapped, np.memmap)
    mapped[:] = np.arange(15.0).reshape(5, 3)
    np.testing.assert_array_equal(mapped[::2], np.arange(15.0).reshape(5, 3)[::2])


def test_a_dataset_is_read_in_parts(small, tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 7, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = values, values[:, 0, 0]
        np.testing.assert_array_equal(arrays.loaded(file["a"]), values)
        np.testing.assert_array_equal(arrays.loaded(file["a"], 2, 0.5), values[..., :2] / 0.5)
        np.testing.assert_array_equal(arrays.loaded(file["b"]), values[:, 0, 0])


def test_a_full_disk_is_named(small, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ValueError, match=r"has no room for .* set TMPDIR"):
        arrays.room((5, 3), float)


def assert_same_batches(first: Batch, second: Batch) -> None:
    for name in ("r", "v", "v_next", "particle", "mask", "next_row"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    for name in ("i", "j", "r", "e"):
        assert torch.equal(getattr(first.pairs, name), getattr(second.pairs, name))


def test_what_is_released_is_not_lost(small):
    mapped = arrays.room((4000,), float)
    mapped[:] = np.arange(4000.0)
    part = mapped[100:]
    arrays.release(mapped, part, np.ones(3))
    np.testing.assert_array_equal(part, np.arange(100.0, 4000.0))


def test_rows_and_points_are_read_as_from_an_array(small, tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 7, 2))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = values
        stored = arrays.Stored(file["a"], tmp_path / "a.h5", "an array")
        for rows in (np.array([7, 3, 3, 49]), np.array([[4, 2], [0, 9]]), -1, slice(3, 9)):
            np.testing.assert_array_equal(stored[rows], values[rows])
        points = np.array([40, 2, 2, 17]), np.array([6, 0, 5, 0])
        np.testing.assert_array_equal(stored[points], values[points])


def test_files_and_batches_do_not_depend_on_where_arrays_lie(tmp_path, monkeypatch):
    window = lattice(6)
    near = graphs.build(window, CUTOFF * LENGTH)
    h5md.write(tmp_path / "t.h5", window)
    graphs.write(tmp_path / "g.h5", near)
    found = []
    for where in (arrays.ROOM, 0):
        monkeypatch.setattr(arrays, "ROOM", where)
        monkeypatch.setattr(snapshots, "HELD", where)
        data = h5md.read(tmp_path / "t.h5")
        batch = Snapshots(data, graphs.read(tmp_path / "g.h5", data)).batch(np.array([3, 0]))
        assert isinstance(data.position, np.memmap) == (where == 0)
        found.append((data, batch))
    stored = h5md.on_disk(tmp_path / "t.h5")
    batch = Snapshots(stored, graphs.on_disk(tmp_path / "g.h5", stored)).batch(np.array([3, 0]))
    assert_same_batches(found[0][1], batch)
    (one, first), (other, second) = found
    for name in ("position", "velocity", "present", "driven"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert_same_batches(first, second)
