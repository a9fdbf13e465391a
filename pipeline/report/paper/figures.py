"""The figures of the page beside the paper: curves, flows and the deformed solid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from pipeline.analysis.profiles import MOMENTS
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import source_names, zero
from pipeline.report.paper.numbers import Collection, title
from pipeline.report.results import Absent, Results
from pipeline.trajectory import Trajectory

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


HALVES = ("#D55E00", "#0072B2")  # began in the lower half, in the upper half


def sources(results: Results) -> dict[str, Trajectory]:
    """The truth over the window of the first rollouts, and these, by name."""
    files = {run.source: f"{run.folder}/rollout.h5" for run in results.runs}
    rollouts = {name: results.trajectory(file).window(slice(None)) for name, file in files.items()}
    whole = results.trajectory()
    first = min((made.time[0] for made in rollouts.values()), default=whole.time[0])
    last = max((made.time[-1] for made in rollouts.values()), default=whole.time[-1])
    # Every run has a clock of its own.
    runs = {int(run) for made in rollouts.values() for run in made.run} or set(whole.run.tolist())
    shared = np.isin(whole.run, list(runs)) & (whole.time >= first) & (whole.time <= last)
    rows = np.flatnonzero(shared)
    return {"experiment": whole.followed(slice(rows[0], rows[-1] + 1)), **rollouts}


def shear_profile(results: Results) -> Figure:
    """Mean velocity along the flow against the height."""
    drawing, (axes,) = style.panels()
    tables, found = [], results.statistics("velocity_profile")
    for source, profile in found.items():
        middle, value, error = (profile.get(key) for key in ("middle", "value", "error"))
        look, label = style.line(source), style.name(source)
        axes.plot(value, middle, label=label, marker="o", markersize=3, **look)
        band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
        axes.fill_betweenx(middle, value - 2 * error, value + 2 * error, **band)
        columns = {"y": middle, "v_x": value, "error": error}
        tables.append(pd.DataFrame(columns).assign(source=source))
    truth = results.statistic("experiment", "velocity_profile")
    y, wall = truth.get("edge"), truth.get("imposed")
    axes.plot(wall, y, color="#888888", linestyle=":", label="imposed", zorder=0)
    reach = 0.75 * float(np.abs(wall - wall.mean()).max())
    axes.set(xlabel="Mean velocity along the flow", ylabel="Height y", ylim=tuple(y))
    axes.set_xlim(wall.mean() - 2 * reach, wall.mean() + 2 * reach)
    axes.legend()
    return Figure(
        "shear_profile",
        drawing,
        pd.concat(tables),
        "The gas between sliding images: on the dotted line it follows the imposed flow. Bands are "
        "two standard errors.",
        f"Mean velocity against height under shear, of {source_names(found)}.",
    )


def mixing(results: Results) -> Figure:
    """Particles coloured by the half they began in, and their share against the height."""
    found = results.statistics("mixing")
    source = results.first.source if results.runs else "experiment"
    drawing, axes = style.panels(MOMENTS, 2, height=2.6)
    _snapshots(axes[:MOMENTS], sources(results)[source], found[source].get("row"))
    tables = []
    for source, profile in found.items():
        middle, shares, times = (profile.get(key) for key in ("middle", "value", "time"))
        for panel, share, time in zip(axes[MOMENTS:], shares, times, strict=False):
            panel.plot(middle, share, label=style.name(source), **style.line(source))
            columns = {"y": middle, "share": share, "time": time}
            tables.append(pd.DataFrame(columns).assign(source=source))
    for panel in axes[MOMENTS:]:
        panel.set(xlabel="Height y", ylim=(0, 1.05))
    axes[MOMENTS].set_ylabel("Share from below")
    axes[-1].legend()
    return Figure(
        "mixing",
        drawing,
        pd.concat(tables),
        "Above, the rollout seen along one axis, coloured by the half in which a particle began; "
        "below, the share of those that began in the lower half.",
        f"Mixing of two halves of a larger box over time, of {source_names(found)}.",
        wide=True,
    )


def _snapshots(axes: list, shown: Trajectory, rows: np.ndarray) -> None:
    height = shown.box.lengths[1]
    lower = shown.position[0, :, 1] % height < 0.5 * height
    for panel, row in zip(axes, rows, strict=False):
        place = shown.position[row] % shown.box.lengths
        for half, colour in zip((lower, ~lower), HALVES, strict=True):
            dots = {"s": 1.5, "color": colour, "linewidths": 0, "rasterized": True}
            panel.scatter(place[half, 1], place[half, 0], **dots)
        panel.set(aspect="equal", xticks=[], yticks=[])
        panel.set_title(f"t = {shown.time[row] - shown.time[0]:.3g}")


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
        f"The deformed body {when} after its start, coloured by speed, of {source_names(found)}.",
        wide=True,
    )
