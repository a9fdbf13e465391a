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
    path = program("chromium", "chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        for name in ("index.html", "explanation/physics.html", "reference/settings.html"):
            with opened(browser, pages / name, 1200) as (page, said, asked):
                page.wait_for_timeout(300)
                assert not said
                assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
                assert page.evaluate("document.documentElement.scrollWidth") <= 1200
            if "physics" in name:
                assert_equations_are_drawn(pages / name)
        browser.close()


def assert_equations_are_drawn(path: Path) -> None:
    text = path.read_text()
    assert text.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">') >= 15
    assert 'href="#equation-noise"' in text
