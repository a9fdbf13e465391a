"""The learned closures: pair law, equation of state, friction, temperature and entropy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import zero
from pipeline.report.records import Absent, Group
from pipeline.report.results import Results

BLUE = style.COLOURS["metriplectic"]
PALE = "#b5d3e6"
DISTANCE = "Distance r / a"


def group(results: Results, name: str) -> Group:
    """A group of the first metriplectic run's learned.h5, in reduced units."""
    for run in results.runs:
        if run.model.startswith("metriplectic"):
            return results.group(f"{run.folder}/learned.h5", name)
    raise Absent("No metriplectic model was trained, so there are no closures to show.")


def pair_law(results: Results) -> Figure:
    """Volume kernel, mean pair force and mean pair friction against distance."""
    drawing, panels = style.panels(3, height=3.0)
    found, rows = group(results, "kernel"), []
    r = found.get("r")
    panels[0].plot(r, found.get("w"), color=BLUE)
    panels[0].set_ylabel("Kernel w(r)")
    for key in ("w", "dw"):
        rows.append(pd.DataFrame({"curve": key, "r": r, "value": found.get(key)}))
    for axes, name, words in zip(
        panels[1:], ("pair_force", "pair_friction"), ("Force (m a/dt²)", "Friction (m/dt)"),
        strict=True,
    ):  # fmt: skip
        law = group(results, name)
        for key, dash, label in (("value", "-", "along r"), ("across", (0, (4, 2)), "across r")):
            if key in law.data:
                axes.plot(law.get("r"), law.get(key), color=BLUE, linestyle=dash, label=label)
                columns = {"curve": f"{name} {label}", "r": law.get("r"), "value": law.get(key)}
                rows.append(pd.DataFrame(columns))
        axes.set_ylabel(words)
        zero(axes)
    panels[2].legend()
    for axes in panels:
        axes.set(xlabel=DISTANCE, xlim=(0.95 * r.min(), 1.01 * r.max()))
    return Figure(
        "pair_law",
        drawing,
        pd.concat(rows),
        "Left, how much a neighbour at distance r takes part in the local density; middle, the "
        "mean force between neighbours (positive pushes apart); right, how they slow each other.",
        "Learned volume kernel, mean pair force and pair friction against distance.",
        wide=True,
    )


def state(results: Results) -> Figure:
    """Temperature and pressure over volume and entropy, with the states that the data visit."""
    found = group(results, "energy")
    S, V = found.get("S"), found.get("V")
    drawing, panels = style.panels(2, height=3.6)
    grid_S, grid_V = np.meshgrid(S, V, indexing="ij")
    table = {"S": grid_S.ravel(), "V": grid_V.ravel(), "U": found.get("U").ravel()}
    for axes, name, words in zip(panels, ("T", "P"), ("Temperature T", "Pressure P"), strict=True):
        field = found.get(name)
        mesh = axes.contourf(V, S, field, 16, cmap="cividis")
        unit = "m a²/dt² k" if name == "T" else "reduced"
        drawing.colorbar(mesh, ax=axes, label=f"{words} ({unit})", format="%.3g")
        axes.set(xlabel="Volume V (reduced)", ylabel="Entropy S (k)")
        table[name] = field.ravel()
        _cover(axes, found)
    return Figure(
        "state",
        drawing,
        pd.DataFrame(table),
        "White dots are the states that particles of the training data visit; colours away from "
        "them are extrapolated.",
        "Learned temperature and pressure as functions of volume and entropy.",
        wide=True,
    )


def _cover(axes: Axes, found: Group) -> None:
    S, V = found.get("samples_S"), found.get("samples_V")
    axes.scatter(V, S, s=3, color="white", alpha=0.5, linewidths=0, rasterized=True)


def friction(results: Results) -> Figure:
    """Friction amplitudes against distance at the mean temperature."""
    found = group(results, "friction")
    drawing, (axes,) = style.panels(height=3.0)
    r = found.get("r")
    table = {"r": r}
    for name, dash, words in (
        ("a2", "-", "a², shear"),
        ("b2", (0, (5, 2)), "b², compression"),
        ("c2", (0, (1, 1)), "c², heat"),
    ):
        table[name] = found.get(name)
        axes.plot(r, table[name], color=BLUE, linestyle=dash, label=words)
    axes.set(xlabel=DISTANCE, ylabel="Amplitude (reduced)", ylim=(0, None))
    axes.legend()
    return Figure(
        "friction",
        drawing,
        pd.DataFrame(table),
        "How strongly neighbours drag on each other (a, b) and exchange heat (c), at the mean "
        "temperature.",
        "Learned friction amplitudes a², b² and c² against distance.",
    )


def histograms(results: Results) -> Figure:
    """Histograms of the learned temperature and entropy."""
    drawing, panels = style.panels(2, height=2.8)
    rows = []
    for axes, name, words in zip(
        panels, ("temperature", "entropy"), ("Temperature T (m a²/dt² k)", "Entropy S (k)"),
        strict=True,
    ):  # fmt: skip
        rows.append(histogram(axes, group(results, name), words).assign(quantity=name))
    return Figure(
        "temperature",
        drawing,
        pd.concat(rows),
        "A sample at one temperature would be a thin line on the left; the spread is how "
        "differently hot the model takes particles to be.",
        "Histograms of learned temperature and entropy.",
        wide=True,
    )


def histogram(axes: Axes, found: Group, words: str) -> pd.DataFrame:
    """Draws counts between edges, and returns them as a table."""
    edges, count = found.get("edges"), found.get("count")
    axes.stairs(count, edges, fill=True, color=PALE, edgecolor=BLUE, linewidth=1.0)
    axes.set(xlabel=words, ylabel="Particles")
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count})
