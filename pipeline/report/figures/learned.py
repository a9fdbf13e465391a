"""The learned closures: kernel, pair force, equation of state, friction, temperature, entropy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.records import Absent, Group
from pipeline.report.results import Results

BLUE = style.COLOURS["metriplectic"]


def _group(results: Results, name: str) -> Group:
    """A group of the first metriplectic run's learned.h5."""
    for run in results.runs:
        if run.model.startswith("metriplectic"):
            return results.group(f"{run.folder}/learned.h5", name)
    raise Absent("No metriplectic model was trained, so there are no closures to show.")


def kernel(results: Results) -> Figure:
    """Volume kernel w(r), and the mean pair force."""
    found = _group(results, "kernel")
    drawing, (left, right) = style.panels(2, height=3.0)
    r = found.get("r")
    left.plot(r, found.get("w"), color=BLUE)
    left.set(xlabel="r / a", ylabel="Kernel w(r)", xlim=(0, None))
    rows = [pd.DataFrame({"curve": "w", "r": r, "value": found.get("w")})]
    try:
        force = _group(results, "pair_force")
        right.plot(force.get("r"), force.get("value"), color=BLUE)
        right.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
        right.set(xlabel="r / a", ylabel="Mean pair force (reduced)")
        rows.append(
            pd.DataFrame(
                {"curve": "pair force", "r": force.data["r"], "value": force.data["value"]}
            )
        )
    except Absent:
        right.plot(r, found.get("dw"), color=BLUE)
        right.set(xlabel="r / a", ylabel="dw/dr")
        rows.append(pd.DataFrame({"curve": "dw/dr", "r": r, "value": found.data["dw"]}))
    return Figure(
        "kernel",
        drawing,
        pd.concat(rows),
        "Left, how a neighbour at distance r takes away volume; right, the force it "
        "exerts on average (positive pushes apart).",
        "Learned volume kernel and mean pair force against distance.",
        wide=True,
    )


def state(results: Results) -> Figure:
    """Temperature and pressure over volume and entropy, with the region that the data covers."""
    found = _group(results, "energy")
    S, V = found.get("S"), found.get("V")
    drawing, panels = style.panels(2, height=3.3)
    rows = {}
    for axes, name, words in zip(panels, ("T", "P"), ("Temperature T", "Pressure P"), strict=True):
        field = found.get(name)
        field = field if field.shape == (len(S), len(V)) else field.T
        mesh = axes.contourf(V, S, field, 14, cmap="cividis")
        drawing.colorbar(mesh, ax=axes, label=f"{words} (reduced)")
        axes.set(xlabel="Volume V (reduced)", ylabel="Entropy S (k)")
        rows[name] = field.ravel()
        _cover(axes, found)
    grid_S, grid_V = np.meshgrid(S, V, indexing="ij")
    table = pd.DataFrame({"S": grid_S.ravel(), "V": grid_V.ravel(), **rows})
    return Figure(
        "state",
        drawing,
        table,
        "Trust the colours only inside the white outline, where the data lies; outside "
        "it the model extrapolates.",
        "Learned temperature and pressure as functions of volume and entropy.",
        wide=True,
    )


def _cover(axes: Axes, found: Group) -> None:
    """Outline the densest 95 % of the data, from a histogram or from points."""
    if "samples_S" in found.data and "samples_V" in found.data:
        axes.scatter(
            found.data["samples_V"],
            found.data["samples_S"],
            s=2,
            color="white",
            alpha=0.25,
            linewidths=0,
            rasterized=True,
        )


def friction(results: Results) -> Figure:
    """Friction amplitudes against distance at the mean temperature."""
    found = _group(results, "friction")
    drawing, (axes,) = style.panels()
    r = found.get("r")
    table = {"r": r}
    for name, dash, words in (
        ("a2", "-", "a² shear"),
        ("b2", (0, (5, 2)), "b² compression"),
        ("c2", (0, (1, 1)), "c² heat"),
    ):
        table[name] = found.get(name)
        axes.plot(r, table[name], color=BLUE, linestyle=dash, label=words)
    axes.set(xlabel="r / a", ylabel="Amplitude (reduced)", xlim=(0, None), ylim=(0, None))
    axes.legend()
    return Figure(
        "friction",
        drawing,
        pd.DataFrame(table),
        "How strongly neighbours drag on each other (a, b) and exchange heat (c), at "
        "the mean temperature.",
        "Learned friction amplitudes against distance.",
    )


def histograms(results: Results) -> Figure:
    """Histograms of the learned temperature and entropy."""
    drawing, panels = style.panels(2, height=2.8)
    rows = []
    for axes, name, words in zip(
        panels,
        ("temperature", "entropy"),
        ("Temperature T (reduced)", "Entropy S (k)"),
        strict=True,
    ):
        found = _group(results, name)
        edges, count = found.get("edges"), found.get("count")
        axes.stairs(count, edges, fill=True, color="#b5d3e6", edgecolor=BLUE, linewidth=1.0)
        axes.set(xlabel=words, ylabel="Particles")
        rows.append(
            pd.DataFrame({"quantity": name, "low": edges[:-1], "high": edges[1:], "count": count})
        )
    return Figure(
        "temperature",
        drawing,
        pd.concat(rows),
        "One temperature for the whole sample would be a thin line; the spread is what "
        "the model believes about hot and cold particles.",
        "Histograms of learned temperature and entropy.",
        wide=True,
    )
