"""The page on the settings of the detection, made before anything is tracked or trained."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.report import html, reasons, style
from pipeline.report.figure import Embedded, embed, inline_svg
from pipeline.report.figures import trials as drawn
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.words import number
from pipeline.video.frames import stretched
from pipeline.video.trials import Trial, Trials


class Cell(NamedTuple):
    """A trial as the page shows it; `line` is what goes into the config."""

    title: str
    svg: str
    told: str
    line: str
    used: bool


def write(path: str | os.PathLike[str], folder: str | os.PathLike[str], tried: Trials) -> None:
    """Write the tuning page.

    Args:
        path: the HTML file; it appears whole or not at all.
        folder: results/<name>/ with tuning.json.
        tried: what `pipeline.video.trials.trials` returned.
    """
    results = Results(folder)
    parameters = {
        name: entry["value"] for name, entry in results.json("tuning.json")["parameters"].items()
    }
    shown, part = stretched(tried.image), drawn.window(tried)
    name = Path(folder).resolve().name
    with style.context():

        def cell(key: str, trial: Trial) -> Cell:
            settings = {**parameters, **trial.changes}
            figure = drawn.cell(key, shown, trial, float(settings["diameter"]), part)
            chosen = trial.changes or {key: parameters[key] for key in ("diameter", "minmass")}
            title = ", ".join(f"{key} {number(value)}" for key, value in chosen.items())
            svg = inline_svg(figure.drawing, key)
            return Cell(title, svg, drawn.told(trial), _lines(chosen), not trial.changes)

        grid = [
            cell(f"grid-{i}-{j}", trial)
            for i, row in enumerate(tried.grid)
            for j, trial in enumerate(row)
        ]
        others = [cell(f"other-{k}", trial) for k, trial in enumerate(tried.others)]
        whole = embed(drawn.whole(shown, tried, float(parameters["diameter"]), part))
        text = html.render(
            "tuning.html",
            title=f"{name} – detection settings",
            start="trials",
            name=name,
            count=len(tried.used.found),
            frame=tried.frame,
            given=_given(results),
            warnings=_warnings(results),
            grid=grid,
            others=others,
            whole=whole,
            evidence=_evidence(results),
            parameters=reasons.parameters(results),
        )
    html.save(path, text)


def _lines(settings: dict[str, Any]) -> str:
    """The line of a config file that gives these settings."""
    inner = ", ".join(
        f"{key}: {value if isinstance(value, str) else format(value, '.6g')}"
        for key, value in settings.items()
    )
    return f"detect: {{{inner}}}"


def _given(results: Results) -> list[str]:
    """Names of the settings that were not estimated."""
    found = results.json("tuning.json")["parameters"]
    return [name for name, entry in found.items() if entry["source"] != "estimated"]


def _warnings(results: Results) -> list[str]:
    return [text[:1].upper() + text[1:] for text in results.json("tuning.json")["warnings"]]


def _evidence(results: Results) -> Embedded | None:
    try:
        return embed(drawn.evidence(results))
    except Absent:
        return None
