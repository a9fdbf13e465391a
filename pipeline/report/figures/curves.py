"""Structure and dynamics as curves: experiment, truth and models in one frame."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.analysis.metric import Plot
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Group, Results

FEW = 12  # points: fewer are marked, since a line alone would hide how few there are


def draw(axes: Axes, found: dict[str, Group], x: str, y: str, scale: float = 1.0) -> pd.DataFrame:
    """Draw dataset `y` against `x` of every source; `scale` multiplies y. Returns the numbers."""
    rows = []
    for source, group in found.items():
        look = style.line(source)
        columns = {x: group.get(x), y: scale * group.get(y)}
        dots = "o" if len(columns[x]) < FEW else ""
        label = style.label(source, list(found))
        axes.plot(columns[x], columns[y], label=label, marker=dots, markersize=4, **look)
        if "low" in group.data and "high" in group.data:
            low, high = scale * group.data["low"], scale * group.data["high"]
            columns |= {"low": low, "high": high}
            band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
            axes.fill_between(columns[x], low, high, **band)
        rows.append(pd.DataFrame(columns).assign(source=source))
    if len(found) > 1:
        axes.legend()
    return pd.concat(rows)


def in_time(found: dict[str, Group], results: Results) -> dict[str, Group]:
    """The same groups with `lag`, stored in snapshot intervals, in the unit of time."""
    dt = _dt(results)
    return {
        source: Group(group.data | {"lag": dt * group.get("lag")}, group.attrs)
        for source, group in found.items()
    }


def _dt(results: Results) -> float:
    try:
        return results.trajectory().dt
    except Absent:
        return 1.0


def over_lag(group: Group, results: Results) -> str:
    """ " over a lag of 0.5 s (40 frames)", or "" where the group does not say."""
    lag = group.attrs.get("lag")
    if lag is None:
        return ""
    unit = results.unit("time")
    if unit in ("", "frames"):
        word = unit or "intervals"
        return f" over a lag of {lag:.4g} {word.removesuffix('s') if lag == 1 else word}"
    return f" over a lag of {lag * _dt(results):.3g} {unit} ({lag:.0f} frames)"


def area(results: Results) -> tuple[float, str]:
    """Factor and words that turn a squared length into neighbour distances a squared."""
    try:
        stored = results.group("statistics/experiment.h5").attrs["settings"]
        return 1 / float(json.loads(stored)["spacing"]) ** 2, "a²"
    except (Absent, KeyError):
        unit = results.unit("length")
        return 1.0, f"{unit}²" if unit else ""


def source_names(found: Iterable[str]) -> str:
    """The sources in words, for alt texts."""
    return ", ".join(style.label(source, list(found)) for source in found)


def zero(axes: Axes, level: float = 0.0) -> None:
    """A faint line to compare with."""
    axes.axhline(level, color="#bbbbbb", linewidth=0.8, zorder=0)


def finite(values: np.ndarray) -> np.ndarray:
    """The finite ones among `values`, flat. Raises Absent where there is none."""
    kept = np.asarray(values, float)
    kept = kept[np.isfinite(kept)]
    if not kept.size:
        raise Absent("All stored values are undefined, so there is nothing to draw.")
    return kept


def of(plot: Plot) -> Callable[[Results], Figure]:
    """The function that draws a registered curve."""
    return lambda results: figure(plot, results)


def figure(plot: Plot, results: Results) -> Figure:
    """A registered curve of every source."""
    found = results.statistics(plot.name)
    if plot.x == "lag":
        found = in_time(found, results)
    if plot.logarithmic == "xy":
        found = {source: _positive(group, plot.x) for source, group in found.items()}
    drawing, (axes,) = style.panels()
    table = draw(axes, found, plot.x, "value")
    if plot.level is not None:
        zero(axes, plot.level)
    axes.set(xlabel=_axis(plot.across, results), ylabel=_axis(plot.up, results))
    points = np.unique(np.concatenate([group.get(plot.x) for group in found.values()]))
    if plot.logarithmic == "xy":
        axes.set(xscale="log", yscale="log")
        style.plain_log(axes.xaxis, *axes.get_xlim())
        style.plain_log(axes.yaxis, *axes.get_ylim())
    elif plot.logarithmic == "x" and len(points) > FEW:
        axes.set(xscale="log", xlim=(points[points > 0].min(), points.max()))
        style.plain_log(axes.xaxis, *axes.get_xlim())
    elif plot.x == "lag":
        style.in_units_of(axes.xaxis, results.unit("time"))
    else:
        axes.set(xlim=(0, None), ylim=(0 if table["value"].min() >= 0 else None, None))
    against = " against lag" if plot.x == "lag" else ""
    caption = plot.caption + results.lacking(plot.name)
    return Figure(
        plot.name, drawing, table, caption, f"{plot.title}{against} of {source_names(found)}."
    )


def _positive(group: Group, x: str) -> Group:
    """The points that logarithmic axes can show."""
    keep = (group.get(x) > 0) & (group.get("value") > 0)
    data = {k: v[keep] for k, v in group.data.items() if np.shape(v) == keep.shape}
    return Group(data, group.attrs)


def _axis(words: tuple[str, str], results: Results) -> str:
    """ "Lag (s)"; of a unit the report does not know, the words alone."""
    text, of_what = words
    base = of_what.removesuffix("²")
    unit = results.unit(base) if base else ""
    return style.quantity(text, unit + of_what[len(base) :] if unit else "")
