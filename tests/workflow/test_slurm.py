"""The workflow on a real Slurm: it passes, says what failed, and goes on where it was cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from safetensors.numpy import load_file

from tests.workflow.conftest import HOME, PATH, SNAKEFILE, small
from tests.workflow.slurm import answers, running

MODEL = "results/small/metriplectic/seed0"
AGAIN = "results/again/features.parquet"
# As in the profile, but for a node of few cores and tests of few seconds.
HASTE = (
    *("--profile", str(HOME / "workflow" / "profiles" / "slurm")),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--latency-wait", "5", "--retries", "0"),
    *("--set-threads", "detect_part=2"),
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory, finished):
    """A working directory with a Slurm to run it on: the small data set up to its training, its
    film once more, of which nothing is made yet, and a bad one."""
    place = small(tmp_path_factory.mktemp("cluster"), statistics={"jobs": 2})
    (place / "config" / "again.yaml").write_text("detect: {jobs: 2}\n")
    shutil.copytree(finished, place / "results" / "small")
    for made in ("metriplectic", "report.html", "comparison.csv"):
        path = place / "results" / "small" / made
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (place / "results/small/statistics/metriplectic_seed0.h5").unlink()
    for name in ("again", "bad"):
        (place / "data" / name).mkdir(parents=True)
    shutil.copy(finished / "synthetic" / "video.tif", place / "data" / "again")
    noise = np.random.default_rng(0).integers(0, 255, (1, 64, 80)).astype(np.uint8)
    tifffile.imwrite(place / "data" / "bad" / "v.tif", noise)
    with running(tmp_path_factory.mktemp("slurm")):
        yield place


@pytest.fixture(scope="module")
def cut_off(folder):
    """What a run said that had a bad video in it, and whose training was cancelled."""
    run = start(folder, "results/bad/tracks.parquet", AGAIN, "results/small/report.html")
    checkpoint, end = folder / MODEL / "checkpoints" / "last.ckpt", time.monotonic() + 1500
    while not checkpoint.exists():
        assert run.poll() is None, run.stdout.read()[-3000:]
        assert time.monotonic() < end, "training wrote no checkpoint"
        time.sleep(0.2)
    subprocess.run(["scancel", *jobs("train")], check=True)
    said, _ = run.communicate(timeout=1500)
    assert run.returncode != 0
    return said


@pytest.fixture(scope="module")
def resumed(folder, cut_off):
    """What the next run said, which ended well."""
    run = start(folder, AGAIN, "results/small/report.html")
    said, _ = run.communicate(timeout=1500)
    assert run.returncode == 0, said[-3000:]
    return said


def start(folder: Path, *targets: str) -> subprocess.Popen[str]:
    """Snakemake on the login node, left to itself."""
    return subprocess.Popen(
        [*(sys.executable, "-m", "snakemake", *targets, "--snakefile", SNAKEFILE), *HASTE],
        cwd=folder,
        env={**os.environ, "PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def jobs(rule: str) -> list[str]:
    """Slurm's numbers of the running jobs of a rule."""
    lines = answers("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines()
    return [line.split()[0] for line in lines if f"rule_{rule}" in line]


def test_a_failing_job_fails_the_run_and_shows_its_log(cut_off):
    assert "v.tif gives 1 frame" in cut_off.split("Error in rule survey", 1)[1]
    end = cut_off.rsplit("Exiting because a job execution failed", 1)[1]
    assert "\nerror: data/bad/v.tif gives 1 frame, of shape (64, 80)" in end


def test_after_a_cancelled_training_the_run_goes_on_and_passes(folder, cut_off, resumed):
    assert "Error in rule train" in cut_off
    assert "rule train" in resumed
    assert "rule detect_part" in cut_off
    assert "rule detect" not in resumed
    log = (folder / "results/small/logs/train_metriplectic_seed0.log").read_text()
    assert "Restored all states from the checkpoint" in log
    assert "Is the tracking sound?" in (folder / "results/small/report.html").read_text()


def test_edited_code_is_no_reason_to_compute_again(folder, resumed, snakemake, tmp_path):
    shutil.copyfile(HOME / "Snakefile", tmp_path / "Snakefile")
    for name in ("workflow", "config"):
        shutil.copytree(HOME / name, tmp_path / name, copy_function=shutil.copyfile)
    with open(tmp_path / "workflow" / "scripts" / "detect.py", "a") as script:
        script.write("print('edited')\n")
    here = ("--snakefile", str(tmp_path / "Snakefile"), "--dry-run")
    ours = snakemake(folder, "results/small/report.html", AGAIN, *here, *HASTE)
    assert "Nothing to be done" in ours.stdout + ours.stderr
    others = snakemake(folder, AGAIN, *here, "--cores", "1")
    assert "rule detect" in others.stdout + others.stderr


def test_detection_in_two_jobs_finds_what_one_finds(folder, cut_off, finished):
    assert cut_off.count("rule detect_part") == 2
    one, two = (pd.read_parquet(path) for path in (finished / "features.parquet", folder / AGAIN))
    pd.testing.assert_frame_equal(one, two)


def test_a_resumed_training_ends_with_the_model_of_an_undisturbed_one(folder, resumed, finished):
    ours = load_file(folder / MODEL / "model.safetensors")
    undisturbed = load_file(finished / "metriplectic" / "seed0" / "model.safetensors")
    assert undisturbed.keys() == ours.keys()
    for name, value in undisturbed.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-7, err_msg=name)
