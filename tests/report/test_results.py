"""Reading a folder of results: order, units, and reasons for what is missing."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from pipeline.analysis.statistics import PLOTS
from pipeline.report.figures import curves
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results
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


def test_a_statistic_that_one_source_lacks_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "statistics").mkdir()
    for source in ("experiment", "truth"):
        content = (folder / "statistics" / f"{source}.h5").read_bytes()
        (tmp_path / "statistics" / f"{source}.h5").write_bytes(content)
    with h5py.File(tmp_path / "statistics" / "truth.h5", "a") as file:
        file["rdf"].attrs["missing"] = "Too few pairs."
    rdf = curves.of(PLOTS["rdf"])
    assert rdf(Results(tmp_path)).caption.endswith("Not shown: truth. Too few pairs.")
    with h5py.File(tmp_path / "statistics" / "experiment.h5", "a") as file:
        file["rdf"].attrs["missing"] = "Only 9 frames."
    with pytest.raises(Absent, match="Only 9 frames"):
        rdf(Results(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (0.012345, "0.0123"), (-1.5, "−1.5"), (1e-7, "1e−7"), (12345.6, "12346"),
     (float("nan"), "–"), (None, "–"), (True, "yes"), ([1, 2.5], "1, 2.5"), ("dark", "dark")],
)  # fmt: skip
def test_numbers_are_short(value: object, text: str) -> None:
    assert number(value) == text


def test_percentages_keep_two_digits() -> None:
    assert [percent(x) for x in (0.0712, 0.5, 2.748)] == ["7.1 %", "50 %", "270 %"]
    assert percent(float("nan")) == "–"


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
