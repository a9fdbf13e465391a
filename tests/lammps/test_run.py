"""LAMMPS as a program: its errors are quoted, its dumps read alike in text and in binary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.lammps import run

GAS = """\
units lj
region box {shape} 0 5 0 5 0 5{tilt}
create_box 1 box
create_atoms 1 random 40 3 NULL overlap 0.8 maxtry 1000
mass 1 ${{mass}}
pair_style lj/cut 2.0
pair_coeff * * 1 1
timestep 0.0001
fix move all nve
thermo 2
dump text all custom 2 gas.dump id x y vx
dump_modify text sort id format float %.17g
dump binary all custom 2 gas.bin id x y vx
dump_modify binary sort id
run 10
run 4
"""


def gas(folder: Path, shape: str = "block", ranks: int = 1) -> Path:
    tilt = " 1 0 0" if shape == "prism" else ""
    (folder / "in.gas").write_text(GAS.format(shape=shape, tilt=tilt))
    return run.run(folder, "in.gas", ranks, variables={"mass": 2.0}, steps=14)


@pytest.mark.parametrize(("shape", "ranks"), [("block", 1), ("prism", 2)])
def test_text_and_binary_dumps_give_the_same_numbers(tmp_path, shape, ranks):
    log = gas(tmp_path, shape, ranks)
    text, binary = run.dump(tmp_path / "gas.dump"), run.dump(tmp_path / "gas.bin")
    assert text.names == binary.names == ["id", "x", "y", "vx"]
    assert np.array_equal(text.steps, 2 * np.arange(8))
    assert np.array_equal(text.steps, binary.steps)
    assert np.array_equal(text.values, binary.values)
    assert np.array_equal(text.column("id"), np.broadcast_to(np.arange(1, 41), (8, 40)))
    assert run.thermo(log)["Step"].tolist() == [10, 12, 14]
    assert run.loop(log)[1:4] == (ranks, 4, 40)
    with pytest.raises(ValueError, match="columns id x y vx has no vz"):
        text.column("vz")


@pytest.mark.parametrize("name", ["gas.dump", "gas.bin"])
def test_a_dump_that_is_cut_anywhere_is_refused(tmp_path, name):
    gas(tmp_path)
    whole = (tmp_path / name).read_bytes()
    size = len(whole) // 8
    rng = np.random.default_rng(0)
    for keep in [0, 1, 20, len(whole) - 1, *rng.integers(2, len(whole) - 1, 40)]:
        if keep % size == 0 and keep:
            continue
        (tmp_path / "cut").write_bytes(whole[:keep])
        with pytest.raises(ValueError, match=r"cut .*run LAMMPS again"):
            run.dump(tmp_path / "cut")


def test_what_lammps_complains_of_is_quoted(tmp_path):
    (tmp_path / "in.wrong").write_text("units lj\nfix nothing\n")
    with pytest.raises(ValueError, match=r"LAMMPS ended with code 1: ERROR: .*fix.*log\.lammps"):
        run.run(tmp_path, "in.wrong")


def test_a_log_without_a_run_says_so(tmp_path):
    (tmp_path / "log").write_text("LAMMPS\n")
    for read in (run.thermo, run.loop, run.memory):
        with pytest.raises(ValueError, match="the run did not"):
            read(tmp_path / "log")
