"""How well the particles were found and followed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.records import Absent
from pipeline.report.results import Results

INK = style.COLOURS["experiment"]
FILL = "#9db7cc"


def _bars(axes: Axes, edges: np.ndarray, count: np.ndarray) -> None:
    axes.stairs(count, edges, fill=True, color=FILL, edgecolor=INK, linewidth=0.8)


def _histogram(part: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(part, dict) or not len(part.get("count", [])):
        raise Absent(f"The linking stored no {what}.")
    return np.asarray(part["edges"], float), np.asarray(part["count"], float)


def features(results: Results) -> Figure:
    """Histograms of mass and size of all detected features."""
    table = results.columns("features.parquet", "mass", "size")
    if table.empty:
        raise Absent("No particle was detected, so there are no masses and sizes to show.")
    drawing, axes = style.panels(2, height=3.0)
    rows = []
    for axis, column, words in zip(
        axes,
        ("mass", "size"),
        ("Mass (summed brightness)", "Size (radius of gyration, px)"),
        strict=True,
    ):
        values = table[column].to_numpy(float)
        values = values[np.isfinite(values)]
        count, edges = np.histogram(values, 80, range=(0, np.quantile(values, 0.999) * 1.05))
        _bars(axis, edges, count)
        axis.set(xlabel=words, ylabel="Features")
        rows.append(
            pd.DataFrame({"quantity": column, "low": edges[:-1], "high": edges[1:], "count": count})
        )
    return Figure(
        "features",
        drawing,
        pd.concat(rows),
        "One hump for each kind of particle and a clear foot towards zero mean a sound threshold; "
        "a hump cut off at its left edge means particles were thrown away.",
        f"Histograms of mass and size of {len(table)} detected features.",
        wide=True,
    )


def subpixel(results: Results) -> Figure:
    """Histogram of the fractional part of x and y, flat where centres are unbiased."""
    table = results.columns("features.parquet", "x", "y")
    if table.empty:
        raise Absent("No particle was detected, so there is no subpixel bias to show.")
    drawing, (axes,) = style.panels(height=2.8)
    edges = np.linspace(0, 1, 21)
    rows = {"low": edges[:-1], "high": edges[1:]}
    for column, dash in (("x", "-"), ("y", (0, (4, 2)))):
        count, _ = np.histogram(table[column].to_numpy(float) % 1, edges)
        rows[column] = count / count.mean()
        axes.stairs(
            rows[column],
            edges,
            baseline=None,
            color=INK,
            linestyle=dash,
            linewidth=1.6,
            label=column,
        )
    axes.axhline(1, color="#999999", linewidth=0.8)
    axes.set(xlabel="Position within the pixel (px)", ylabel="Features, relative to mean")
    axes.set_ylim(0, max(1.5, 1.1 * max(rows["x"].max(), rows["y"].max())))
    axes.legend(ncols=2)
    return Figure(
        "subpixel",
        drawing,
        pd.DataFrame(rows),
        "Flat lines mean that centres do not stick to the middle or the edge of pixels.",
        "Histogram of the fractional part of the x and y positions.",
    )


def counts(results: Results) -> Figure:
    """Number of particles found in each frame."""
    linking = results.json("linking.json")
    count = np.asarray(linking.get("per_frame", []), float)
    if not count.size:
        raise Absent("The linking stored no count per frame.")
    drawing, (axes,) = style.panels(height=2.6)
    axes.plot(count, color=INK, linewidth=1.2, marker="o" if len(count) < 30 else "")
    axes.set(xlabel="Frame", ylabel="Particles", ylim=(0, 1.15 * count.max()))
    return Figure(
        "counts",
        drawing,
        pd.DataFrame({"frame": np.arange(len(count)), "count": count}),
        "A level line: jumps would mean flicker, drift of focus or a threshold too near the "
        "particles.",
        f"Particles found per frame, between {count.min():.0f} and {count.max():.0f}.",
    )


def displacement(results: Results) -> Figure:
    """Displacements between frames against the search range."""
    linking = results.json("linking.json")
    edges, count = _histogram(linking.get("displacement"), "displacements")
    drawing, (axes,) = style.panels(height=2.8)
    _bars(axes, edges, count)
    search = float(linking["search_range"])
    axes.axvline(search, color="#D55E00", linewidth=1.6)
    axes.annotate(
        f"search range {search:.3g} px",
        (search, 0.96),
        (-5, 0),
        ha="right",
        va="top",
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color="#A84A00",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
    axes.set(xlabel="Displacement between frames (px)", ylabel="Links (log scale)", yscale="log")
    axes.set(xlim=(0, max(search * 1.04, edges[-1])), ylim=(0.6, 12 * count.max()))
    return Figure(
        "displacement",
        drawing,
        pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count}),
        "The histogram should have died out well before the search range; a wall there means "
        "particles were lost or exchanged.",
        f"Histogram of displacements between frames, with the search range of {search:.3g} px.",
    )


def lengths(results: Results) -> Figure:
    """Lengths of the tracks."""
    linking = results.json("linking.json")
    edges, count = _histogram(linking.get("length"), "track lengths")
    drawing, (axes,) = style.panels(height=2.8)
    _bars(axes, edges, count)
    axes.set(xlabel="Track length (frames)", ylabel="Tracks")
    return Figure(
        "lengths",
        drawing,
        pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count}),
        "Most tracks should last the whole video; many short ones mean particles are lost and "
        "found again under a new name.",
        f"Histogram of the lengths of {count.sum():.0f} tracks.",
    )
