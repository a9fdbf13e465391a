"""The page of tried settings: its lines are settings, and it opens as the report does."""

from __future__ import annotations

import importlib.util
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser

from pipeline.report import tuning
from pipeline.video.trials import Trial, Trials
from tests.report.browser import complaints, opened, outside

HOME = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("settings", HOME / "workflow" / "settings.py")
settings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(settings)


def tried() -> Trials:
    random = np.random.default_rng(0)
    found = random.uniform(5, 95, (40, 2))
    used = Trial({}, found, np.zeros(40, bool), np.zeros((0, 2)))
    other = Trial({"diameter": 11, "minmass": 1350.0}, found[:30], np.arange(30) < 3, found[30:])
    image = random.normal(100, 20, (100, 120))
    dark = other._replace(changes={"polarity": "dark"})
    grid = [[other] * 3, [other, used, other], [other] * 3]
    return Trials(image, 7, 0, used, grid, [dark] * 3, [(0, 41), (7, 40)])


@pytest.fixture(scope="module")
def path(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tuning") / "tuning.html"
    parameters = (folder / "tuning.json").read_text()
    copy = made.parent / "walk"
    copy.mkdir()
    for name, value in (("minmass", 900), ("separation", 6.4)):
        entry = f'"{name}": {{"value": {value}, "source": "estimated", "why": "."}}, '
        parameters = parameters.replace('"diameter"', entry + '"diameter"', 1)
    (copy / "tuning.json").write_text(parameters)
    tuning.write(made, copy, tried())
    return made


def test_every_line_is_a_setting(path: Path) -> None:
    lines = re.findall(r"<code>(detect: .*?)</code>", path.read_text())
    assert len(lines) == 12
    for line in lines:
        given = yaml.safe_load(unescape(line))
        chosen = settings.settings("colloids", given)
        assert given["detect"].items() <= chosen["detect"].items()


def test_one_picture_is_marked(path: Path) -> None:
    text = path.read_text()
    assert text.count("in use</span>") == 1
    assert re.search(r"diameter 9, minmass 900 <span", text)
    assert "30 particles found: 3 new, 10 lost." in text
    assert "41 in frame 0, 40 in frame 7" in text
    assert "The spots nearly touch." in text


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 400])
def test_it_opens_in_a_browser(browser: Browser, path: Path, width: int) -> None:
    with opened(browser, path, width) as (page, said, asked):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("button", name="Copy detect: {polarity: dark}").first.click()
        page.get_by_role("button", name="Copy detect: {polarity: dark}").first.focus()
        assert page.evaluate("getSelection().toString()") == "detect: {polarity: dark}"
        assert not said
        assert not outside(asked, path)
        assert not complaints(page)
