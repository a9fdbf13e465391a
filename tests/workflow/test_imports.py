"""Stages load what they use: seconds of libraries, many times in a run, are waited for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
HEAVY = {"trackpy", "dask", "distributed", "torch", "lightning", "matplotlib"}
FILMS = ("survey", "frames", "trajectory", "import_tracks", "graph")
NUMBERS = ("measure", "measure_rollout", "compare", "truth", "drag", "index")
SPOTS = ("tune", "trials", "detect", "link")


def loaded(scripts: tuple[str, ...]) -> set[str]:
    """The heavy libraries that are there when every import of some stages has been made."""
    found = [
        node
        for name in scripts
        for node in ast.parse((SCRIPTS / f"{name}.py").read_text()).body
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "__future__" not in ast.dump(node)
    ]
    code = "\n".join(map(ast.unparse, found)) + f"\nimport sys\nprint(*{HEAVY} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("scripts", "needed"),
    [
        (FILMS + NUMBERS, set()),
        (SPOTS, {"trackpy", "matplotlib"}),  # trackpy loads all of matplotlib
        (("report", "paper", "questions"), {"matplotlib"}),
    ],
)
def test_a_stage_loads_no_library_that_it_does_not_need(scripts, needed):
    assert loaded(scripts) == needed


def test_the_package_by_itself_loads_nothing():
    code = "import sys; before = {*sys.modules}; import pipeline; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"pipeline"}
