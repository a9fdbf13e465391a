"""The deformed solid, truth beside models (paper, figure 12)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import told
from pipeline.report.paper.flows import sources
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.trajectory import Trajectory


def moment(truth: Trajectory) -> int:
    """The snapshot in which the body is at once far from its start and moving."""
    away = np.linalg.norm(truth.position - truth.position[0], axis=2).mean(axis=1)
    speed = np.linalg.norm(truth.velocity, axis=2).mean(axis=1)
    return int(np.argmax(away * speed))


def deformed(results: Results) -> Figure:
    """Every particle in one snapshot, coloured by its speed."""
    found = {
        source: made
        for source, made in sources(results).items()
        if source == "experiment" or source.endswith("_seed0")
    }
    truth = found["experiment"]
    row = moment(truth)
    found = {source: made for source, made in found.items() if len(made.time) > row}
    if len(found) < 2:
        raise Absent("No model was rolled out as far as the body is bent.")
    speed = {s: np.linalg.norm(made.velocity[row], axis=1) for s, made in found.items()}
    norm = Normalize(0.0, float(speed["experiment"].max()), clip=True)
    drawing, panels = style.panels(3, -(-len(found) // 3), height=3.2)
    place = truth.position[row]
    middle, reach = (place.min(0) + place.max(0)) / 2, 0.6 * np.ptp(place, axis=0).max()
    tables = []
    for panel, (source, made) in zip(panels, found.items(), strict=False):
        x, y = made.position[row].T
        last = panel.scatter(x, y, s=9.0, c=speed[source], cmap="viridis_r", norm=norm)
        last.set(linewidths=0, rasterized=True)
        name = "truth" if source == "experiment" else style.name(source)
        panel.set(title=name, aspect="equal", xlabel=style.quantity("x", results.unit("length")))
        panel.set_ylabel(style.quantity("y", results.unit("length")) if panel is panels[0] else "")
        panel.set(xlim=middle[0] + reach * np.array([-1, 1]))
        panel.set(ylim=middle[1] + reach * np.array([-1, 1]))
        columns = {"x": x, "y": y, "speed": speed[source], "source": source}
        tables.append(pd.DataFrame(columns))
    for spare in panels[len(found) :]:
        spare.remove()
    speeds = f"{results.unit('length')}/{results.unit('time')}".strip("/")
    drawing.colorbar(last, ax=panels[: len(found)], label=style.quantity("Speed", speeds))
    when = f"{truth.time[row] - truth.time[0]:.3g} {results.unit('time')}".strip()
    return Figure(
        "deformed",
        drawing,
        pd.concat(tables),
        f"The body {when} after its start, on one scale of speed: shape, position and speed "
        "of every particle should be those of the truth.",
        f"The deformed body {when} after its start, coloured by speed, of {told(found)}.",
        wide=True,
    )
