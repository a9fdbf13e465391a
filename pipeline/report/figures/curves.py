"""Structure and dynamics as curves: experiment, truth and models in one frame."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

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


def told(found: Iterable[str]) -> str:
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


def rdf(results: Results) -> Figure:
    """Radial distribution functions."""
    found = results.statistics("rdf")
    drawing, (axes,) = style.panels()
    table = draw(axes, found, "r", "value")
    zero(axes, 1.0)
    axes.set(
        xlabel=style.quantity("Distance r", results.unit("length")),
        ylabel="Radial distribution g(r)",
        xlim=(0, None),
        ylim=(0, None),
    )
    return Figure(
        "rdf",
        drawing,
        table,
        "Where the lines lie on each other the model keeps the structure: the height of the first "
        "peak, the splitting of the second, the approach to one." + results.lacking("rdf"),
        f"Radial distribution function of {told(found)}.",
    )


def msd(results: Results) -> Figure:
    """Mean squared displacement, both axes logarithmic."""
    found = {}
    for source, group in in_time(results.statistics("msd"), results).items():
        keep = (group.get("lag") > 0) & (group.get("value") > 0)
        data = {k: v[keep] for k, v in group.data.items() if np.shape(v) == keep.shape}
        found[source] = Group(data, group.attrs)
    drawing, (axes,) = style.panels()
    table = draw(axes, found, "lag", "value")
    length = results.unit("length")
    axes.set(
        xlabel=style.quantity("Lag", results.unit("time")),
        ylabel=style.quantity("Mean squared displacement", f"{length}²" if length else ""),
        xscale="log",
        yscale="log",
    )
    style.plain_log(axes.xaxis, *axes.get_xlim())
    style.plain_log(axes.yaxis, *axes.get_ylim())
    return Figure(
        "msd",
        drawing,
        table,
        "Slope two means that particles fly or are carried along, slope one that they diffuse, a "
        "plateau that neighbours cage them." + results.lacking("msd"),
        f"Mean squared displacement against lag of {told(found)}.",
    )


def vacf(results: Results) -> Figure:
    """Velocity autocorrelation, normalised; a logarithmic axis starts at one interval."""
    found = in_time(results.statistics("vacf"), results)
    drawing, (axes,) = style.panels()
    table = draw(axes, found, "lag", "value")
    zero(axes)
    axes.set(xlabel=style.quantity("Lag", results.unit("time")), ylabel="Velocity autocorrelation")
    lags = np.unique(np.concatenate([group.get("lag") for group in found.values()]))
    if len(lags) <= FEW:
        style.in_units_of(axes.xaxis, results.unit("time"))
    else:
        axes.set(xscale="log", xlim=(lags[lags > 0].min(), lags.max()))
        style.plain_log(axes.xaxis, *axes.get_xlim())
    return Figure(
        "vacf",
        drawing,
        table,
        "How long a particle remembers its velocity (one at lag zero), flow and drift of the "
        "sample included; a dip below zero is the rebound from its neighbours, or a flow that "
        "reverses. Localisation error is forgotten at once: it lowers all that follows lag zero."
        + results.lacking("vacf"),
        f"Velocity autocorrelation against lag of {told(found)}.",
    )
