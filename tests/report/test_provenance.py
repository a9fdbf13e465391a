"""Checksums, versions and commit are those of the tools that know them."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import numpy as np

from pipeline import h5md
from pipeline.report import provenance
from pipeline.report.results import Results


def test_collect_is_complete_and_plain(tmp_path: Path) -> None:
    inputs = {"data/a/a video.tif": 64 * "0"}
    found = provenance.collect(inputs, tmp_path, seeds=[0, 1], command="snakemake")
    assert found["inputs"] == inputs
    assert found["versions"]["numpy"] == np.__version__
    assert found["commit"] == "not a git checkout"
    assert found["cores"] >= 1
    assert found["seeds"] == [0, 1]
    json.dumps(found)


def test_commit_says_when_files_differ(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-q", "-m", "first")
    assert provenance.commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "code.py").write_text("2")
    assert provenance.commit(tmp_path).endswith("with uncommitted changes")


def test_stages_are_read_from_snakemakes_files(tmp_path: Path) -> None:
    (tmp_path / "detect.tsv").write_text("s\tmax_rss\tcpu_time\n24.78\t1031.65\t20.5\n")
    (tmp_path / "short.tsv").write_text("s\th:m:s\tmax_rss\n0.01\t0:00:00\t-\n")
    (tmp_path / "torn.tsv").write_bytes(b"s\th:m:s\tmax_rss\n\xff\xfe\t\tmany\n")
    found = provenance.stages(tmp_path)
    assert all(math.isnan(value) for value in found.pop("torn").values())
    assert found["detect"] == {
        "wall time (s)": 24.78,
        "cpu time (s)": 20.5,
        "peak memory (MB)": 1031.65,
    }
    assert math.isnan(found["short"]["peak memory (MB)"])
    assert provenance.stages(tmp_path / "absent") == {}


def test_what_is_wrong_with_the_data_is_on_the_first_screen(folder: Path, tmp_path: Path) -> None:
    """What the looks through the films, the detections and the tracks found, each once."""
    trajectory = h5md.read(folder / "trajectory.h5")
    noted = {**trajectory.attributes, "noticed": ["only a part counts."], "warnings": ["is noisy."]}
    h5md.write(tmp_path / "trajectory.h5", trajectory._replace(attributes=noted))
    for name, said in (("survey", "frame 3 is flat."), ("tuning", "faint."), ("linking", "faint.")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"warnings": [said]}))
    assert provenance.noticed(Results(tmp_path)) == [
        "Frame 3 is flat.",
        "Faint.",
        "Only a part counts.",
        "Is noisy.",
    ]
