"""The list of all reports: each leaves a record beside it, and the list is made from those."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.files import whole
from pipeline.report import html

if TYPE_CHECKING:  # the list itself needs no figures, and is made within snakemake
    from pipeline.report.verdict import Light


LONGEST = 1_000_000  # bytes of a record


class Entry(NamedTuple):
    """A report in the list; `link` leads from the list to the report, `lights` as recorded."""

    name: str
    link: str
    headline: str = ""
    simulated: bool = False
    summary: str = ""
    lights: list[dict[str, str]] = []  # noqa: RUF012  (a NamedTuple's default is never changed)
    models: list[str] = []  # noqa: RUF012
    written: str = ""
    command: str = ""


def record(report: str | os.PathLike[str], lights: list[Light], **facts: Any) -> None:
    """Write the record of a report beside it, under its name with the suffix .json.

    Args:
        report: the page that was written.
        lights: its verdict.
        facts: name, headline, simulated, summary, models and command, as `Entry` has them.
    """
    kept = [{"question": a.question, "state": a.state, "word": a.word} for a in lights]
    written = datetime.now().astimezone().isoformat(timespec="seconds")
    with whole(Path(report).with_suffix(".json")) as partial:
        partial.write_text(json.dumps({**facts, "lights": kept, "written": written}, indent=1))


def write(path: str | os.PathLike[str], records: Iterable[str | os.PathLike[str]]) -> None:
    """Write the list of the reports whose records are given, the newest first.

    Args:
        path: the HTML file; it appears whole or not at all.
        records: files that `record` wrote, this version or another; those whose report is gone are
            left out, and of one that cannot be read there is the link alone.
    """
    home = Path(path).parent
    found = [_entry(Path(one), home) for one in records if Path(one).with_suffix(".html").is_file()]
    found.sort(key=lambda entry: entry.written, reverse=True)
    text = html.render("index.html", title="metriplex reports", start="reports", entries=found)
    html.save(path, text)


def _entry(path: Path, home: Path) -> Entry:
    """What a record says, as far as it can be understood: it may be anybody's file."""
    link = path.with_suffix(".html").relative_to(home).as_posix()
    try:
        if not path.is_file() or path.stat().st_size > LONGEST:
            raise ValueError("no record of a report")
        facts = json.loads(path.read_bytes())
        date = datetime.fromisoformat(facts["written"]).strftime("%Y-%m-%d %H:%M")
        kept = {key: facts[key] for key in ("name", "headline", "summary", "command")}
        if not all(isinstance(text, str) for text in kept.values()):
            raise TypeError("a text is no text")
        lights = [
            {key: str(light[key]) for key in ("question", "state", "word")}
            for light in facts["lights"]
        ]
        models = [str(model) for model in facts["models"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        told = f"Its record, {path.name}, cannot be read: make the report again."
        return Entry(path.parent.name, link, told)
    simulated = facts.get("simulated") is True
    return Entry(**kept, link=link, written=date, lights=lights, models=models, simulated=simulated)


def command(report: str | os.PathLike[str]) -> str:
    """What makes a report again."""
    return f"snakemake --cores all {shlex.quote(os.fspath(report))}"
