"""Panels that stand side by side in a drawing, cut apart for a narrow screen."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

POINTS = 72  # per inch: what the coordinates of an SVG count here
MARGIN = 2.0  # points left free before the next panel begins


class Part(NamedTuple):
    """A rectangle of a drawing [points], y downwards as in SVG."""

    x: float
    y: float
    width: float
    height: float

    @property
    def box(self) -> str:
        """As a viewBox."""
        return " ".join(f"{value:.1f}" for value in self)


def parts(drawing: Figure) -> list[Part]:
    """One part per panel, in reading order; none where no two stand side by side.

    A part begins where its panel or that panel's labels begin and ends where the next one does, so
    that a colour bar goes with the panel at its left.

    Args:
        drawing: laid out already, i.e. drawn once.
    """
    panels = [axes for axes in drawing.axes if axes.get_subplotspec() and axes.get_visible()]
    place = {axes: _cell(axes) for axes in panels}
    if len({column for _, column in place.values()}) < 2:
        return []
    renderer = FigureCanvasAgg(drawing).get_renderer()
    scale = POINTS / drawing.get_dpi()
    left: dict[int, float] = {}
    top: dict[int, float] = {}
    for axes, (row, column) in place.items():
        edge = axes.get_tightbbox(renderer)
        assert edge is not None  # a visible panel has an extent
        left[column] = min(left.get(column, edge.x0), edge.x0)
        top[row] = max(top.get(row, edge.y1), edge.y1)
    width, height = (POINTS * size for size in drawing.get_size_inches())
    x = _bounds([scale * left[column] for column in sorted(left)], width)
    y = _bounds([height - scale * top[row] for row in sorted(top)], height)
    return [
        Part(x[column][0], y[row][0], x[column][1] - x[column][0], y[row][1] - y[row][0])
        for row, column in sorted(place.values())
    ]


def _cell(axes: Axes) -> tuple[int, int]:
    """Row and column of a panel in its grid."""
    place = axes.get_subplotspec()
    assert place is not None
    return place.rowspan.start, place.colspan.start


def _bounds(begins: list[float], end: float) -> list[tuple[float, float]]:
    """(begin, end) of each stretch; the first begins at zero, each ends where the next begins."""
    cuts = [0.0, *(begin - MARGIN for begin in begins[1:]), end]
    return list(pairwise(cuts))
