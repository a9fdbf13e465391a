"""The report: one HTML file that opens offline, made from the files of one data set."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from pipeline.report import claims, html, index, sections, style, verdict
from pipeline.report.figure import Embedded, Figure, embed, standalone
from pipeline.report.figures.training import history
from pipeline.report.html import number
from pipeline.report.methods import methods
from pipeline.report.movie import Movie
from pipeline.report.provenance import noticed
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table
from pipeline.schema import plain
from pipeline.settings import Settings


class Block(NamedTuple):
    """A titled list of facts; each row is a name and one or more values."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def headline(results: Results) -> str:
    """One line on what the data is."""
    try:
        trajectory = results.trajectory()
    except Absent as absent:
        return str(absent)
    attributes = trajectory.attributes
    runs = len(np.unique(trajectory.run))
    kind = "video" if results.tracked else "file" if "files" in attributes else "simulation"
    kind = "table" if "tables" in attributes else kind
    videos = f"one {kind}" if runs == 1 else f"{runs} {kind}s"
    seen = trajectory.present.any(axis=1)  # the first snapshot may have no velocities
    count = trajectory.present[seen].sum(axis=1).mean()
    apart = f"{number(trajectory.dt)} {results.unit('time')} apart".replace("1 frames apart", "")
    parts = [f"{len(trajectory.time)} frames from {videos}", apart, f"{count:.0f} particles each"]
    text = ", ".join(part for part in parts if part) + "."
    if attributes["length_unit"] == "px":
        text += " No physical scale was given (settings: video.mpp), so lengths are in pixels."
    if attributes["time_unit"] == "frame":
        text += " No frame rate was given (settings: video.fps), so times are in frames."
    return text


def synthetic(results: Results) -> str:
    """The banner's sentence for simulated data, else ""."""
    try:
        if not results.trajectory().attributes.get("synthetic"):
            return ""
    except Absent:
        return ""
    if not (results.folder / "tracks.parquet").is_file():
        return (
            "There is no video and no tracking: these are the exact trajectories of a simulation, "
            "and where the page says “experiment” it means that simulation."
        )
    return (
        "This video was not recorded. Particles with known forces were simulated and rendered to a "
        "noisy video, which was then treated as a real one would be. Nothing here is a statement "
        "about a real sample; where the page says “experiment” it means this video."
    )


def provenance_blocks(found: dict[str, Any], results: Results) -> list[Block]:
    """The dictionary of provenance.collect as titled lists, and the time per training step."""
    return listed(found, _steps(results))


def listed(found: dict[str, Any], more: list[list[str]] | None = None) -> list[Block]:
    """The dictionary of provenance.collect as titled lists, with ``more`` facts in the first."""
    facts: list[list[str]] = []
    blocks = []
    for key, value in found.items():
        title = key[0].upper() + key[1:].replace("_", " ")
        if isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()) and value:
            names = list(dict.fromkeys(name for v in value.values() for name in v))
            rows = [[str(k), *(number(v.get(n)) for n in names)] for k, v in value.items()]
            blocks.append(Block(title, ["", *(n.replace("_", " ") for n in names)], rows))
        elif isinstance(value, dict):
            rows = [[str(name), number(v)] for name, v in value.items()]
            blocks.append(Block(title, [], rows or [["–", "none recorded"]]))
        else:
            facts.append([title, number(value)])
    facts += more or []
    return ([Block("Run", [], facts)] if facts else []) + blocks


def _steps(results: Results) -> list[list[str]]:
    """CPU time of one training step of each model."""
    rows = []
    for run in results.runs:
        try:
            table = history(results, run)
        except Absent:
            continue
        steps = table["step"].iloc[-1] - table["step"].iloc[0]
        if "seconds" in table and steps > 0:
            spent = float(table["seconds"].iloc[-1] - table["seconds"].iloc[0]) / steps
            name = f"{style.name(run.model)}, seed {run.seed}"
            rows.append([f"Training step, {name}", f"{number(1000 * spent)} ms"])
    return rows


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
    settings: Settings,
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
        InputError: if the page would exceed 15 MB.
    """
    publish(path, content(folder, settings, provenance), provenance, figures)


def content(
    folder: str | os.PathLike[str], settings: Settings, provenance: dict[str, Any]
) -> dict[str, Any]:
    """What the template shows; arguments as of `write`."""
    results = Results(folder, settings)
    lights = verdict.lights(results)
    return {
        "name": Path(folder).resolve().name,
        "headline": headline(results),
        "synthetic": synthetic(results),
        "tuned": (Path(folder) / "tuning.html").is_file(),
        "lights": lights,
        "circumstances": claims.circumstances(results),
        "unsupported": claims.unsupported(results),
        "noticed": noticed(results),
        "summary": verdict.summary(lights),
        "sections": build(sections.of(results), results),
        "methods": methods(results),
        "settings": plain(settings),
        "provenance": provenance_blocks(provenance, results),
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
