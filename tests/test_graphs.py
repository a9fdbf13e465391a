"""Neighbours searched a few snapshots at a time are those searched at once, in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks.turnover import Film, _assemble, tracks
from pipeline import graphs, h5md, tables, trajectory


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder with the trajectory of particles that come and go."""
    made = Film(60, particles=64, life=20)
    tables.write(tmp_path / "tracks.parquet", tracks(made), tables.TRACKS)
    _assemble(tmp_path, made)
    return tmp_path


def test_a_file_made_in_parts_is_the_same(film: Path, monkeypatch: pytest.MonkeyPatch):
    whole = graphs.build(h5md.read(film / "trajectory.h5"))
    monkeypatch.setattr(trajectory, "BLOCK", 7 * 64 * 16)
    data = h5md.on_disk(film / "trajectory.h5")
    assert len(list(data.blocks())) > 5
    graphs.build_file(film / "graphs.h5", data)
    found = graphs.read(film / "graphs.h5", data)
    for name, value in whole._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


def test_pairs_of_a_long_film_are_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trajectory, "BLOCK", 20 * 256 * 16)
    for frames in (20, 1000):  # the first loads what is needed
        made = Film(frames, particles=256, life=20)
        tables.write(tmp_path / "tracks.parquet", tracks(made), tables.TRACKS)
        _assemble(tmp_path, made)
        tracemalloc.start()
        data = h5md.on_disk(tmp_path / "trajectory.h5")
        graphs.build_file(tmp_path / "graphs.h5", data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # Two flags of a byte and what a part and the seal take; positions and pairs are 60 more.
    assert peak < 5e6 + 4 * data.present.size
