from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lammps.build import build


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, compiled once for all tests."""
    return build(tmp_path_factory.mktemp("plugin"))
