"""The report: one HTML file that opens offline, made from the files of one data set."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from pipeline.report import methods, sections, style, tables, verdict
from pipeline.report.figure import Embedded, Figure, embed
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table

HERE = Path(__file__).parent
LIMIT = 15e6  # bytes of the finished page


class Item(NamedTuple):
    """One thing in a section: kind is "figure", "table", "movie", "text" or "absent"."""

    kind: str
    value: Any
    subject: str


def _item(make: Callable[[Results], Any], subject: str, results: Results) -> Item:
    """What `make` returns, ready for the template, or the sentence saying why it cannot."""
    try:
        made = make(results)
    except Absent as absent:
        return Item("absent", str(absent), subject)
    if isinstance(made, Figure):
        return Item("figure", embed(made), subject)
    if isinstance(made, Table):
        return Item("table", made, subject)
    return Item("text" if isinstance(made, str) else "movie", made, subject)


def _build(results: Results) -> list[dict[str, Any]]:
    built = []
    for section in sections.SECTIONS:
        items = [_item(make, subject, results) for subject, make in section.parts]
        if section.optional and all(item.kind == "absent" for item in items):
            continue
        built.append(
            {"id": section.id, "title": section.title, "lead": section.lead, "items": items}
        )
    return built


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = _drawing
    return environment


def _drawing(figure: Embedded) -> Markup:
    """matplotlib escapes the text it sets, so its SVG may stand in the page as it is."""
    return Markup(figure.svg)


def write(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    settings: dict[str, Any],
    provenance: dict[str, Any],
) -> None:
    """Write the report of the data set in `folder` to `path`.

    Args:
        path: the HTML file; it appears whole or not at all.
        folder: results/<name>/ with the files of the pipeline; what is missing becomes a sentence.
        settings: the resolved configuration; `models` (list) chooses and orders the models.
        provenance: what `provenance.collect` returned.

    Raises:
        ValueError: if the page would exceed 15 MB.
    """
    results = Results(folder, settings.get("models"))
    script = (HERE / "script.js").read_text()
    with style.context():
        built = _build(results)
    text = (
        _environment()
        .get_template("template.html")
        .render(
            name=Path(folder).resolve().name,
            today=date.today().isoformat(),
            headline=tables.headline(results),
            synthetic=tables.synthetic(results),
            lights=verdict.lights(results),
            sections=built,
            paragraphs=methods.paragraphs(results, settings),
            citations=methods.CITATIONS,
            provenance=tables.provenance(provenance),
            style=Markup((HERE / "style.css").read_text()),
            script=Markup(script),
            fingerprint=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    content = text.encode()
    if len(content) > LIMIT:
        raise ValueError(
            f"The report would be {len(content) / 1e6:.1f} MB and must stay under "
            f"{LIMIT / 1e6:.0f} MB: compare fewer models in one report (settings: models)."
        )
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
