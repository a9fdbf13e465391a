"""Files appear whole or not at all: every stage is interrupted or killed while it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from tests.workflow.conftest import PATH, SNAKEFILE, small

TARGET = "results/small/report.html"
# Every stage imports this before anything else. A file of which only the last step is missing, its
# new name, is the worst that can be left behind: the first time that a stage comes there, for
# whichever model, it is interrupted or killed, in turn over all stages, once for each of its files.
# What takes long to write meets both: a training at its files, the report at its page and at its
# record.
SABOTAGE = """
import os, signal, sys

replace = os.replace
# A run in the background of a shell is deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)

def sabotaged(source, target, **options):
    # Compiled code is kept under new names, too, elsewhere.
    place, name = os.path.split(os.path.abspath(target))
    if "/results/" in place and "/.snakemake/scripts/" in sys.argv[0]:
        stage = sys.argv[0].rpartition(".")[0].rpartition(".")[2]
        marks = [mark.split(" ") for mark in os.listdir(os.environ["SABOTAGE"])]
        if [stage, name] not in [mark[:2] for mark in marks]:
            met = [mark[2] for mark in marks if mark[0] == stage] or [mark[2] for mark in marks]
            kind = min("SIGINT", "SIGKILL", key=met.count)
            open(os.path.join(os.environ["SABOTAGE"], f"{stage} {name} {kind}"), "w").close()
            os.kill(os.getpid(), getattr(signal, kind))
    replace(source, target, **options)

os.replace = sabotaged
"""
PAGES = ("report.html", "tuning.html")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory, snakemake):
    folder = small(tmp_path_factory.mktemp("disturbed"))
    kill_snakemake_and_all_its_jobs(folder)
    locked = snakemake(folder, "--cores", "2", TARGET)
    assert locked.returncode != 0
    assert "--unlock" in locked.stderr
    assert snakemake(folder, "--cores", "2", "--unlock", TARGET).returncode == 0

    marks, hook = folder / "marks", folder / "hook"
    for place in (marks, hook):
        place.mkdir()
    (hook / "sitecustomize.py").write_text(SABOTAGE)
    path = os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH")])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        patch.setenv("SABOTAGE", str(marks))
        run = snakemake(folder, "--cores", "2", "--retries", "20", TARGET)
    assert run.returncode == 0, run.stderr[-3000:]
    return folder / "results" / "small", {mark.name for mark in marks.iterdir()}


def kill_snakemake_and_all_its_jobs(folder: Path) -> None:
    """As a power cut would, in the middle of the simulation."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", SNAKEFILE, "--cores", "2", TARGET]
    run = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PATH": PATH},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log, end = folder / "results/small/logs/simulate_film.log", time.monotonic() + 120
    while not log.exists():
        assert run.poll() is None
        assert time.monotonic() < end, "the simulation did not start"
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def test_every_stage_was_interrupted_or_killed(disturbed):
    made, marks = disturbed
    met = [mark.split(" ") for mark in marks]
    assert {
        *("truth.h5", "video.tif", "tuning.json", "features.parquet", "tracks.parquet"),
        *("linking.json", "tracking.h5", "trajectory.h5", "graphs.h5", "model.safetensors"),
        *("model.yaml", "training.csv", "learned.h5", "rollout.h5", "experiment.h5"),
        *("comparison.csv", "tuning.html", "report.html", "report.json"),
    } <= {name for _, name, _ in met}
    for stage in ("train", "report"):
        assert {kind for of, _, kind in met if of == stage} == {"SIGINT", "SIGKILL"}, stage
    assert min(Counter(kind for _, _, kind in met).values()) > len(met) // 3
    left = [path.name for path in made.rglob("*") if {".partial", ".labelled"} & {*path.suffixes}]
    assert left == []


def test_the_results_are_those_of_an_undisturbed_run(disturbed, finished):
    made, _ = disturbed
    same_results(made, finished)


def same_results(made: Path, undisturbed: Path) -> None:
    """Tables, arrays, the model and what the report says."""
    for name in ("features.parquet", "tracks.parquet"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(made / name), pd.read_parquet(undisturbed / name)
        )
    for name in ("tuning.json", "linking.json"):
        assert (made / name).read_text() == (undisturbed / name).read_text()
    for name in ("trajectory.h5", "graphs.h5", "metriplectic/seed0/rollout.h5"):
        same_arrays(made / name, undisturbed / name)
    model = "metriplectic/seed0/model.safetensors"
    ours, theirs = load_file(made / model), load_file(undisturbed / model)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-6, err_msg=name)
    verdicts = [json.loads((place / "report.json").read_text()) for place in (made, undisturbed)]
    assert verdicts[0]["lights"] == verdicts[1]["lights"]
    figures = [
        {path.name for path in (place / "figures").iterdir()} for place in (made, undisturbed)
    ]
    assert figures[0] == figures[1]
    assert all((made / name).read_text().rstrip().endswith("</html>") for name in PAGES)
    compared = [pd.read_csv(place / "comparison.csv") for place in (made, undisturbed)]
    pd.testing.assert_frame_equal(*compared, rtol=1e-6)


def same_arrays(first: Path, second: Path) -> None:
    with h5py.File(first) as ours, h5py.File(second) as theirs:

        def compare(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
                np.testing.assert_allclose(ours[name][()], item[()], rtol=1e-6, err_msg=name)

        theirs.visititems(compare)
