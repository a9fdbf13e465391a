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


@pytest.mark.parametrize("model", [m for m in style.COLOURS if m not in ("experiment", "truth")])
def test_every_model_has_a_look_of_its_own(model: str) -> None:
    assert style.line(f"{model}_seed3") == style.line(model)
    others = [style.COLOURS[m] for m in style.COLOURS if m != model]
    assert style.COLOURS[model] not in others


def test_a_figure_stands_alone() -> None:
    made = embed(Figure("line", drawing(), pd.DataFrame({"x": [0, 1]}), "", ""))
    root = ElementTree.fromstring(standalone(made))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width", "").endswith("pt")
    assert root.get("aria-hidden") is None
