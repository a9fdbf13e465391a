"""Snakemake, as a user calls it: in a folder of its own, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
SNAKEFILE = str(HOME / "Snakefile")
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, snakemake: Snakemake) -> Path:
    """results/tiny, complete; tests must not write to it."""
    folder = tmp_path_factory.mktemp("workflow")
    run = snakemake(folder, "--cores", "2", "results/tiny/report.html")
    assert run.returncode == 0, run.stderr[-4000:]
    return folder / "results" / "tiny"
