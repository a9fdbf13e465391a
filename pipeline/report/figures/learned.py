"""The learned closures: pair law, equation of state, friction, temperature and entropy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import zero
from pipeline.report.figures.scales import metriplectic, scales
from pipeline.report.records import Group
from pipeline.report.results import Results
from pipeline.report.words import percent

BLUE = style.COLOURS["metriplectic"]
PALE = "#b5d3e6"


def group(results: Results, name: str) -> Group:
    """A group of the first metriplectic run's learned.h5, in reduced units."""
    return results.group(f"{metriplectic(results).folder}/learned.h5", name)


def pair_law(results: Results) -> Figure:
    """Volume kernel, mean pair force and mean pair friction against distance."""
    drawing, panels = style.panels(3, height=3.0)
    found, unit, rows = group(results, "kernel"), scales(results), []
    r = unit.length * found.get("r")
    w = found.get("w") / unit.volume
    panels[0].plot(r, w, color=BLUE)
    panels[0].set_ylabel(style.quantity("Kernel w", unit.per("1", unit.volume_unit)))
    rows.append(pd.DataFrame({"curve": "kernel", "r": r, "value": w}))
    force = unit.per("kT", unit.length_unit), 1 / (unit.temperature * unit.length)
    for axes, name, (of, factor) in zip(
        panels[1:],
        ("pair_force", "pair_friction"),
        (force, (unit.per("1", unit.time_unit), 1 / unit.time)),
        strict=True,
    ):
        law = group(results, name)
        for key, dash, label in (("value", "-", "along r"), ("across", (0, (4, 2)), "across r")):
            if key in law.data:
                x, y = unit.length * law.get("r"), factor * law.get(key)
                axes.plot(x, y, color=BLUE, linestyle=dash, label=label)
                rows.append(pd.DataFrame({"curve": f"{name} {label}", "r": x, "value": y}))
        words = "Force" if name == "pair_force" else "Friction over mass"
        axes.set_ylabel(style.quantity(words, of))
        zero(axes)
    panels[2].legend()
    for axes in panels:
        axes.set(xlabel=unit.distance, xlim=(0.95 * r.min(), 1.01 * r.max()))
    return Figure(
        "pair_law",
        drawing,
        pd.concat(rows),
        "First, how much a neighbour at distance r takes part in the local density; second, the "
        "mean force between neighbours (positive pushes apart; kT is the mean kinetic temperature, "
        "since a video tells no masses); third, how they slow each other.",
        "Learned volume kernel, mean pair force and pair friction against distance.",
        wide=True,
    )


def state(results: Results) -> Figure:
    """Temperature and pressure over volume and entropy, with the states that the data visit."""
    found, unit = group(results, "energy"), scales(results)
    S, V = found.get("S"), unit.volume * found.get("V")
    drawing, panels = style.panels(2, height=3.6)
    grid_S, grid_V = np.meshgrid(S, V, indexing="ij")
    table = {"S": grid_S.ravel(), "V": grid_V.ravel()}
    pressure = style.quantity("Pressure", unit.per("kT", unit.volume_unit))
    for axes, name, words, factor in zip(
        panels,
        ("T", "P"),
        ("Temperature / mean", pressure),
        (1 / unit.temperature, 1 / (unit.temperature * unit.volume)),
        strict=True,
    ):
        field = factor * found.get(name)
        mesh = axes.contourf(V, S, field, 16, cmap="cividis")
        drawing.colorbar(mesh, ax=axes, label=words, ticks=MaxNLocator(5))
        axes.set(xlabel=style.quantity("Volume V", unit.volume_unit), ylabel="Entropy S (k)")
        table[name] = field.ravel()
        x, y = unit.volume * found.get("samples_V"), found.get("samples_S")
        axes.scatter(x, y, s=3, color="white", alpha=0.5, linewidths=0, rasterized=True)
    return Figure(
        "state",
        drawing,
        pd.DataFrame(table),
        "White dots are the states that particles of the training data visit; colours away from "
        "them are extrapolated.",
        "Learned temperature and pressure as functions of volume and entropy.",
        wide=True,
    )


def friction(results: Results) -> Figure:
    """What the amplitudes make of friction and heat exchange, at the mean temperature."""
    found, unit = group(results, "friction"), scales(results)
    drawing, (drag, heat) = style.panels(2, height=3.0)
    T, r = unit.temperature, unit.length * found.get("r")
    table = {"r": r}
    for axes, name, dash, words, factor in (
        (drag, "a2", "-", "a² / 2kT, shear", 0.5 / T),
        (drag, "b2", (0, (5, 2)), "b² / 2kT, compression", 0.5 / T),
        (heat, "c2", "-", "c² / kT²", 1 / T**2),
    ):
        table[name] = factor / unit.time * found.get(name)
        axes.plot(r, table[name], color=BLUE, linestyle=dash, label=words)
    drag.set_ylabel(style.quantity("Friction over mass", unit.per("1", unit.time_unit)))
    heat.set_ylabel(style.quantity("Heat conductance", unit.per("k", unit.time_unit)))
    for axes in (drag, heat):
        axes.margins(y=0.4)  # room for the names above the curves
        axes.set(xlabel=unit.distance, ylim=(0, None))
        axes.legend(loc="upper right")
    return Figure(
        "friction",
        drawing,
        pd.DataFrame(table),
        "First, how strongly neighbours drag on each other when they slide past or approach; "
        "second, how they exchange heat. Both at the mean temperature.",
        "Learned friction amplitudes a², b² and heat exchange c² against distance.",
        wide=True,
    )


def histograms(results: Results) -> Figure:
    """Histograms of the learned temperature and entropy."""
    drawing, panels = style.panels(2, height=2.8)
    found, mean = group(results, "temperature"), scales(results).temperature
    relative = Group({**found.data, "edges": found.get("edges") / mean}, found.attrs)
    rows = [histogram(panels[0], relative, "Temperature / mean").assign(quantity="temperature")]
    table = histogram(panels[1], group(results, "entropy"), "Entropy S (k)")
    rows.append(table.assign(quantity="entropy"))
    return Figure(
        "temperature",
        drawing,
        pd.concat(rows),
        "A sample in equilibrium has one temperature: the spread, "
        f"{percent(_spread(rows[0]))} (rms), is the model's. "
        "Several humps mean that kinds of particles, which take up different volumes, pass for "
        "differently warm ones, since one equation of state serves for all.",
        "Histograms of learned temperature and entropy.",
        wide=True,
    )


def _spread(table: pd.DataFrame) -> float:
    """Standard deviation over mean of a histogram."""
    centre, count = (table["low"] + table["high"]) / 2, table["count"]
    mean = float((centre * count).sum() / count.sum())
    return float(np.sqrt((count * (centre - mean) ** 2).sum() / count.sum())) / mean


def histogram(axes: Axes, found: Group, words: str) -> pd.DataFrame:
    """Draws counts between edges, and returns them as a table."""
    edges, count = found.get("edges"), found.get("count")
    axes.stairs(count, edges, fill=True, color=PALE, edgecolor=BLUE, linewidth=1.0)
    axes.set(xlabel=words, ylabel="Particles")
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count})
