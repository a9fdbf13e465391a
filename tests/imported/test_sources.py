"""Which files count as trajectories, and which columns of a table as times."""

from __future__ import annotations

import pytest

from pipeline.imported.sources import candidates, recorded
from pipeline.units import SECONDS


def test_endings_and_the_first_word_of_a_dump_decide(tmp_path):
    names = ["b10.xyz", "b9.xyz", "film.tif", "notes.txt", "top.gro", "dump.melt", "dump.txt"]
    for name in names:
        (tmp_path / name).write_text(
            "ITEM: TIMESTEP\n" if name == "dump.melt" else f"anything of {name}\n"
        )
    found = recorded(tmp_path / name for name in names)
    assert [path.name for path in found] == ["b9.xyz", "b10.xyz", "dump.melt"]


def test_a_structure_alone_is_a_trajectory_of_its_own(tmp_path):
    (tmp_path / "top.gro").write_text("")
    assert [path.name for path in recorded(tmp_path.iterdir())] == ["top.gro"]


@pytest.mark.parametrize("unit", SECONDS)
def test_a_t_in_any_unit_of_time_is_no_number_of_a_frame(unit):
    names = ["particle", f"t ({unit})", "x", "y"]
    assert (candidates(names, "time"), candidates(names, "frame")) == ([1], [])


@pytest.mark.parametrize("name", ["t", "T", "t (frames)"])
def test_a_t_without_a_unit_of_time_is_one(name):
    names = ["particle", name, "x", "y"]
    assert (candidates(names, "time"), candidates(names, "frame")) == ([], [1])
