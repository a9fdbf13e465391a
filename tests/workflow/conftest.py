"""Snakemake, as a user calls it: in a folder of its own, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

HOME = Path(__file__).resolve().parents[2]
SNAKEFILE = str(HOME / "Snakefile")
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# Seconds a stage, most of which are its libraries; every stage is walked.
SMALL: dict[str, Any] = yaml.safe_load("""
models: [metriplectic, dpd]
video: {mpp: 0.68, fps: 80}
simulate: {kind: monolayer, width: 24.0, height: 20.0, frames: 50, period: 60, preparation: 0,
           view: [210, 210]}
train: {steps: 40, validate_every: 10, rollout_steps: 4, optimizer: adam, max_minutes: null}
""")
Snakemake = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def snakemake() -> Snakemake:
    """``snakemake(folder, *arguments)``: runs to its end, whatever that is, and keeps its words."""

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--snakefile", SNAKEFILE, *arguments],
            cwd=folder,
            env={**os.environ, "PATH": PATH},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def small(place: Path, **further: Any) -> Path:
    """A working directory with the settings of a very small data set, some of them others."""
    (place / "config").mkdir(parents=True, exist_ok=True)
    (place / "config" / "small.yaml").write_text(yaml.safe_dump(SMALL | further))
    return place


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, snakemake: Snakemake) -> Path:
    """results/small, complete; tests must not write to it."""
    folder = small(tmp_path_factory.mktemp("workflow"))
    run = snakemake(folder, "--cores", "2", "results/small/report.html")
    assert run.returncode == 0, run.stderr[-4000:]
    return folder / "results" / "small"
