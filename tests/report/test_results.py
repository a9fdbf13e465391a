"""Reading a folder of results: order, units, and reasons for what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report.results import Absent, Results, singular
from pipeline.settings import Settings
from tests.report.conftest import SETTINGS


def test_order_follows_the_settings(folder: Path) -> None:
    models = [
        run.model for run in Results(folder, Settings(models=("gns_sde", "metriplectic"))).runs
    ]
    assert models == ["gns_sde", "metriplectic"]
    assert [run.model for run in Results(folder, Settings(models=("gns_sde",))).runs] == ["gns_sde"]
    assert Results(folder, SETTINGS).sources[:2] == ["experiment", "truth"]


def test_units_are_printed_as_people_write_them(folder: Path, tmp_path: Path) -> None:
    results = Results(folder, SETTINGS)
    assert (results.unit("length"), results.unit("time")) == ("px", "frames")
    assert Results(tmp_path).unit("length") == ""


def test_trainings_of_another_data_set_are_read_there(tmp_path):
    training = tmp_path / "origin" / "metriplectic" / "seed0" / "training.csv"
    training.parent.mkdir(parents=True)
    training.write_text("step,seconds\n0,0\n")
    (tmp_path / "origin" / "comparison.csv").write_text("dataset\n")
    (tmp_path / "here").mkdir()
    results = Results(tmp_path / "here", Settings(models_of="origin"))
    assert results.path("metriplectic/seed0/training.csv") == training
    with pytest.raises(Absent):
        results.path("comparison.csv")
    with pytest.raises(Absent):
        Results(tmp_path / "here").path("metriplectic/seed0/training.csv")


def test_a_rate_is_per_one_unit_of_time() -> None:
    assert [singular(unit) for unit in ("frames", "s", "min", "")] == ["frame", "s", "min", ""]
