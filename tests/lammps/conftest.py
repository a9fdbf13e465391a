from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lammps.build import build


@pytest.fixture(scope="session")
def plugin(request: pytest.FixtureRequest) -> Path:
    """The plugin, compiled once for all tests, and once for all runs as long as it is the same."""
    return build(request.config.cache.mkdir("plugin"))
