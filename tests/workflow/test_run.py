"""The whole workflow, through snakemake, as a user runs it: small, but every stage is real."""

from __future__ import annotations

import csv
import json
import shutil

import h5py
import pytest
import yaml

from pipeline import h5md
from tests.workflow.conftest import SMALL, small


@pytest.mark.slow
def test_the_report_stands_alone(finished):
    page = (finished / "report.html").read_text()
    assert len(page) < 15e6
    assert "simulated" in page.lower()
    for section in ("Verdict", "Tracking", "Provenance"):
        assert section in page


@pytest.mark.slow
def test_the_tracks_are_those_of_the_simulation(finished):
    data = h5md.read(finished / "trajectory.h5")
    truth = h5md.read(finished / "synthetic" / "truth.h5")
    assert data.attributes["synthetic"] is True
    assert data.attributes["length_unit"] == "um"
    position = data.position / data.attributes["mpp"]
    t = len(data.time) // 2
    for n in data.present[t].nonzero()[0][:50]:
        distance = abs(truth.position[t] - position[t, n]).max(axis=1)
        assert distance.min() < 0.5


@pytest.mark.slow
def test_every_model_is_compared_on_every_metric(finished):
    with open(finished / "comparison.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"metriplectic", "dpd"}
    assert {"rdf", "msd", "vacf"} <= {row["metric"] for row in rows}


@pytest.mark.slow
def test_nothing_is_left_to_do(finished, snakemake):
    again = snakemake(finished.parents[1], "--cores", "1", "results/small/report.html")
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_wrong_setting_ends_the_run_before_any_work(tmp_path, snakemake):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text("detect: {diameter: 8}\n")
    run = snakemake(tmp_path, "--cores", "1", "results/mine/report.html")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "detect.diameter (an odd number of pixels): must be odd, got 8" in said
    assert not (tmp_path / "results").exists()


def test_a_data_set_without_video_is_told_where_to_put_one(tmp_path, snakemake):
    run = snakemake(tmp_path, "--cores", "1", "results/nothing/report.html")
    assert run.returncode != 0
    last = run.stderr.rstrip().rpartition("\n")[2]
    assert last.startswith("error: There is no video for 'nothing': put one into data/nothing/")
    assert "Exception" not in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_reports_are_listed_and_the_list_can_be_made_alone(finished, snakemake):
    """At the end of a run, and by its own target, which asks for no report."""
    page = finished.parent / "index.html"
    assert 'href="small/report.html"' in page.read_text()
    page.unlink()
    run = snakemake(finished.parents[1], "--cores", "1", "results/index.html")
    assert run.returncode == 0
    assert "rule report" not in run.stdout + run.stderr
    assert 'href="small/report.html"' in page.read_text()


@pytest.mark.slow
def test_a_medium_is_given_the_friction_that_was_found_of_the_film(finished, snakemake, tmp_path):
    made = small(tmp_path, train={**SMALL["train"], "bath": "uniform", "bath_flow": "sample"})
    made = made / "results" / "small"
    made.mkdir(parents=True)
    for name in ("trajectory.h5", "graphs.h5"):
        shutil.copy2(finished / name, made)
    target = "results/small/metriplectic/seed0/model.yaml"
    allowed = ("--rerun-triggers", "mtime", "--allowed-rules", "drag", "train")
    run = snakemake(tmp_path, "--cores", "1", *allowed, "--", target)
    assert run.returncode == 0, run.stderr[-4000:]
    rate = json.loads((made / "drag.json").read_text())["rate"]
    with h5py.File(made / "metriplectic" / "seed0" / "learned.h5") as learned:
        bath = {name: float(value[0]) for name, value in learned["bath"].items() if len(value)}
    model = yaml.safe_load((made / "metriplectic" / "seed0" / "model.yaml").read_text())
    assert model["training"]["bath"] == "uniform"
    if rate is not None:
        assert bath["rate"] == pytest.approx(rate["value"] * model["units"]["time"])


@pytest.mark.slow
def test_snakemake_makes_its_own_report_with_captions(finished, snakemake):
    home = finished.parents[1]
    made = snakemake(home, "--report", "workflow.html", "results/small/report.html")
    assert made.returncode == 0, made.stderr[-3000:]
    text = (home / "workflow.html").read_text()
    for shown in ("detection settings", "errors, as a table", "d2min map", "six questions"):
        assert shown in text
