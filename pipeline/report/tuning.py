"""The page on the settings of the detection, made before anything is tracked or trained."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from pipeline.report import html, provenance, style
from pipeline.report.figure import Embedded, Figure, embed, inline_svg
from pipeline.report.figures.tracking import FILL, INK, RING, crowded
from pipeline.report.html import number
from pipeline.report.results import Absent, Results
from pipeline.video.frames import stretched
from pipeline.video.spots import nearest
from pipeline.video.trials import Trial, Trials

SIZE = 3.2  # inches of a cell
NEW, LOST = "#FFB000", "#FF4FA3"
WHOLE = 9.0  # inches of the whole frame


def window(tried: Trials) -> tuple[float, float, float]:
    """Upper left corner (x, y) and side [px] of the part of the frame that cells show."""
    height, width = tried.image.shape
    place = tried.used.found[:, ::-1]
    if len(place) < 2:
        return 0.0, 0.0, float(min(height, width))
    near = np.median(nearest(place))
    side = float(np.clip(12 * near, 40.0, min(height, width)))
    return *crowded(pd.DataFrame(place, columns=["x", "y"]), side, (width, height)), side


def trial_figure(
    name: str, shown: np.ndarray, trial: Trial, diameter: float, part: tuple
) -> Figure:
    """The part of the frame with a ring for each find, coloured by whether it is a new one.

    Args:
        shown: (H, W) uint8, the frame. diameter: of a ring [px]. part: as `window` gives it.
    """
    x0, y0, side = part
    drawing, axes = _stage(SIZE, SIZE)
    rows, columns = (slice(int(k), int(k + side) + 2) for k in (y0, x0))
    _picture(axes, shown[rows, columns], (int(x0), int(y0)))
    ring = 72 * SIZE * diameter / side
    low, high = np.array([y0, x0]) - diameter, np.array([y0, x0]) + side + diameter
    near = ((trial.found > low) & (trial.found < high)).all(axis=1)
    _rings(axes, trial.found[near & ~trial.new], ring, RING)
    _rings(axes, trial.found[near & trial.new], ring, NEW)
    lost = trial.lost[((trial.lost > low) & (trial.lost < high)).all(axis=1)]
    axes.scatter(lost[:, 1], lost[:, 0], s=0.4 * ring**2, marker="x", c=LOST, linewidths=1.6)
    axes.set(xlim=(x0, x0 + side), ylim=(y0 + side, y0))
    table = pd.DataFrame(trial.found, columns=["y", "x"]).assign(new=trial.new)
    return Figure(name, drawing, table, "", summary(trial))


def summary(trial: Trial) -> str:
    """What a trial finds, in words."""
    text = f"{len(trial.found)} particles found"
    if trial.changes:
        text += f": {int(trial.new.sum())} new, {len(trial.lost)} lost"
    return f"{text}."


def _stage(width: float, height: float) -> tuple[Drawing, Axes]:
    """One panel [inches] without a frame, up to the edge of the drawing."""
    drawing = Drawing(figsize=(width, height))
    drawing.set_layout_engine("none")
    axes = drawing.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return drawing, axes


def _picture(axes: Axes, shown: np.ndarray, corner: tuple[int, int]) -> None:
    """An image whose first pixel is centred on `corner` (x, y)."""
    height, width = shown.shape
    x, y = corner[0] - 0.5, corner[1] - 0.5
    extent = (x, x + width, y + height, y)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")


def _rings(axes: Axes, place: np.ndarray, size: float, colour: str) -> None:
    axes.scatter(
        place[:, 1],
        place[:, 0],
        s=size**2,
        facecolors="none",
        edgecolors=colour,
        linewidths=min(1.4, 0.12 * size),
        rasterized=len(place) > 1500,
    )


def whole_frame(shown: np.ndarray, tried: Trials, diameter: float, part: tuple) -> Figure:
    """The whole frame with the settings in use, and the part that the cells enlarge."""
    height, width = shown.shape
    scale = WHOLE / max(width, height)
    drawing, axes = _stage(scale * width, scale * height)
    _picture(axes, shown, (0, 0))
    found = tried.used.found
    if 72 * scale * diameter < 4:  # rings this small would hide the spots
        axes.scatter(found[:, 1], found[:, 0], s=0.7, color=RING, linewidths=0, rasterized=True)
    else:
        _rings(axes, found, 72 * scale * diameter, RING)
    x0, y0, side = part
    axes.plot(
        x0 + side * np.array([0, 1, 1, 0, 0]), y0 + side * np.array([0, 0, 1, 1, 0]), color="white"
    )
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    counted = ", ".join(f"{count} in frame {frame}" for frame, count in tried.counts)
    return Figure(
        "whole",
        drawing,
        pd.DataFrame(found, columns=["y", "x"]),
        f"Frame {tried.frame} with the settings in use: {counted}. The white square is what the "
        "pictures above enlarge. Every spot should wear one ring, and no ring should lie on empty "
        "ground.",
        f"Frame {tried.frame} with a ring around each of {len(found)} detected particles.",
        wide=True,
    )


def evidence_figure(results: Results) -> Figure:
    """What minmass and search range were chosen from."""
    tuning = results.json("tuning.json")
    known, given = tuning["evidence"], tuning["parameters"]
    if not {"mass", "mass_matched", "displacement"} <= set(known):
        raise Absent("The tuning stored no histograms.")
    drawing, (mass, step) = style.panels(2, height=3.0)
    rows = []
    for axes, name, label, colour in (
        (mass, "mass", "all that was found", FILL),
        (mass, "mass_matched", "clear spots", None),
        (step, "displacement", "", FILL),
    ):
        centre, count = np.asarray(known[name], float).T
        rows.append(pd.DataFrame({"histogram": name, "centre": centre, "count": count}))
        half = np.diff(centre).mean() / 2
        edges = np.append(centre - half, centre[-1] + half)
        axes.stairs(count, edges, fill=colour is not None, color=colour or INK, label=label)
    for axes, name in ((mass, "minmass"), (step, "search_range")):
        value = float(given[name]["value"])
        label = f"{name.replace('_', ' ')} {value:.4g}"
        axes.axvline(value, color="#D55E00", linewidth=1.6, label=label)
        axes.legend()
    mass.set(xlabel="Mass (summed brightness)", ylabel="Features")
    step.set(xlabel="Displacement between frames (px)", ylabel="Particles", yscale="log")
    return Figure(
        "evidence",
        drawing,
        pd.concat(rows),
        "First, minmass should lie in the gap between noise and particles; second, displacements "
        "should have died out before the search range.",
        "Histograms of the masses and displacements, with minmass and search range.",
        wide=True,
    )


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
    shown, part = stretched(tried.image), window(tried)
    name = Path(folder).resolve().name
    with style.context():

        def cell(key: str, trial: Trial) -> Cell:
            settings = {**parameters, **trial.changes}
            figure = trial_figure(key, shown, trial, float(settings["diameter"]), part)
            chosen = trial.changes or {key: parameters[key] for key in ("diameter", "minmass")}
            title = ", ".join(f"{key} {number(value)}" for key, value in chosen.items())
            svg = inline_svg(figure.drawing, key)
            return Cell(title, svg, summary(trial), _lines(chosen), not trial.changes)

        grid = [
            cell(f"grid-{i}-{j}", trial)
            for i, row in enumerate(tried.grid)
            for j, trial in enumerate(row)
        ]
        others = [cell(f"other-{k}", trial) for k, trial in enumerate(tried.others)]
        whole = embed(whole_frame(shown, tried, float(parameters["diameter"]), part))
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
            parameters=provenance.parameters(results),
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
        return embed(evidence_figure(results))
    except Absent:
        return None
