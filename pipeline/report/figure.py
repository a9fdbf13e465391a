"""A figure as the page needs it: inline SVG, PDF and CSV for download, caption and alt text."""

from __future__ import annotations

import base64
import io
import re
from itertools import pairwise
from typing import NamedTuple

import matplotlib.figure
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

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


def side_by_side_parts(drawing: Drawing) -> list[Part]:
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


DPI = 170  # of rasterised artists: dense maps, video frames


class Figure(NamedTuple):
    """A drawn figure.

    name: slug, unique on the page; drawing: the matplotlib figure; table: the numbers drawn;
    caption: one sentence saying what to see; alt: what a reader who cannot see it is told;
    wide: True where several panels stand side by side.
    """

    name: str
    drawing: matplotlib.figure.Figure
    table: pd.DataFrame
    caption: str
    alt: str
    wide: bool = False


class Embedded(NamedTuple):
    """A figure turned to text for the template; `csv` and `pdf` are data URIs.

    parts: view boxes of its panels, which a narrow screen shows one below the other.
    """

    name: str
    svg: str
    pdf: str
    csv: str
    caption: str
    alt: str
    wide: bool
    parts: list[str]


def data_uri(content: bytes, kind: str) -> str:
    """`content` as a data URI of MIME type `kind`."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def table_uri(table: pd.DataFrame) -> str:
    """A table as the data URI of a CSV file, six significant digits."""
    return data_uri(table.to_csv(index=False, float_format="%.6g").encode(), "text/csv")


def _svg(drawing: matplotlib.figure.Figure) -> str:
    # Straight through the canvas: savefig would draw everything twice.
    drawing.set_dpi(DPI)
    stream = io.StringIO()
    FigureCanvasSVG(drawing).print_svg(stream, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _pdf(drawing: matplotlib.figure.Figure) -> bytes:
    drawing.set_dpi(DPI)
    stream = io.BytesIO()
    FigureCanvasPdf(drawing).print_pdf(stream, metadata={"CreationDate": None})
    return stream.getvalue()


def inline_svg(drawing: matplotlib.figure.Figure, name: str) -> str:
    """The drawing as an <svg> element whose ids carry the figure's name.

    Several SVGs in one page share one space of ids, and matplotlib numbers from one each time.
    """
    text = _svg(drawing)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="|url\()#', rf"\g<1>#{name}-", text)
    # The page sizes it and names it; the frame of the file must not.
    text = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", text, count=1)
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def embed(figure: Figure) -> Embedded:
    """Render a figure once for the page and once for each download."""
    svg = inline_svg(figure.drawing, figure.name)
    parts = [part.box for part in side_by_side_parts(figure.drawing)]
    figure.drawing.set_layout_engine("none")  # laid out once is enough
    return Embedded(
        figure.name,
        svg,
        data_uri(_pdf(figure.drawing), "application/pdf"),
        table_uri(figure.table),
        figure.caption,
        figure.alt,
        figure.wide,
        parts,
    )


def standalone(figure: Embedded) -> str:
    """The drawing as an SVG file that opens by itself."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', figure.svg)
    if size is None:
        raise ValueError(f"The drawing {figure.name} has no viewBox: matplotlib writes one.")
    frame = f'<svg width="{size[1]}pt" height="{size[2]}pt" '
    hidden = '<svg aria-hidden="true" focusable="false" '
    return '<?xml version="1.0" encoding="utf-8"?>\n' + figure.svg.replace(hidden, frame, 1)
