"""Tables of the report, and the sentences at its head."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import table_uri
from pipeline.report.results import Absent, Results


class Table(NamedTuple):
    """A table as the template shows it; all cells are text."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    caption: str

    @property
    def csv(self) -> str:
        """Data URI of the table as CSV."""
        return table_uri(pd.DataFrame(self.rows, columns=self.columns))


class Block(NamedTuple):
    """A titled list of facts."""

    title: str
    rows: list[list[str]]


def number(value: Any) -> str:
    """A value as people write it: three significant digits, a dash where there is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, (float, np.floating)):
        if value == round(value) and abs(value) < 1e6:
            return f"{value:.0f}"
        text = f"{value:.3g}"
        return text.replace("e-0", "e-").replace("e+0", "e+").replace("-", "−")
    if isinstance(value, (list, tuple)):
        return ", ".join(number(part) for part in value)
    return str(value)


def headline(results: Results) -> str:
    """One line on what the data is."""
    try:
        trajectory = results.trajectory()
    except Absent as absent:
        return str(absent)
    runs = len(np.unique(trajectory.run))
    videos = "one video" if runs == 1 else f"{runs} videos"
    count = trajectory.present.sum(axis=1).mean()
    length, time = results.unit("length"), results.unit("time")
    scale = "" if length == "µm" else " No physical scale was given: lengths are in pixels."
    if trajectory.attributes["length_unit"] == "1":
        scale = " Lengths and times are in the simulation's own units."
    return (
        f"{len(trajectory.time)} frames from {videos}, {number(trajectory.dt)} "
        f"{time or 'units'} apart, with {count:.0f} particles a frame.{scale}"
    )


def synthetic(results: Results) -> str:
    """The banner's sentence for simulated data, else ""."""
    try:
        if not results.trajectory().attributes.get("synthetic"):
            return ""
    except Absent:
        return ""
    return (
        "This video was not recorded: a sheared monolayer was simulated with known forces and "
        "rendered to a noisy video, then treated as a real one would be. Nothing here is a "
        "statement about a real sample."
    )


def parameters(results: Results) -> Table:
    """Tracking parameters: value, estimated or from the config, and why."""
    found = results.json("tuning.json").get("parameters", {})
    if not found:
        raise Absent("The tuning stored no parameters.")
    rows = [
        [
            name,
            number(entry.get("value")),
            "estimated" if entry.get("source") == "estimated" else "from the config",
            str(entry.get("why", "")),
        ]
        for name, entry in found.items()
    ]
    return Table(
        "parameters",
        ["Parameter", "Value", "Source", "Why"],
        rows,
        "Lengths in pixels, times in frames; any of them can be set in the config.",
    )


def warnings(results: Results) -> str:
    """The warnings of tuning and linking, in one paragraph."""
    sentences = []
    for name in ("tuning.json", "linking.json"):
        try:
            sentences += [str(s) for s in results.json(name).get("warnings", [])]
        except Absent:
            continue
    return " ".join(sentences) if sentences else "Tuning and linking gave no warnings."


def comparison(results: Results) -> Table:
    """Errors of every model and metric with interval and noise floor."""
    found = results.csv("comparison.csv")
    if found.empty:
        raise Absent("The comparison is empty: no statistic was common to experiment and models.")
    rows = []
    for _, row in found.iterrows():
        low, high = row.get("low"), row.get("high")
        interval = f"{number(low)} to {number(high)}" if pd.notna(low) and pd.notna(high) else "–"
        rows.append(
            [
                f"{style.name(str(row['model']))}, seed {row['seed']}",
                str(row["metric"]).replace("_", " "),
                number(row["value"]),
                interval,
                number(row.get("noise_floor")),
            ]
        )
    return Table(
        "comparison",
        ["Model", "Statistic", "Relative error", "95 % interval", "Noise floor"],
        rows,
        "Errors are relative L2 distances from the experiment; intervals come from a "
        "block bootstrap.",
    )


def provenance(found: dict[str, Any]) -> list[Block]:
    """The dictionary of provenance.collect as titled lists; unknown keys are shown as they are."""
    facts, blocks = [], []
    for key, value in found.items():
        title = key.replace("_", " ").capitalize()
        if isinstance(value, dict):
            rows = [
                [str(name), *map(number, v if isinstance(v, (list, tuple)) else [v])]
                for name, v in value.items()
            ]
            blocks.append(Block(title, rows or [["–", "none recorded"]]))
        else:
            facts.append([title, number(value)])
    return ([Block("Run", facts)] if facts else []) + blocks
