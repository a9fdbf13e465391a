"""Structure and dynamics as curves: experiment, truth and models in one frame."""

from __future__ import annotations

import numpy as np

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import FEW, draw, in_time, told, zero
from pipeline.report.records import Group
from pipeline.report.results import Results


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
