"""The page is complete, self-contained, safe and accessible, whatever the folder holds."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from pipeline.report import html, page, provenance
from pipeline.report.sections import SECTIONS
from pipeline.settings import Settings

EVIL = "<img src=x onerror=alert(1)>"
VOID = {"meta", "link", "img", "br", "hr", "input", "source"}


class Page(HTMLParser):
    """Every start tag with its attributes, the text, and tags left open or closed too often."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.open, self.wrong = "", [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def loads(parsed: Page) -> list[str]:
    """Addresses that a browser would fetch by itself; plain links are not among them."""
    found = []
    for tag, attributes in parsed.tags:
        for key in ("src", "href", "xlink:href", "poster", "data", "srcset"):
            value = attributes.get(key, "")
            if value and tag != "a" and not value.startswith(("data:", "#")):
                found.append(f"{tag} {key}={value[:60]}")
    return found


def test_an_empty_folder_gives_sentences(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    page.write(tmp_path / "r.html", tmp_path / "empty", Settings(), provenance.collect({}))
    parsed = Page((tmp_path / "r.html").read_text())
    ids = {attributes.get("id") for _, attributes in parsed.tags}
    assert {"verdict", "methods", "provenance"} <= ids
    assert {section.id for section in SECTIONS if not section.optional} <= ids
    assert "truth" not in ids
    assert parsed.text.count("Cannot be said") == 6
    assert "The file trajectory.h5 is missing from the results" in parsed.text
    assert not parsed.open
    assert not parsed.wrong
    assert not loads(parsed)


def test_names_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / EVIL
    folder.mkdir()
    why = f'{{"parameters": {{"diameter": {{"value": "{EVIL}", "why": "{EVIL}"}}}}}}'
    (folder / "tuning.json").write_text(why)
    video = tmp_path / f"{EVIL}.tif"
    video.write_bytes(b"video")
    settings = Settings(models_of=f"</pre>{EVIL}")
    page.write(
        tmp_path / "r.html",
        folder,
        settings,
        provenance.collect({str(video): "0" * 64}, command=EVIL),
    )
    text = (tmp_path / "r.html").read_text()
    parsed = Page(text)
    assert EVIL not in text
    assert not parsed.all("img")
    assert parsed.text.count(EVIL) >= 5


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "trajectory.h5").write_bytes(b"not HDF5")
    (tmp_path / "linking.json").write_text("{")
    text = Page(page.render(page.content(tmp_path, Settings(), {}))).text
    assert "The file trajectory.h5 could not be read" in text
    assert "The file linking.json could not be read" in text


def test_too_large_a_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "LIMIT", 1000)
    with pytest.raises(ValueError, match="must stay under"):
        page.write(tmp_path / "r.html", tmp_path, {}, {})
    assert not (tmp_path / "r.html").exists()


@pytest.mark.slow
def test_the_whole_page(report: Path) -> None:
    text = report.read_text()
    parsed = Page(text)
    assert report.stat().st_size < 15e6
    assert not parsed.open
    assert not parsed.wrong
    assert not loads(parsed)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), "ids must be unique, or figures borrow each other's clips"
    assert {section.id for section in SECTIONS if not section.optional} | {"truth"} <= set(ids)
    used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text))
    assert used <= set(ids)


@pytest.mark.slow
def test_every_figure_is_described_and_can_be_downloaded(report: Path) -> None:
    figures = re.findall(r"<figure id=.*?</figure>", report.read_text(), re.DOTALL)
    assert len(figures) >= 21
    for text in figures:
        parsed = Page(text)
        told = [a["aria-label"] for _, a in parsed.tags if "aria-label" in a]
        assert len(told[0]) > 20
        kinds = {a["download"].split(".")[-1]: a["href"] for a in parsed.all("a")}
        assert "csv" in kinds
        assert parsed.all("button"), "SVG or MP4, from what the page shows"
        assert "pdf" in kinds or parsed.all("video")
        table = base64.b64decode(kinds["csv"].split(",", 1)[1]).decode()
        assert table.count("\n") > 2
        if "pdf" in kinds:
            assert base64.b64decode(kinds["pdf"].split(",", 1)[1]).startswith(b"%PDF")


@pytest.mark.slow
def test_the_numbers_in_a_download_are_those_of_the_file(report: Path, folder: Path) -> None:
    text = report.read_text()
    held = re.search(r'download="comparison.csv" href="data:text/csv;base64,([^"]+)"', text)
    assert held
    lines = base64.b64decode(held[1]).decode().splitlines()
    assert len(lines) - 1 == len(pd.read_csv(folder / "comparison.csv"))
