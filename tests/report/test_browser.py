"""The report in a real browser: nothing fails, nothing is fetched, everyone can read it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.report.browser import REACHABLE, complaints, opened, outside

pytestmark = pytest.mark.slow
A4 = 794, 1123  # CSS pixels
EDGE = 53  # of the paper, style.css: 14 mm
PLAYED = """video => new Promise(done => {
    setTimeout(() => done(false), 20000);
    video.ontimeupdate = () => video.currentTime > 0.3 && done(true);
    video.play();
})"""


@pytest.mark.parametrize("width", [1400, 400])
def test_it_opens_in_silence_and_alone(browser: Browser, report: Path, width: int) -> None:
    with opened(browser, report, width) as (page, said, asked):
        page.wait_for_timeout(300)
        assert not said
        assert not outside(asked, report)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1400, 400])
def test_every_figure_is_seen(browser: Browser, report: Path, width: int) -> None:
    with opened(browser, report, width) as (page, _, _):
        # On a narrow screen the panels of a drawing stand below one another.
        seen = ".drawing > svg:first-child" if width > 640 else ".part, .drawing:not(.parted) > svg"
        drawings = page.locator(f"figure :is({seen}), figure video, figure table")
        assert drawings.count() >= 25
        for k in range(drawings.count()):
            box = drawings.nth(k).bounding_box()
            assert drawings.nth(k).is_visible()
            assert box
            assert box["width"] > min(300, 0.7 * width)
            assert box["height"] > 60
        # A drawing whose ids clash loses its clips and markers, and with them its lines.
        assert page.evaluate(
            """seen => [...document.querySelectorAll(seen)].filter(svg =>
                ![...svg.querySelectorAll('path, image, use')].some(part =>
                    part.getBoundingClientRect().width > 50)).length""",
            seen,
        ) == 0  # fmt: skip


def test_no_drawing_scrolls_sideways_on_a_narrow_screen(browser: Browser, report: Path) -> None:
    with opened(browser, report, 400) as (page, _, _):
        assert page.locator(".part:visible").count() > 20
        assert page.locator(".drawing.cut").count() == 0
    with opened(browser, report, 1400) as (page, _, _):
        assert page.locator(".part:visible").count() == 0


def test_the_movie_plays(browser: Browser, report: Path) -> None:
    with opened(browser, report, 1400) as (page, said, _):
        movie = page.locator("video")
        movie.scroll_into_view_if_needed()
        assert movie.evaluate(PLAYED)
        assert movie.evaluate("video => video.videoWidth") > 400
        assert not said


def test_toggles_and_downloads_work(browser: Browser, report: Path) -> None:
    with opened(browser, report, 1400) as (page, _, _):
        for toggle in page.locator("summary").all():
            content = toggle.locator("xpath=following-sibling::*").first
            assert not content.is_visible()
            toggle.focus()
            page.keyboard.press("Enter")
            assert content.is_visible()
        kept = {}
        for name in ("rdf", "movie"):
            for what in page.locator(f"#figure-{name} .downloads > *").all():
                with page.expect_download() as waiting:
                    what.click()
                kept[waiting.value.suggested_filename] = Path(waiting.value.path()).read_bytes()
        assert set(kept) == {"rdf.csv", "rdf.svg", "rdf.pdf", "movie.csv", "movie.mp4"}
        assert kept["rdf.pdf"].startswith(b"%PDF")
        assert kept["rdf.svg"].startswith(b"<svg")
        assert kept["movie.mp4"][4:8] == b"ftyp"


@pytest.mark.parametrize("width", [1400, 400])
def test_axe_finds_nothing_wrong(browser: Browser, report: Path, width: int) -> None:
    with opened(browser, report, width) as (page, _, _):
        assert not complaints(page)


def test_the_keyboard_reaches_everything_in_order(browser: Browser, report: Path) -> None:
    with opened(browser, report, 1400) as (page, _, _):
        count = page.evaluate(
            """sought => [...document.querySelectorAll(sought)].map((part, k) => {
                part.dataset.order = k; return k; }).length""",
            REACHABLE,
        )
        reached = []
        for _ in range(count):
            page.keyboard.press("Tab")
            order, outline = page.evaluate(
                """() => [document.activeElement.dataset.order,
                    getComputedStyle(document.activeElement).outlineStyle]"""
            )
            if order is not None and int(order) not in reached:
                reached.append(int(order))
                assert outline != "none"
        assert reached == sorted(reached)
        assert len(reached) > 0.9 * count  # the film's own controls take some of the strokes


def test_it_prints_whole(browser: Browser, report: Path) -> None:
    with opened(browser, report, A4[0]) as (page, _, _):
        pdf = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
        assert 8 <= len(pdf.pages) <= 24
        text = [sheet.extract_text().strip() for sheet in pdf.pages]
        assert all(len(words) > 40 for words in text), "an empty sheet"
        assert "Provenance" in text[-1] + text[-2]
        # A drawing stays on one sheet, since it may not be broken and is smaller than one.
        page.emulate_media(media="print")
        page.set_viewport_size({"width": A4[0] - 2 * EDGE, "height": A4[1]})
        for figure in page.locator("figure:not(.table)").all():
            box = figure.bounding_box()
            assert box
            assert box["height"] <= A4[1] - 2 * EDGE
            assert box["x"] + box["width"] <= A4[0] - 2 * EDGE + 1
            assert figure.evaluate("figure => getComputedStyle(figure).breakInside") == "avoid"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= A4[0] - 2 * EDGE, "tables are cut at the edge of the paper"
