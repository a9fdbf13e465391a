"""The rule that runs a trained model in LAMMPS, on the small run of the other tests."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from pipeline import h5md
from tests.workflow.conftest import small


@pytest.mark.slow
def test_the_trained_model_is_the_same_in_lammps(finished, snakemake, tmp_path):
    """On two ranks; tests/lammps compares one with two."""
    shutil.copytree(finished.parents[1], tmp_path / "run")
    small(tmp_path / "run", lammps={"ranks": 2, "report": True})
    run = snakemake(tmp_path / "run", "--cores", "2", "results/small/report.html")
    assert run.returncode == 0, run.stderr[-4000:]
    folder = tmp_path / "run" / "results" / "small"
    parity = pd.read_csv(folder / "lammps" / "parity.csv")
    assert list(parity) == ["quantity", "python", "lammps", "relative difference", "bound"]
    assert (parity["relative difference"] <= parity["bound"]).all(), parity.to_string()
    assert "on 2 procs" in (folder / "lammps" / "log.lammps").read_text()
    made, python = (
        h5md.read(folder / name / "rollout.h5") for name in ("lammps", "metriplectic/seed0")
    )
    assert made.position.shape == python.position.shape
    assert (made.driven == python.driven).all()
    assert "The same model in LAMMPS" in (folder / "report.html").read_text()
