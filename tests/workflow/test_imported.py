"""A trajectory dropped into data/: no tracking is planned, its trajectory is made, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import h5md

pytestmark = pytest.mark.slow
HEAD = 'Lattice="8 0 0 0 8 0 0 0 8" Properties=species:S:1:pos:R:3:velo:R:3 pbc="T T T"'


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    r, v = 8 * generator.random((60, 3)), generator.normal(size=(60, 3))
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "config").mkdir()
    with open(tmp_path / "data" / "mine" / "gas.xyz", "w") as file:
        for t in range(20):
            file.write(f"60\n{HEAD}\n")
            rows = np.hstack([(r + 0.1 * t * v) % 8, v])
            file.writelines(f"A {' '.join(f'{x:.8f}' for x in row)}\n" for row in rows)
    return tmp_path


def test_a_file_becomes_the_trajectory_and_nothing_is_tracked(folder, snakemake):
    (folder / "config" / "mine.yaml").write_text("imported:\n  dt: 0.1\n")
    plan = snakemake(folder, "--cores", "1", "--dry-run", "results/mine/report.html")
    assert plan.returncode == 0, plan.stderr[-2000:]
    for rule in ("detect", "link", "tune", "frames"):
        assert f"rule {rule}:" not in plan.stdout + plan.stderr
    run = snakemake(folder, "--cores", "1", "results/mine/trajectory.h5")
    assert run.returncode == 0, run.stderr[-2000:]
    found = h5md.read(folder / "results" / "mine" / "trajectory.h5")
    assert found.attributes["velocity"] == "measured"
    assert found.position.shape == (20, 60, 3)
    assert found.dt == 0.1


def test_what_is_missing_or_mixed_is_the_last_thing_said(folder, snakemake):
    run = snakemake(folder, "--cores", "1", "results/mine/trajectory.h5")
    assert run.returncode != 0
    assert "error: gas.xyz does not say how much time passes between its snapshots" in run.stderr
    (folder / "data" / "mine" / "film.tif").write_bytes(b"")
    mixed = snakemake(folder, "--cores", "1", "--dry-run", "results/mine/report.html")
    assert mixed.returncode != 0
    last = mixed.stderr.strip().splitlines()[-1]
    assert last.startswith("error: data/mine/ holds a trajectory (gas.xyz) and a video (film.tif)")
