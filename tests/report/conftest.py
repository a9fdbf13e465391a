from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report import page, provenance
from tests.report import fixture

SETTINGS = {"models": ["metriplectic", "gns_sde"], "split": {"train": 0.375, "validation": 0.125}}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a random walk, complete; tests must not write to it."""
    return fixture.results(tmp_path_factory.mktemp("results") / "walk")


@pytest.fixture(scope="session")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole page about it: some 15 s, for slow tests only."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    page.write(path, folder, SETTINGS, provenance.collect([folder / "tracks.parquet"]))
    return path
