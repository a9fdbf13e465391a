"""A table of tracks dropped into data/: nothing is tracked, and the report is that of its film."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline import h5md
from tests.workflow.conftest import SMALL

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(finished, tmp_path) -> Path:
    """A working directory with the table that the small data set gave out."""
    (tmp_path / "data" / "again").mkdir(parents=True)
    (tmp_path / "config").mkdir()
    shutil.copy(finished / "tracks.csv", tmp_path / "data" / "again")
    settings = {name: value for name, value in SMALL.items() if name != "simulate"}
    # What is learned is tested elsewhere.
    settings |= {"models": ["dpd"], "train": {"steps": 10, "validate_every": 5}}
    settings["report"] = {"movie": False}
    (tmp_path / "config" / "again.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def test_a_table_gives_the_trajectory_and_the_report_of_its_film(finished, folder, snakemake):
    run = snakemake(folder, "--cores", "2", "results/again/report.html")
    assert run.returncode == 0, run.stderr[-3000:]
    for rule in ("survey", "detect", "link", "tune", "frames"):
        assert f"rule {rule}:" not in run.stderr
    ours, theirs = (
        h5md.read(path / "trajectory.h5") for path in (folder / "results" / "again", finished)
    )
    assert ours.position == pytest.approx(theirs.position)
    assert ours.velocity == pytest.approx(theirs.velocity, abs=1e-6)
    assert (ours.present == theirs.present).all()
    assert ours.dt == theirs.dt
    # The field of view ends where particles were seen, not where the picture does.
    assert ours.box.lengths == pytest.approx(theirs.box.lengths, rel=0.05)
    page = (folder / "results" / "again" / "report.html").read_text()
    assert "Tracks were read from tracks.csv: particle from particle" in page
    assert "Tracks were not made here but read from tracks.csv" in page
    out = [pd.read_csv(path / "tracks.csv") for path in (folder / "results" / "again", finished)]
    columns = ["run", "frame", "particle", "x", "y", "filled"]
    assert out[0][columns].to_numpy() == pytest.approx(out[1][columns].to_numpy())


def test_beside_its_film_a_table_has_its_field_of_view_and_a_contradiction_is_the_last_thing_said(
    finished, folder, snakemake
):
    data = folder / "data" / "again"
    shutil.copy(finished / "synthetic" / "video.tif", data)
    run = snakemake(folder, "--cores", "2", "results/again/trajectory.h5")
    assert run.returncode == 0, run.stderr[-3000:]
    assert "rule detect:" not in run.stderr
    ours, theirs = (
        h5md.read(path / "trajectory.h5") for path in (folder / "results" / "again", finished)
    )
    # The margin is that within which nobody was found, not that of the detector.
    assert ours.box.lengths == pytest.approx(theirs.box.lengths, rel=0.02)
    assert np.abs(ours.velocity - theirs.velocity).max() < 1e-6
    table = pd.read_csv(data / "tracks.csv")
    table.assign(x=3 * table["x"]).to_csv(data / "tracks.csv", index=False)
    wrong = snakemake(folder, "--cores", "2", "results/again/trajectory.h5")
    assert wrong.returncode != 0
    assert "error: The x of tracks.csv reach from" in wrong.stderr
    (folder / "config" / "again.yaml").write_text("tracks: {use: false}\n")
    plan = snakemake(folder, "--cores", "1", "--dry-run", "results/again/trajectory.h5")
    assert "rule detect:" in plan.stdout + plan.stderr
