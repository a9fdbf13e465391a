"""Equations as MathML, by docutils' converter: no script and no font from a network."""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator


def mathml(node: nodes.Element, display: bool) -> str:
    """The equation of a math node.

    Raises:
        ExtensionError: if it holds a command that the converter does not know.
    """
    source = node.astext()
    try:
        return tex2mathml(source, as_block=display)
    except MathError as error:
        raise ExtensionError(f"The equation {source!r} cannot be converted: {error}") from error


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(mathml(node, display=False))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    mark = f' id="equation-{node["label"]}"' if node.get("label") else ""
    translator.body.append(f'<div class="equation"{mark}>{mathml(node, True)}{number}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
