"""The report: one HTML file that opens offline, made from the files of one data set."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pipeline.report import claims, head, html, index, sections, style, verdict
from pipeline.report.figure import Embedded, Figure, embed, standalone
from pipeline.report.methods import methods
from pipeline.report.movie import Movie
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.tables import Table

KINDS = {Embedded: "figure", Table: "table", Movie: "movie", list: "list", str: "text"}


class Item(NamedTuple):
    """One thing in a section: kind is a value of KINDS, or "absent" with the reason."""

    kind: str
    value: Any
    subject: str
    wide: bool


def write(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    figures: str | os.PathLike[str] | None = None,
) -> None:
    """Write the report of the data set in `folder` to `path`, and its record beside it.

    Args:
        path: the HTML file; it appears whole or not at all.
        folder: results/<name>/ with the files of the pipeline; what is missing becomes a sentence.
        settings: the resolved configuration; `models` (list) chooses and orders the models.
        provenance: what `provenance.collect` returned.
        figures: folder for every figure as a file of its own; None writes none.

    Raises:
        ValueError: if the page would exceed 15 MB.
    """
    publish(path, content(folder, settings, provenance), provenance, figures)


def content(
    folder: str | os.PathLike[str], settings: dict[str, Any], provenance: dict[str, Any]
) -> dict[str, Any]:
    """What the template shows; arguments as of `write`."""
    results = Results(folder, settings)
    lights = verdict.lights(results)
    return {
        "name": Path(folder).resolve().name,
        "headline": head.headline(results),
        "synthetic": head.synthetic(results),
        "tuned": (Path(folder) / "tuning.html").is_file(),
        "lights": lights,
        "unsupported": claims.unsupported(results),
        "summary": verdict.summary(lights),
        "sections": build(sections.of(results), results),
        "methods": methods(results),
        "settings": settings,
        "provenance": head.provenance(provenance, results),
        "models": list(dict.fromkeys(style.name(run.model) for run in results.runs)),
    }


def publish(
    path: str | os.PathLike[str],
    shown: dict[str, Any],
    provenance: dict[str, Any],
    figures: str | os.PathLike[str] | None = None,
) -> None:
    """Write a page from its `content`, its record for the list of reports, and its figures."""
    html.save(path, render(shown))
    if figures is not None:
        Path(figures).mkdir(parents=True, exist_ok=True)
        for section in shown["sections"]:
            for item in section["items"]:
                if item.kind == "figure":
                    (Path(figures) / f"{item.value.name}.svg").write_text(standalone(item.value))
    index.record(
        path,
        shown["lights"],
        **{key: shown[key] for key in ("name", "headline", "summary", "models")},
        simulated=bool(shown["synthetic"]),
        command=str(provenance.get("command", "")),
    )


def render(shown: dict[str, Any]) -> str:
    """The page as text."""
    return html.render(
        "report.html",
        **{
            **shown,
            "title": f"{shown['name']} – metriplex report",
            "start": "verdict",
            "today": date.today().isoformat(),
            "settings": yaml.safe_dump(shown["settings"], sort_keys=False, allow_unicode=True),
        },
    )


def build(wanted: list[sections.Section], results: Any) -> list[dict[str, Any]]:
    """The sections ready for the template; their functions are called with ``results``."""
    with style.context():
        return [part for section in wanted if (part := _build(section, results))]


def _build(section: sections.Section, results: Any) -> dict[str, Any] | None:
    """A section for the template; None for an optional one of which nothing exists."""
    items: list[Item] = []
    for subject, make in section.parts:
        item = _item(make, subject, results)
        if items and (items[-1].kind, items[-1].value) == ("absent", item.value):
            item = item._replace(subject=f"{items.pop().subject}, {subject}")
        items.append(item)
    if section.optional and all(item.kind == "absent" for item in items):
        return None
    return section._asdict() | {"items": items}


def _item(make: Callable[[Any], Any], subject: str, results: Any) -> Item:
    """What `make` returns, ready for the template, or the sentence saying why it cannot."""
    try:
        made = make(results)
    except Absent as absent:
        return Item("absent", str(absent), subject, False)
    if isinstance(made, Figure):
        made = embed(made)
    wide = made.wide if isinstance(made, Embedded) else isinstance(made, (Table, Movie))
    return Item(KINDS[type(made)], made, subject, wide)
