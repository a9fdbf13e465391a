"""Fields over the sample: where particles rearrange and how they move over a lag."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Group, Results


def _chosen(results: Results, group: str) -> dict[str, Group]:
    """The experiment, and one seed of each model."""
    found = results.statistics(group)
    kept: dict[str, Group] = {}
    for source, value in found.items():
        if style.model_of(source) not in map(style.model_of, kept) and source != "truth":
            kept[source] = value
    return kept


def _frame(axes: Axes, results: Results, first: bool) -> None:
    unit = results.unit("length")
    axes.set(aspect="equal", xlabel=style.quantity("x", unit))
    axes.set_ylabel(style.quantity("y", unit) if first else "")
    axes.invert_yaxis()  # as in the video: y points down
    axes.spines[["top", "right"]].set_visible(True)


def _height(groups: dict[str, Group], columns: int) -> float:
    """Panel height in inches that fits the fields' own shape."""
    spans = np.ptp(np.concatenate([group.get("position") for group in groups.values()]), axis=0)
    return float(np.clip(7.6 / columns * spans[1] / max(spans[0], 1e-12) + 0.9, 2.2, 6.0))


def _when(group: Group, results: Results) -> str:
    unit = results.unit("time")
    lag = group.attrs.get("lag")
    return f" over a lag of {lag:.4g} {unit}".rstrip() if lag is not None else ""


def d2min(results: Results) -> Figure:
    """D2min of every particle, experiment and models on one colour scale."""
    found = _chosen(results, "d2min_map")
    columns = min(len(found), 2)
    rows = -(-len(found) // columns)
    drawing, panels = style.panels(columns, rows, height=_height(found, columns))
    values = np.concatenate([group.get("value") for group in found.values()])
    positive = values[values > 0]
    low, high = np.quantile(positive, [0.05, 0.998])
    norm = LogNorm(low, max(high, 1.01 * low), clip=True)
    area = _dot(found)
    for k, (source, group) in enumerate(found.items()):
        position, value = group.get("position"), group.get("value")
        order = np.argsort(value)  # the active ones on top
        dots = panels[k].scatter(
            *position[order, :2].T,
            c=np.maximum(value[order], low),
            s=area,
            cmap=style.MAP,
            norm=norm,
            linewidths=0,
            rasterized=True,
        )
        panels[k].set_title(style.name(source))
        _frame(panels[k], results, k % columns == 0)
    for spare in panels[len(found) :]:
        spare.set_visible(False)
    drawing.colorbar(dots, ax=panels, label="D²min per bond", shrink=0.8, extend="both", pad=0.01)
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "source": source,
                    "x": g.data["position"][:, 0],
                    "y": g.data["position"][:, 1],
                    "d2min": g.data["value"],
                }
            )
            for source, g in found.items()
        ]
    )
    lag = _when(next(iter(found.values())), results)
    return Figure(
        "d2min_map",
        drawing,
        table,
        f"Dark spots are places that rearranged{lag}; compare where they lie and how "
        "many there are, on one colour scale.",
        f"Maps of D2min{lag} for " + ", ".join(map(style.name, found)) + ".",
        wide=True,
    )


def _dot(groups: dict[str, Group]) -> float:
    """Marker area in points^2 such that dots of the densest map nearly touch."""
    count = max(len(group.data["position"]) for group in groups.values())
    return float(np.clip(0.55 * (260.0**2) / max(count, 1), 1.0, 60.0))


def streamlines(results: Results) -> Figure:
    """Displacements over a lag, averaged on a grid, as streamlines coloured by size."""
    found = _chosen(results, "streamlines")
    columns = min(len(found), 2)
    rows = -(-len(found) // columns)
    drawing, panels = style.panels(columns, rows, height=_height(found, columns))
    sizes = [np.linalg.norm(group.get("displacement"), axis=1) for group in found.values()]
    top = float(np.quantile(np.concatenate(sizes), 0.99)) or 1.0
    for k, (source, group) in enumerate(found.items()):
        x, y, field = _grid(group)
        speed = np.hypot(field[0], field[1])
        lines = panels[k].streamplot(
            x,
            y,
            field[0],
            field[1],
            color=speed,
            cmap="viridis_r",
            density=1.5,
            linewidth=1.0,
            arrowsize=0.7,
            norm=Normalize(0, top, clip=True),
        )
        panels[k].set_title(style.name(source))
        _frame(panels[k], results, k % columns == 0)
    for spare in panels[len(found) :]:
        spare.set_visible(False)
    drawing.colorbar(
        lines.lines,
        ax=panels,
        shrink=0.8,
        pad=0.01,
        label=style.quantity("Displacement", results.unit("length")),
    )
    table = pd.concat(
        [
            pd.DataFrame(
                np.hstack([g.data["position"][:, :2], g.data["displacement"][:, :2]]),
                columns=["x", "y", "dx", "dy"],
            ).assign(source=s)
            for s, g in found.items()
        ]
    )
    lag = _when(next(iter(found.values())), results)
    return Figure(
        "streamlines",
        drawing,
        table,
        f"The paths of displacement{lag}: swirls and saddles mark dislocations that glide.",
        f"Streamlines of displacement{lag} for " + ", ".join(map(style.name, found)) + ".",
        wide=True,
    )


def _grid(group: Group, cells: int = 36) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Displacements averaged with a Gaussian of one cell on a regular grid.

    Returns x (nx,), y (ny,) and the field (2, ny, nx), NaN where no particle is near.
    """
    position, displacement = group.get("position")[:, :2], group.get("displacement")[:, :2]
    low, high = position.min(axis=0), position.max(axis=0)
    width = max((high - low).max() / cells, 1e-12)
    axes = [np.linspace(low[k], high[k], max(4, round((high[k] - low[k]) / width))) for k in (0, 1)]
    fields = []
    weights = [np.exp(-0.5 * ((axes[k][:, None] - position[:, k]) / width) ** 2) for k in (0, 1)]
    total = weights[1] @ weights[0].T
    for k in (0, 1):
        mean = (weights[1] * displacement[:, k]) @ weights[0].T / np.maximum(total, 1e-12)
        fields.append(np.where(total > 0.05, mean, np.nan))
    return axes[0], axes[1], np.array(fields)
