"""The list of reports: made from the records beside them, the newest first."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.report import index
from pipeline.report.verdict import Light
from tests.report.browser import complaints, opened, outside
from tests.report.test_page import EVIL

LIGHTS = [Light("Is it sound?", "good", "It is.", "."), Light("Is it true?", "poor", "No.", ".")]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three reports; the page of the last is gone."""
    for hour, name in enumerate(("old", "new", "gone")):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        report = folder / "report.html"
        report.write_text("<title>a report</title>")
        facts = {"name": name, "headline": f"9 frames of {EVIL}.", "summary": "One of two."}
        command = index.command(Path("results") / name / "report.html")
        index.record(
            report, LIGHTS, **facts, simulated=name == "old", models=["DPD"], command=command
        )
        record = folder / "report.json"
        written = json.loads(record.read_text()) | {"written": f"2026-11-22T1{hour}:00:00+00:00"}
        record.write_text(json.dumps(written))
    (tmp_path / "results" / "gone" / "report.html").unlink()
    index.write(tmp_path / "results" / "index.html", (tmp_path / "results").glob("*/report.json"))
    return tmp_path / "results"


def test_every_report_is_listed_with_its_verdict(results: Path) -> None:
    text = (results / "index.html").read_text()
    assert text.index('href="new/report.html"') < text.index('href="old/report.html"')
    assert "gone" not in text
    assert text.count("Is it sound?") == 2
    assert text.count('class="word">No<') == 2
    assert "snakemake --cores all results/new/report.html" in text
    assert "Written 2026-11-22 11:00" in text
    assert text.count("Simulated.") == 1
    assert EVIL not in text


def test_links_lead_to_the_reports(results: Path) -> None:
    for name in ("old", "new"):
        assert (results / name / "report.html").is_file()


def test_no_report_gives_an_empty_list(tmp_path: Path) -> None:
    index.write(tmp_path / "index.html", [])
    assert "None was made here yet." in (tmp_path / "index.html").read_text()
    assert os.listdir(tmp_path) == ["index.html"]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 400])
def test_it_opens_in_a_browser(browser: Browser, results: Path, width: int) -> None:
    path = results / "index.html"
    with opened(browser, path, width) as (page, said, asked):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not said
        assert not outside(asked, path)
        assert not complaints(page)
        page.get_by_role("link", name="old").click()
        assert page.title() == "a report"


NEIGHBOURS = {
    "garbage": b"\x00\xff garbage",
    "empty": b"",
    "cut": b'{"name": "A", "head',
    "a list": b"[1, 2]",
    "a number": b"3",
    "no facts": b"{}",
    "longer than any": b" " * 2_000_000,
    "letters that are none": None,
    "deep": b"[" * 100_000,
    "lights that are none": b'{"lights": 3}',
    "older": json.dumps({"name": "A", "written": "2024-01-01T00:00:00"}).encode(),
    "no date": None,
    "numbers for words": None,
    "newer": None,
}


@pytest.mark.parametrize("content", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_a_bad_neighbour_does_not_stop_the_list(results: Path, request, content) -> None:
    """Of a record that cannot be read there is the link; all others are listed as they were."""
    record = results / "old" / "report.json"
    facts = json.loads(record.read_text())
    changes = {
        "no date": {"written": "yesterday"},
        "numbers for words": {"headline": 3},
        "letters that are none": {"headline": "\ud800"},
        "newer": {"invented": {"later": 1}},
    }
    changed = json.dumps(facts | changes.get(request.node.callspec.id, {})).encode()
    record.write_bytes(changed if content is None else content)
    page = results / "index.html"
    index.write(page, results.glob("*/report.json"))
    text = page.read_text()
    assert 'href="old/report.html"' in text
    assert 'href="new/report.html"' in text
    understood = request.node.callspec.id in ("newer", "letters that are none")
    assert ("cannot be read" in text) != understood


def test_a_record_that_is_no_file(results: Path) -> None:
    for name in ("old", "new"):
        (results / name / "report.json").unlink()
    (results / "old" / "report.json").mkdir()
    (results / "new" / "report.json").symlink_to("nowhere")
    index.write(results / "index.html", [results / name / "report.json" for name in ("old", "new")])
    assert (results / "index.html").read_text().count("cannot be read") == 2
    (results / "new" / "report.json").unlink()
    os.mkfifo(results / "new" / "report.json")  # nobody will ever write into it
    index.write(results / "index.html", [results / "new" / "report.json"])
    assert (results / "index.html").read_text().count("cannot be read") == 1
