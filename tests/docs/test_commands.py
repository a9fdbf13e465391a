"""The commands of the pages work, typed one after the other into a fresh copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import blocks

HOME = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("blocks.py")
PAGES = [str(page.relative_to(HOME)) for page in sorted(HOME.glob("docs/**/*.md")) if blocks(page)]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a user clones, with a ./setup that runs commands in the environment of the tests.

    The film to practise on is half as long, which takes the same path in less time.
    """
    for name in ("workflow", "config", "profiles"):
        shutil.copytree(HOME / name, tmp_path / name)
    shutil.copy(HOME / "Snakefile", tmp_path)
    practice = tmp_path / "config" / "tiny.yaml"
    whole = practice.read_text()
    assert "frames: 120" in whole
    practice.write_text(whole.replace("frames: 120", "frames: 60"))
    script = tmp_path / "setup"
    script.write_text('#!/bin/sh\nexec "$@"\n')
    script.chmod(0o755)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(clone: Path, page: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(HOME / page)],
        cwd=clone,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(HOME), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
