"""The section on LAMMPS: there when its files are, and it says when a bound is broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.lammps.settings import Lammps, Scaled
from pipeline.report.figures import lammps
from pipeline.report.figures.lammps import cells
from pipeline.report.page import build
from pipeline.report.results import Absent, Results
from pipeline.report.sections import SECTIONS
from tests.edits import unsealed
from tests.report.conftest import SETTINGS as OTHERS

SETTINGS = OTHERS.replace(lammps=Lammps(report=True, scaled=Scaled(report=True)))
SECTION = next(section for section in SECTIONS if section.id == "lammps")
COLUMNS = ["quantity", "python", "lammps", "relative difference", "bound"]


@pytest.fixture
def exported(folder: Path, tmp_path: Path) -> Path:
    """The results with a LAMMPS run that took half of Python's time."""
    there = tmp_path / "walk"
    shutil.copytree(folder, there)
    (there / "lammps").mkdir()
    shutil.copy(there / "metriplectic/seed0/rollout.h5", there / "lammps/rollout.h5")
    with unsealed(there / "lammps/rollout.h5") as file:
        file["observables"].attrs["ms_per_step"] = 3.75
    shutil.copy(there / "statistics/truth.h5", there / "statistics/lammps.h5")
    rows = [("force", 1.0, 1.0, 1e-14, 1e-5), ("displacement", 2.0, 2.0, 3e-9, 1e-4)]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(there / "lammps/parity.csv", index=False)
    return there


def test_the_section_is_whole_where_lammps_ran(exported: Path) -> None:
    (section,) = build([SECTION], Results(exported, SETTINGS))
    assert [item.kind for item in section["items"]] == ["table", *["figure"] * 4, "table"]
    timing = lammps.timing(Results(exported, SETTINGS)).data.set_index("program")
    assert timing["ms_per_step"].to_dict() == {"metriplectic": 7.5, "lammps": 3.75}
    drawn = section["items"][2].value
    assert "the same in LAMMPS" in drawn.svg
    assert "GNS" not in drawn.svg


def test_a_broken_bound_is_said_first(exported: Path) -> None:
    path = exported / "lammps/parity.csv"
    assert lammps.parity(Results(exported, SETTINGS)).caption.startswith("Every difference keeps")
    table = pd.read_csv(path)
    for wrong in (1e-3, float("nan")):
        table.loc[1, "relative difference"] = wrong
        table.to_csv(path, index=False)
        caption = lammps.parity(Results(exported, SETTINGS)).caption
        assert caption.startswith("Do not use this export: displacement differ")


def test_runs_that_config_does_not_name_are_left_out(exported: Path) -> None:
    settings = SETTINGS.replace(lammps=Lammps())
    assert build([SECTION], Results(exported, settings)) == []
    with pytest.raises(Absent, match=r"lammps\.report"):
        lammps.parity(Results(exported, settings))


def test_without_lammps_there_is_no_section(folder: Path) -> None:
    assert build([SECTION], Results(folder, SETTINGS)) == []
    with pytest.raises(Absent):
        lammps.registered["rdf"](Results(folder, SETTINGS))


def test_the_large_run_has_a_section_of_its_own(exported: Path) -> None:
    section = next(section for section in SECTIONS if section.id == "lammps_scaled")
    assert build([section], Results(exported, SETTINGS)) == []
    large = exported / "lammps" / "scaled"
    large.mkdir()
    shutil.copy(exported / "lammps/rollout.h5", large / "rollout.h5")
    shutil.copy(exported / "statistics/metriplectic_seed0.h5", large / "statistics.h5")
    rows = [("particles", 50000.0, ""), ("momentum minus impulse", 5e-15, "N m v")]
    pd.DataFrame(rows, columns=["quantity", "value", "unit"]).to_csv(
        large / "audit.csv", index=False
    )
    (made,) = build([section], Results(exported, SETTINGS))
    assert [item.kind for item in made["items"]] == ["figure", "figure", "table"]
    assert "new particles in LAMMPS" in made["items"][1].value.svg
    assert ["particles", "50000", ""] in made["items"][2].value.rows


def test_the_map_of_a_large_run_travels_as_means_over_cells() -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(0, 200, 20000), random.uniform(0, 100, 20000)
    made = cells(pd.DataFrame({"source": "lammps_scaled", "x": x, "y": y, "d2min": 3 * x}), 40)
    assert 800 <= len(made) <= 41 * 21
    assert np.allclose(made["d2min"], 3 * made["x"])
    assert made["y"].between(0, 100).all()
