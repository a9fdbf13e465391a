"""Rearrangements over the sample: D2min as maps and as curves, displacements as streamlines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure as Drawing

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import (
    FEW,
    area,
    draw,
    finite,
    in_time,
    over_lag,
    source_names,
    zero,
)
from pipeline.report.results import Absent, Group, Results

PANEL = {1: 3.8, 2: 4.05, 3: 2.7}  # inches between the axes of one of so many maps in a row


def _chosen(results: Results, group: str) -> dict[str, Group]:
    """The experiment, and the first seed of each model; the truth has the experiment's map."""
    kept: dict[str, Group] = {}
    for source, value in results.statistics(group).items():
        if style.model_of(source) not in map(style.model_of, kept) and source != "truth":
            kept[source] = value
    if not kept:
        raise Absent("Neither the experiment nor a model has such a map.")
    return kept


def _columns(found: dict[str, Group]) -> int:
    return 2 if len(found) == 4 else min(len(found), 3)


def _panels(found: dict[str, Group]) -> tuple[Drawing, list[Axes]]:
    """Three panels a row or four two by two, as high as the fields' own shape asks."""
    place = np.concatenate([group.get("position")[:, :2] for group in found.values()])
    low, high = place.min(axis=0), place.max(axis=0)
    margin = 0.03 * np.maximum(high - low, 1e-12)
    low, high = low - margin, high + margin
    ratio = float(np.clip((high - low)[1] / (high - low)[0], 0.3, 1.5))
    columns = _columns(found)
    height = PANEL[columns] * ratio + 0.85
    drawing, panels = style.panels(columns, -(-len(found) // columns), height=height)
    for spare in panels[len(found) :]:
        spare.remove()
    panels = panels[: len(found)]
    for axes in panels:  # y points down, as in the video
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
    return drawing, panels


def _frame(axes: Axes, results: Results, source: str) -> None:
    unit = results.unit("length")
    axes.set(title=style.name(source), xlabel=style.quantity("x", unit))
    axes.set_ylabel(style.quantity("y", unit) if _leftmost(axes) else "")
    axes.spines[["top", "right"]].set_visible(True)


def _leftmost(axes: Axes) -> bool:
    place = axes.get_subplotspec()
    return place is None or place.is_first_col()


def _judge(found: dict[str, Group]) -> Group:
    """Whose range sets the colours: the experiment's, lest a wild model hides all the others."""
    return found.get("experiment", next(iter(found.values())))


def d2min(results: Results) -> Figure:
    """D2min of every particle, experiment and models on one colour scale."""
    found = _chosen(results, "d2min_map")
    scale, unit = area(results)
    drawing, panels = _panels(found)
    values = scale * finite(_judge(found).get("value"))
    low, high = np.quantile(values[values > 0], [0.1, 0.998])
    high = max(high, 1.01 * low)
    norm = LogNorm(low, high, clip=True)
    count = max(len(group.get("position")) for group in found.values())
    size = float(
        np.clip(0.6 * (72 * PANEL[_columns(found)]) ** 2 / count, 1.0, 60.0)
    )  # points^2, nearly touching
    for k, (source, group) in enumerate(found.items()):
        position, value = group.get("position"), scale * group.get("value")
        order = np.argsort(value)  # the active ones on top
        dots = panels[k].scatter(
            position[order, 0],
            position[order, 1],
            c=np.maximum(value[order], low),
            s=size,
            cmap=style.MAP,
            norm=norm,
            linewidths=0,
            rasterized=True,
        )
        _frame(panels[k], results, source)
    label = style.quantity("D²min per bond", unit)
    bar = drawing.colorbar(dots, ax=panels, label=label, extend="both", pad=0.015, aspect=28)
    style.plain_log(bar.ax.yaxis, low, high)
    rows = []
    for source, group in found.items():
        place = group.get("position")
        columns = {"source": source, "x": place[:, 0], "y": place[:, 1]}
        rows.append(pd.DataFrame(columns | {"d2min": scale * group.get("value")}))
    lag = over_lag(next(iter(found.values())), results)
    return Figure(
        "d2min_map",
        drawing,
        pd.concat(rows),
        f"Dark spots are places that rearranged{lag}: compare where they lie and how many there "
        "are." + results.lacking("d2min_map"),
        f"Maps of D2min{lag} for {', '.join(map(style.name, found))}, on one colour scale.",
        wide=len(found) > 1,
    )


def streamlines(results: Results) -> Figure:
    """Displacements over a lag as streamlines coloured by their size (the paper's figure 7A)."""
    found = {
        source: group
        for source, group in _chosen(results, "streamlines").items()
        if "grid" in group.data
    }
    if not found:
        raise Absent("Streamlines are drawn for two-dimensional data only.")
    found = {k: group for k, group in found.items() if min(group.get("grid").shape[:2]) > 1}
    if not found:
        raise Absent("Particles are too few and far apart for streamlines.")
    drawing, panels = _panels(found)
    sizes = np.linalg.norm(_judge(found).get("grid"), axis=2).ravel()
    top = 1.2 * float(np.quantile(finite(sizes), 0.99)) or 1.0
    limits = panels[0].get_xlim(), panels[0].get_ylim()
    for k, (source, group) in enumerate(found.items()):
        field = group.get("grid")
        lines = panels[k].streamplot(
            group.get("x"),
            group.get("y"),
            field[..., 0],
            field[..., 1],
            color=np.hypot(field[..., 0], field[..., 1]),
            cmap="viridis_r",
            norm=Normalize(0, top, clip=True),
            density=1.6,
            linewidth=0.9,
            arrowsize=0.6,
        )
        panels[k].set(xlim=limits[0], ylim=limits[1])  # streamplot widens them
        _frame(panels[k], results, source)
    label = style.quantity("Displacement", results.unit("length"))
    drawing.colorbar(lines.lines, ax=panels, label=label, extend="max", pad=0.015, aspect=28)
    names = ["x", "y", "dx", "dy"]
    rows = []
    for source, group in found.items():
        both = np.hstack([group.get("position")[:, :2], group.get("displacement")[:, :2]])
        rows.append(pd.DataFrame(both, columns=names).assign(source=source))
    lag = over_lag(next(iter(found.values())), results)
    return Figure(
        "streamlines",
        drawing,
        pd.concat(rows),
        f"Where particles went{lag}, smoothed: compare direction, size, and any swirls."
        + results.lacking("streamlines"),
        f"Streamlines of displacement{lag} for {', '.join(map(style.name, found))}.",
        wide=len(found) > 1,
    )


def against_lag(results: Results) -> Figure:
    """Mean and median of D2min against lag, and the share of particles that rearrange."""
    stored = results.statistics("d2min")
    found = in_time(stored, results)
    scale, unit = area(results)
    drawing, (mean, share) = style.panels(2, height=3.2)
    table = draw(mean, found, "lag", "mean", scale)
    extra = []
    for source, group in found.items():
        columns = {"source": source, "lag": group.get("lag")}
        columns |= {k: scale * group.data[k] for k in ("std", "median") if k in group.data}
        look = style.line(source)
        if len(group.get("lag")) < FEW:
            look |= {"marker": "o", "markersize": 4}
        if "fraction" in group.data:
            columns["fraction"] = group.data["fraction"]
            share.plot(group.get("lag"), 100 * group.data["fraction"], **look)
        extra.append(pd.DataFrame(columns))
    lag = style.quantity("Lag", results.unit("time"))
    threshold = next(iter(stored.values())).attrs.get("threshold")
    above = f"Above {threshold * scale:.3g} {unit} (%)" if threshold else "Rearranged (%)"
    mean.set(xlabel=lag, ylabel=style.quantity("Mean D²min per bond", unit))
    share.set(xlabel=lag, ylabel=f"Particles {above[0].lower()}{above[1:]}")
    for axes, name, factor in ((mean, "mean", scale), (share, "fraction", 100)):
        axes.set(xlim=(0, None), ylim=(0, _ceiling(found, name, factor)))
        style.in_units_of(axes.xaxis, results.unit("time"))
    return Figure(
        "d2min_lag",
        drawing,
        table.merge(pd.concat(extra), on=["source", "lag"]),
        "First, how strongly neighbourhoods change beyond what a smooth strain explains; second, "
        "how many particles have rearranged. A line that leaves the frame is more than four times "
        "the experiment's." + results.lacking("d2min"),
        f"Mean D2min against lag, and share of rearranged particles, of {source_names(found)}.",
        wide=True,
    )


def _ceiling(found: dict[str, Group], name: str, factor: float) -> float | None:
    """Top of an axis: all curves, but no more than four times the experiment's."""
    tops = {
        source: factor * np.nanmax(group.data[name])
        for source, group in found.items()
        if name in group.data and np.isfinite(group.data[name]).any()
    }
    if not tops or tops.get("experiment", 0) <= 0:
        return None
    return float(min(1.3 * max(tops.values()), 4 * tops["experiment"]))


def histogram(results: Results) -> Figure:
    """Distribution of D2min at one lag."""
    found = results.statistics("d2min_histogram")
    scale, unit = area(results)
    drawing, (axes,) = style.panels()
    rows, used = [], []
    for source, group in found.items():
        edges, density = scale * group.get("edges"), group.get("density")
        shown = np.where(density > 0, density, np.nan)
        axes.stairs(
            shown,
            edges,
            baseline=None,
            label=style.label(source, list(found)),
            linewidth=1.8,
            **style.line(source),
        )
        used += [edges[:-1][density > 0], edges[1:][density > 0]]
        columns = {"source": source, "low": edges[:-1], "high": edges[1:], "density": density}
        rows.append(pd.DataFrame(columns))
    logarithmic = all(group.data["edges"][0] > 0 for group in found.values())
    seen = np.concatenate(used)
    axes.set(
        xlabel=style.quantity("D²min per bond", unit),
        ylabel="Probability per decade" if logarithmic else "Probability density",
        xscale="log" if logarithmic else "linear",
        yscale="log",
        xlim=(seen.min(), seen.max()) if seen.size else None,
    )
    axes.legend()
    at = over_lag(next(iter(found.values())), results)
    return Figure(
        "d2min_histogram",
        drawing,
        pd.concat(rows),
        f"The right tail holds the rearrangements{at}; the hump at the left is thermal motion and "
        "localisation error." + results.lacking("d2min_histogram"),
        f"Distribution of D2min{at} of {source_names(found)}.",
    )


def contact(results: Results) -> float:
    """Distance at which g(r) of the experiment first rises to a half: closer pairs are too few."""
    found = results.statistic("experiment", "rdf")
    above = np.flatnonzero(found.get("value") >= 0.5)
    return float(found.get("r")[above[0]]) if len(above) else 0.0


def _apart(found: dict[str, Group], least: float) -> dict[str, Group]:
    """The same curves from a distance on."""
    kept = {}
    for source, group in found.items():
        far = group.get("r") >= 0.9 * least
        data = {key: v[far] if np.shape(v) == far.shape else v for key, v in group.data.items()}
        kept[source] = Group(data, group.attrs)
    return kept


def correlation(results: Results) -> Figure:
    """Spatial correlation of D2min: one where two particles know nothing of each other."""
    found = _apart(results.statistics("d2min_correlation"), contact(results))
    drawing, (axes,) = style.panels()
    table = draw(axes, found, "r", "value")
    zero(axes, 1.0)
    axes.set(
        xlabel=style.quantity("Distance r", results.unit("length")),
        ylabel="Correlation of D²min",
        xlim=(0, None),
    )
    return Figure(
        "d2min_correlation",
        drawing,
        table,
        "How far one rearrangement reaches: the distance over which active particles have active "
        "neighbours, before the curve comes down to one." + results.lacking("d2min_correlation"),
        f"Spatial correlation of D2min of {source_names(found)}.",
    )
