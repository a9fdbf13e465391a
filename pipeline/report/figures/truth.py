"""What the simulation knows: tracking and model against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table, number

WORDS = {
    "recall": "Share of true particles that were found (recall)",
    "precision": "Share of found particles that are true (precision)",
    "position_error_px": "Position error, rms per component (px)",
}


def _flat(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows = []
    for key, value in content.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}: ")
        elif isinstance(value, (int, float, str, bool)) or value is None:
            rows.append((f"{prefix}{key}", value))
    return rows


def summary(results: Results) -> Table:
    """Every single number of truth.json; curves are left to the figures."""
    rows = [
        [WORDS.get(key, key.replace("_", " ").capitalize()), number(value)]
        for key, value in _flat(results.json("truth.json"))
    ]
    if not rows:
        raise Absent("The comparison with the truth holds no numbers.")
    return Table(
        "truth",
        ["Quantity", "Value"],
        rows,
        "What was found, measured against the simulation that made the video.",
        pd.DataFrame(rows, columns=["Quantity", "Value"]),
    )


def pair(results: Results) -> Figure:
    """Learned against true pair force and friction (the matched data set)."""
    curves = results.json("truth.json")
    curves = curves.get("curves", curves)
    if "force_true" not in curves or "r" not in curves:
        raise Absent(
            "The true pair law lies outside what the model can represent, so learned and "
            "true forces are not compared; the data set colloids_matched does that."
        )
    r = np.asarray(curves["r"], float)
    drawing, panels = style.panels(2, height=3.1)
    table = {"r": r}
    for axes, name in zip(panels, ("force", "friction"), strict=True):
        for kind, look in (
            ("true", style.line("truth")),
            ("learned", style.line("metriplectic")),
            ("learned_tracks", style.line("metriplectic_no_udev")),
        ):
            values = curves.get(f"{name}_{kind}")
            if values is None:
                continue
            table[f"{name}_{kind}"] = np.asarray(values, float)
            axes.plot(r, table[f"{name}_{kind}"], label=kind.replace("_", " from "), **look)
        axes.set(xlabel="r / a", ylabel=f"Pair {name} (reduced)")
        axes.legend()
    return Figure(
        "truth_pair",
        drawing,
        pd.DataFrame(table),
        "Learned and true laws should lie on each other wherever pairs occur.",
        "Learned against true pair force and friction.",
        wide=True,
    )
