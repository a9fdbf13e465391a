from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import compiler
from pipeline.lammps.build import build


@pytest.fixture(scope="session")
def plugin() -> Path:
    """The plugin, compiled once for all tests, and once for all runs as long as it is the same."""
    return build(compiler.cache())
