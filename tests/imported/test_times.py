"""Intervals and times of imported files, and what is refused."""

from __future__ import annotations

import pytest

from tests.imported.written import LENGTHS, read, walk, xyz

BOX = 'Lattice="8 0 0 0 9 0 0 0 10"'


def test_what_only_some_snapshots_say_is_left_out_and_said(tmp_path):
    r = walk(6) * 0.1 + 0.4 * LENGTHS
    texts = [
        xyz(tmp_path / "p", r[t : t + 1], BOX + (f" Time={t}" if t != 3 else "")).read_text()
        for t in range(6)
    ]
    path = tmp_path / "a.xyz"
    path.write_text("".join(texts))
    with pytest.raises(ValueError, match="does not say how much time passes"):
        read(path)
    found = read(path, dt=1.0)
    assert "Only 5 of 6 snapshots of a.xyz give a time" in found.attributes["warnings"][0]


def test_times_and_steps_that_disagree_are_said_and_times_that_go_back_refused(tmp_path):
    r = walk(6) * 0.1 + 0.4 * LENGTHS
    steps = [0, 10, 20, 30, 50, 70]
    texts = [
        xyz(tmp_path / "p", r[t : t + 1], f"{BOX} Time={t} step={steps[t]}").read_text()
        for t in range(6)
    ]
    path = tmp_path / "a.xyz"
    path.write_text("".join(texts))
    said = read(path).attributes["warnings"]
    assert said[0].startswith("In a.xyz a step takes from 0.05 to 0.1 of time")
    path.write_text("".join([*texts, *texts]))
    with pytest.raises(ValueError, match=r"do not increase \(0 in snapshot 6 after 5\)"):
        read(path)
    still = xyz(tmp_path / "b.xyz", r, f"{BOX} Time=0")
    assert "give the same time: they were counted" in read(still, dt=1.0).attributes["warnings"][0]
