"""Trajectories that arrive mislabelled, with their right answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.imported.written import read

DOOR = Path(__file__).resolve().parents[3] / "shared" / "data" / "door"
pytestmark = pytest.mark.skipif(not DOOR.is_dir(), reason=f"the files are not here: {DOOR}")

REFUSED = [
    ("dump_without_id.lammpstrj", {}, "change order and carry no ids"),
    ("dump_without_id.lammpstrj", {"dt": 0.5}, "change order and carry no ids"),
    (
        "dump_dt_is_timestep.lammpstrj",
        {"dt": 0.005},
        r"factor 99\.3.* as if snapshots were 0\.5 ap",
    ),
    ("dcd_of_lammps_real.dcd", {}, r"LAMMPS wrote it, 20 steps of 2 apart.* set imported\.dt"),
    ("xyz_temperature.xyz", {}, r"does not say how much time passes"),
]


@pytest.mark.parametrize(("name", "given", "said"), REFUSED)
def test_contradictions_are_refused_and_what_is_missing_is_asked_for(name, given, said):
    with pytest.raises(ValueError, match=said):
        read(DOOR / name, **given)


READ = [
    ("dump_dt_is_timestep.lammpstrj", {"dt": 0.5}, 0.5, 0),
    ("dcd_of_lammps_real.dcd", {"dt": 0.04, "time_unit": "ps"}, 0.04, 0),
    ("xyz_time_comma.xyz", {}, 0.5, 1),
    ("xyz_time_comma.xyz", {"box": [10.0, 10.0, 10.0], "periodic": True}, 0.5, 0),
    ("xyz_temperature.xyz", {"dt": 0.5}, 0.5, 0),
]


@pytest.mark.parametrize(("name", "given", "dt", "warnings"), READ)
def test_the_interval_is_the_right_one(name, given, dt, warnings):
    found = read(DOOR / name, **given)
    assert found.dt == pytest.approx(dt)
    assert found.time == pytest.approx(dt * np.arange(len(found.time)))
    assert len(found.attributes["warnings"]) == warnings


def test_a_first_dump_that_is_early_leaves_all_other_pairs():
    found = read(DOOR / "dump_early_first.lammpstrj", dt=0.5)
    assert (found.time[0], found.time[-1]) == (0.0, 14.25)
    assert found.successive().tolist() == [False] + [True] * 28
