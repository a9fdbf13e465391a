"""The pages build without a warning and need nothing from a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.debian import program
from tests.report.browser import FLAGS, opened

HOME = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(folder / "cache"),
    ]
    done = subprocess.run(
        [*command, str(HOME / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "html"


def test_pages_ask_for_nothing_outside(pages: Path) -> None:
    chromium = program("chromium", "chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for path in sorted(pages.rglob("*.html")):
            with opened(browser, path, 400) as (page, said, asked):
                assert not said, path.name
                assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
                assert page.evaluate("document.documentElement.scrollWidth") <= 400, path.name
        browser.close()


def test_equations_are_drawn(pages: Path) -> None:
    text = (pages / "explanation" / "physics.html").read_text()
    assert text.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">') >= 15
    assert 'href="#equation-noise"' in text
