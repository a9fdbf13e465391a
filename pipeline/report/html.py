"""Pages from templates, each one file that loads nothing, and numbers as people write them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import Any, Protocol

import jinja2
import numpy as np
from markupsafe import Markup, escape

from pipeline.errors import InputError
from pipeline.files import whole

HERE = Path(__file__).parent
MINUS = re.compile(r"(?<=[\s(])-(?=[\d.])")
LIMIT = 15e6  # bytes of a finished page


def number(value: Any) -> str:
    """A value as people write it: three significant digits, a dash where there is none."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(number(part) for part in value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if not np.isfinite(value):
            return "–"
        if value == round(value) and abs(value) < 1e6:
            return f"{value:.0f}".replace("-", "−")
        digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        return digits.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    return "–" if value is None else str(value)


def interval(value: float, low: float, high: float) -> str:
    """ "0.2 (95 %: 0.19 to 0.21)"."""
    return f"{number(value)} (95 %: {number(low)} to {number(high)})"


def percent(value: float) -> str:
    """0.0712 -> "7.1 %"; a dash for NaN; what is left of rounding is 0."""
    if abs(value) < 1e-8:
        return "0 %"
    return f"{number(float(f'{100 * value:.2g}'))} %" if np.isfinite(value) else "–"


def render(template: str, **values: Any) -> str:
    """The page as text.

    Args:
        template: a file beside this one that extends base.html.
        values: what it shows; `title` and `start`, the id of the main content, always.
    """
    script = (HERE / "script.js").read_text()
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup((HERE / "style.css").read_text()),
            script=Markup(script),
            fingerprint=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            **values,
        )
    )


def save(path: str | os.PathLike[str], text: str) -> None:
    """Write a page; it appears whole or not at all.

    Raises:
        InputError: if the page would exceed 15 MB.
    """
    content = text.encode(errors="backslashreplace")  # names of files may be no text
    if len(content) > LIMIT:
        raise InputError(
            f"The report would be {len(content) / 1e6:.1f} MB and must stay under "
            f"{LIMIT / 1e6:.0f} MB: compare fewer models in one report (settings: models)."
        )
    with whole(path) as partial:
        partial.write_bytes(content)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"drawing": _drawing, "rich": _rich}
    return environment


class Drawn(Protocol):
    """What has a drawing as SVG text of ours."""

    @property
    def svg(self) -> str: ...


def _drawing(figure: Drawn) -> Markup:
    """matplotlib escapes the text it sets, so its SVG may stand in the page as it is."""
    return Markup(figure.svg)


def _rich(text: str) -> Markup:
    """Escaped text with D²min and minus signs as they should be, and no line that begins with %."""
    escaped = MINUS.sub("−", str(escape(text)).replace(" %", "\u00a0%"))
    return Markup(escaped.replace("D²min", "D²<sub>min</sub>"))
