"""What all curve figures share: one line per source, its interval as a band, its numbers long."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.records import Absent, Group
from pipeline.report.results import Results

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
