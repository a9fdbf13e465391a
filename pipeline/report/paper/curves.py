"""The correlation curves of every data set (figures 4, 8 and 11 of the paper)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import zero
from pipeline.report.paper.collection import Collection, title
from pipeline.report.records import Absent
from pipeline.report.results import Results

PANELS = (
    ("vacf", "raw", "lag", "Lag (intervals)", "VACF ⟨v(0)·v(t)⟩"),
    ("rdf", "value", "r", "Distance r", "g(r)"),
    ("msd", "value", "lag", "Lag (intervals)", "MSD"),
)


def of(dataset: str) -> Callable[[Collection], Figure]:
    """The function that draws the curves of a data set."""
    return lambda found: _curves(found.results(dataset), dataset)


def _curves(results: Results, dataset: str) -> Figure:
    drawing, axes = style.panels(3, height=3.0)
    tables = []
    for panel, (name, y, x, across, up) in zip(axes, PANELS, strict=True):
        try:
            found = results.statistics(name)
        except Absent:
            panel.set_axis_off()
            continue
        limits = _truth(panel, results, (name, x, y))
        for source, group in found.items():
            if source != "experiment":
                look = style.line(source)
                panel.plot(group.get(x), group.get(y), label=style.name(source), **look)
            columns = {x: group.get(x), y: group.get(y), "source": source, "statistic": name}
            tables.append(pd.DataFrame(columns))
        panel.set(xlabel=across, ylabel=up, ylim=limits)
        zero(panel, 1.0 if name == "rdf" else 0.0)
    if not tables:
        raise Absent(f"No curve of {title(dataset)} was measured.")
    drawing.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return Figure(
        f"curves_{dataset}",
        drawing,
        pd.concat(tables),
        f"{title(dataset)}: black is the truth, its band the range of its replicas. The axes "
        "follow the truth; a model that leaves them is off by more than half of it.",
        f"Velocity autocorrelation, radial distribution and mean squared displacement of "
        f"{title(dataset)}, truth and models.",
        wide=True,
    )


def _truth(panel: Axes, results: Results, what: tuple[str, str, str]) -> tuple[float, float]:
    """Draws the truth with the range of its replicas; the limits that show half as much again."""
    name, x, y = what
    truth = results.statistic("experiment", name)
    value, others = truth.get(y), [results.statistic(s, name).get(y) for s in results.replicas]
    look = style.line("experiment")
    panel.plot(truth.get(x), value, label="truth", zorder=3, **look)
    every = np.stack([value, *others])
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    panel.fill_between(truth.get(x), low, high, color=look["color"], alpha=0.2, linewidth=0)
    bottom, top = min(float(np.nanmin(value)), 0.0), float(np.nanmax(value))
    return bottom - 0.05 * top - 0.5 * abs(bottom), 1.5 * top
