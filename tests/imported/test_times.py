"""Intervals and times of imported files, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from MDAnalysis.lib.formats.libmdaxdr import XTCFile

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


def test_steps_that_go_back_and_times_that_stay_are_said(tmp_path):
    r = walk(6) * 0.1 + 0.4 * LENGTHS
    texts = [
        xyz(tmp_path / "p", r[t : t + 1], f"{BOX} Time={t} step={60 - 10 * t}").read_text()
        for t in range(6)
    ]
    path = tmp_path / "a.xyz"
    path.write_text("".join(texts))
    said = read(path).attributes["warnings"]
    assert "times go on and numbers of steps do not (50 in snapshot 1 after 60)" in said[0]
    still = xyz(tmp_path / "b.xyz", r, f"{BOX} Time=0 step={{t}}")
    with pytest.raises(ValueError, match=r"all of them give the same\): set imported\.dt"):
        read(still)


def test_steps_of_xtc_tell_of_gaps_that_its_times_do_not(tmp_path):
    r = (walk(12) * 0.1 + 0.4 * LENGTHS) / 10
    path = tmp_path / "a.xtc"
    with XTCFile(str(path), "w") as file:
        for t, frame in enumerate(r.astype(np.float32)):
            step = 100 * (t + 5 * (t > 5))
            file.write(frame, np.diag(LENGTHS / 10).astype(np.float32), step, 0.5 * t, 1000)
    assert "a step takes from 0.0008333 to 0.005 of time" in read(path).attributes["warnings"][0]
