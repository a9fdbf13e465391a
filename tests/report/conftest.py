from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.report import page, provenance
from pipeline.settings import Settings
from tests.debian import program
from tests.report import fixture
from tests.report.browser import FLAGS

SETTINGS = Settings(models=("metriplectic", "gns_sde"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a random walk, complete; tests must not write to it."""
    return fixture.results(tmp_path_factory.mktemp("results") / "walk")


@pytest.fixture(scope="session")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole page about it: some 15 s, for slow tests only."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    page.write(path, folder, SETTINGS, provenance.collect({"tracks.parquet": "0" * 64}))
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    path = program("chromium", "chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()
