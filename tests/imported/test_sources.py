"""Which files count as trajectories."""

from __future__ import annotations

from pipeline.imported.sources import recorded


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
