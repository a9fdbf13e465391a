"""Structure and dynamics as curves: experiment, truth and models in one frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Group, Results


def _draw(axes: Axes, found: dict[str, Group], x: str, y: str) -> pd.DataFrame:
    """One line per source with its interval as a band; returns the numbers, long."""
    rows = []
    for source, group in found.items():
        look = style.line(source)
        columns = {x: group.get(x), y: group.get(y)}
        axes.plot(columns[x], columns[y], label=style.label(source, list(found)), **look)
        if "low" in group.data and "high" in group.data:
            columns |= {"low": group.data["low"], "high": group.data["high"]}
            axes.fill_between(
                columns[x],
                columns["low"],
                columns["high"],
                color=look["color"],
                alpha=0.15,
                linewidth=0,
            )
        rows.append(pd.DataFrame(columns).assign(source=source))
    if len(found) > 1:
        axes.legend()
    return pd.concat(rows)


def _sentence(found: dict[str, Group]) -> str:
    return " and ".join(style.label(source, list(found)) for source in found)


def rdf(results: Results) -> Figure:
    """Radial distribution functions."""
    found = results.statistics("rdf")
    drawing, (axes,) = style.panels()
    table = _draw(axes, found, "r", "value")
    axes.axhline(1, color="#bbbbbb", linewidth=0.8, zorder=0)
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
        "Where the lines lie on each other the model keeps the structure: height of the "
        "first peak, splitting of the second, approach to one.",
        f"Radial distribution function of {_sentence(found)}.",
    )


def _positive(found: dict[str, Group], names: tuple[str, ...]) -> bool:
    return all(
        np.nanmin(g.data[n], initial=np.inf) > 0
        for g in found.values()
        for n in names
        if n in g.data and len(g.data[n])
    )


def msd(results: Results) -> Figure:
    """Mean squared displacement, both axes logarithmic."""
    found = {}
    for source, group in results.statistics("msd").items():
        keep = (group.get("lag") > 0) & (group.get("value") > 0)
        data = {k: v[keep] for k, v in group.data.items() if np.shape(v) == keep.shape}
        found[source] = Group(data, group.attrs)
    drawing, (axes,) = style.panels()
    table = _draw(axes, found, "lag", "value")
    axes.set(
        xlabel=style.quantity("Lag", results.unit("time")),
        xscale="log",
        yscale="log",
        ylabel=style.quantity("Mean squared displacement", _square(results)),
    )
    return Figure(
        "msd",
        drawing,
        table,
        "Slope two means particles fly or are carried along, slope one that they "
        "diffuse, a plateau that neighbours cage them.",
        f"Mean squared displacement against lag of {_sentence(found)}.",
    )


def _square(results: Results) -> str:
    unit = results.unit("length")
    return f"{unit}²" if unit else ""


def vacf(results: Results) -> Figure:
    """Velocity autocorrelation."""
    found = results.statistics("vacf")
    drawing, (axes,) = style.panels()
    table = _draw(axes, found, "lag", "value")
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(xlabel=style.quantity("Lag", results.unit("time")), ylabel="Velocity autocorrelation")
    return Figure(
        "vacf",
        drawing,
        table,
        "How long a particle remembers its velocity; a dip below zero is the rebound "
        "from its neighbours.",
        f"Velocity autocorrelation against lag of {_sentence(found)}.",
    )


def d2min_lag(results: Results) -> Figure:
    """Mean and median of D2min against lag, and the share of particles that rearrange."""
    found = results.statistics("d2min")
    drawing, (mean, share) = style.panels(2)
    table = _draw(mean, found, "lag", "mean")
    lag = style.quantity("Lag", results.unit("time"))
    mean.set(xlabel=lag, ylabel="Mean D²min per bond")
    extra = []
    for source, group in found.items():
        look = style.line(source)
        extra.append(
            pd.DataFrame(
                {"source": source, "lag": group.get("lag")}
                | {k: group.data[k] for k in ("std", "median", "fraction") if k in group.data}
            )
        )
        if "fraction" in group.data:
            share.plot(
                group.get("lag"),
                100 * group.data["fraction"],
                label=style.label(source, list(found)),
                **look,
            )
    share.set(xlabel=lag, ylabel="Particles that rearranged (%)", ylim=(0, None))
    mean.set_ylim(0, None)
    table = table.merge(pd.concat(extra), on=["source", "lag"])
    return Figure(
        "d2min_lag",
        drawing,
        table,
        "Left, how strongly neighbourhoods change beyond what a smooth strain explains; "
        "right, how many particles exceed the threshold.",
        f"D2min against lag of {_sentence(found)}.",
        wide=True,
    )


def d2min_histogram(results: Results) -> Figure:
    """Distribution of D2min at one lag."""
    found = results.statistics("d2min_histogram")
    drawing, (axes,) = style.panels()
    rows = []
    for source, group in found.items():
        edges, density = group.get("edges"), group.get("density")
        axes.stairs(
            np.where(density > 0, density, np.nan),
            edges,
            baseline=None,
            label=style.label(source, list(found)),
            linewidth=1.8,
            **style.line(source),
        )
        rows.append(
            pd.DataFrame(
                {"source": source, "low": edges[:-1], "high": edges[1:], "density": density}
            )
        )
    axes.set(xlabel="D²min per bond", ylabel="Probability density", yscale="log")
    if all(group.data["edges"][0] >= 0 for group in found.values()):
        axes.set_xscale("log")
    axes.legend()
    lag = next(iter(found.values())).attrs.get("lag")
    at = f" at lag {lag:.4g} {results.unit('time')}".rstrip() if lag is not None else ""
    return Figure(
        "d2min_histogram",
        drawing,
        pd.concat(rows),
        f"The right tail{at} holds the real rearrangements; the hump at the left is "
        "thermal motion and localisation error.",
        f"Distribution of D2min{at} of {_sentence(found)}.",
    )


def d2min_correlation(results: Results) -> Figure:
    """Spatial correlation of D2min."""
    found = results.statistics("d2min_correlation")
    drawing, (axes,) = style.panels(height=3.0)
    table = _draw(axes, found, "r", "value")
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(
        xlabel=style.quantity("Distance r", results.unit("length")), ylabel="Correlation of D²min"
    )
    return Figure(
        "d2min_correlation",
        drawing,
        table,
        "How far one rearrangement reaches: the distance over which active particles "
        "have active neighbours.",
        f"Spatial correlation of D2min of {_sentence(found)}.",
    )
