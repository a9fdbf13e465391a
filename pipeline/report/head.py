"""The head and the foot of the page: what the data is, and where everything comes from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pipeline.report import style
from pipeline.report.figures.training import history
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.words import number


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


def provenance(found: dict[str, Any], results: Results) -> list[Block]:
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
