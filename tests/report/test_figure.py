"""SVGs that can share a page, and downloads that say the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from pipeline.report import style
from pipeline.report.figure import Figure, embed, inline_svg, standalone


def drawing():
    figure, (axes,) = style.panels()
    axes.plot([0, 1], [0, 1], label="a < b & c")
    axes.set(xlim=(0.2, 0.8), xlabel="<script>alert(1)</script>")
    axes.legend()
    return figure


def plain(figure) -> Figure:
    return Figure("line", figure, pd.DataFrame({"x": [0, 1]}), "", "")


def test_ids_carry_the_figures_name() -> None:
    with style.context():
        one, other = inline_svg(drawing(), "one"), inline_svg(drawing(), "other")
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((one, other), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own


def test_text_stays_text_and_is_escaped() -> None:
    with style.context():
        svg = inline_svg(drawing(), "one")
    assert "&lt;script&gt;" in svg
    assert "<script" not in svg
    assert "a &lt; b &amp; c" in svg


def test_the_same_numbers_give_the_same_file() -> None:
    table = pd.DataFrame({"x": [0.1234567891, 2.0]})
    with style.context():
        first, again = (embed(Figure("f", drawing(), table, "", "")) for _ in range(2))
    assert first == again


def test_a_figure_stands_alone() -> None:
    made = embed(plain(drawing()))
    root = ElementTree.fromstring(standalone(made))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width", "").endswith("pt")
    assert root.get("aria-hidden") is None


def test_panels_side_by_side_are_cut_apart_without_loss() -> None:
    with style.context():
        figure, axes = style.panels(2, 2)
        figure.colorbar(axes[1].scatter([0, 1], [0, 1], c=[0, 1]), ax=axes[1])
        for panel in axes:
            panel.set(xlabel="x", ylabel="y", title="t")
        parts = [list(map(float, box.split())) for box in embed(plain(figure)).parts]
    width, height = (72 * size for size in figure.get_size_inches())
    assert len(parts) == 4
    assert sum(w * h for _, _, w, h in parts) == pytest.approx(width * height, rel=1e-3)
    for (x, y, w, h), panel in zip(parts, axes, strict=True):
        inner = panel.get_position()
        assert x <= width * inner.x0
        assert x + w >= width * inner.x1
        assert y <= height * (1 - inner.y1)
        assert y + h >= height * (1 - inner.y0)


def test_a_single_panel_is_not_cut() -> None:
    assert embed(plain(drawing())).parts == []
