"""D2min as curves: against lag, its distribution, its correlation in space."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import FEW, area, draw, in_time, over_lag, told, zero
from pipeline.report.records import Group
from pipeline.report.results import Results


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
        f"Mean D2min against lag, and share of rearranged particles, of {told(found)}.",
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
        f"Distribution of D2min{at} of {told(found)}.",
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
        f"Spatial correlation of D2min of {told(found)}.",
    )
