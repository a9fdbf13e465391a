"""A page in Debian's Chromium, with everything it says and asks for written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# What a reader can reach with the tabulator key.
REACHABLE = "a[href], button:not([hidden]), summary, video[controls], [tabindex='0']"


class Opened(NamedTuple):
    """A page; `said`: console messages and uncaught errors; `asked`: addresses not in the file."""

    page: Page
    said: list[str]
    asked: list[str]


@contextmanager
def opened(browser: Browser, path: Path, width: int) -> Iterator[Opened]:
    """The file at `path` in a window `width` pixels wide."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri(), wait_until="load")
    yield Opened(page, said, asked)
    context.close()


def outside(asked: list[str], path: Path) -> list[str]:
    """Requests for anything but the page itself and what it carries."""
    return [url for url in asked if url != path.as_uri() and not url.startswith("data:")]


def complaints(page: Page) -> list[str]:
    """What axe-core finds wrong for screen readers, keyboards and weak eyes."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:120]}" for v in found]
