"""What the simulation knows: tracking, rearrangements and pair law against it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.pair_force import distance
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures import learned
from pipeline.report.figures.curves import zero
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table

WORDS = {
    "recall": "Share of true particles found (recall)",
    "precision": "Share of found particles that are true (precision)",
    "position_error_px": "Position error, rms per component (px)",
    "position_error_static_px": "of which constant along a track (px)",
    "position_error_fluctuating_px": "of which changing from frame to frame (px)",
    "identity_swaps": "Tracks that pass from one particle to another",
    "velocity: true": "True velocity, rms per component (px/frame)",
    "velocity: error": "Velocity error from localisation (px/frame)",
    "velocity: error_instantaneous": "Velocity error, finite interval included (px/frame)",
    "velocity: variance_ratio": "Variance of tracked over true velocity",
    "law: regime": "Motion of the simulated particles",
    "law: diffusion": "Diffusion coefficient of a particle alone (units of the trajectory)",
}
ASIDE = ("margin_px", "tolerance_px", "matched", "frames")
# Records of the pair law, from the law itself to what tracks show of it: name, colour, dash.
RECORDS: dict[str, tuple[str, str, Any]] = {
    "bare": ("law of the simulation", "#c4c4c4", "-"),
    "true": ("seen in true positions", style.COLOURS["truth"], style.DASHES["truth"]),
    "tracks": ("seen in tracks", "#D55E00", (0, (1, 1))),
    "tracks_instrumented": ("seen in tracks, noise removed", "#009E73", (0, (5, 1, 1, 1))),
}


def _flat(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows = []
    for key, value in content.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}: ")
        elif isinstance(value, (int, float, str, bool)) or value is None:
            rows.append((f"{prefix}{key}", value))
    return rows


def _worded(key: str) -> str:
    return key.replace("_", " ").capitalize()


def tracking(results: Results) -> Table:
    """The single numbers of truth.json; curves are left to the figures."""
    found = results.json("truth.json")
    single = [(k, v) for k, v in _flat(found) if k not in ASIDE and "summary" not in k]
    rows = [
        # 0.9999 is not 1 here.
        [WORDS.get(k, _worded(k)), f"{v:.4f}" if k in ("recall", "precision") else number(v)]
        for k, v in single
    ]
    if not rows:
        raise Absent("The comparison with the truth holds no numbers.")
    caption = "What was found, measured against the simulation that made the video."
    if all(key in found for key in ASIDE):
        caption += (
            f" {found['matched']} matches within {number(found['tolerance_px'])} px in "
            f"{found['frames']} frames, {number(found['margin_px'])} px along the edges left out."
        )
    columns = ["Quantity", "Value"]
    return Table("truth", columns, rows, caption, pd.DataFrame(rows, columns=columns))


def amplitude(results: Results) -> Table:
    """Mean D2min of the experiment and of each model over that of the truth, at a few lags."""
    found = results.statistics("d2min")
    if "truth" not in found:
        raise Absent("The true rearrangements were not measured.")
    truth = found.pop("truth")
    lag = truth.get("lag")
    chosen = np.unique(np.linspace(0, len(lag) - 1, 5).round().astype(int))
    rows = []
    for source, group in found.items():
        common = {
            int(k): value for k, value in zip(group.get("lag"), group.get("mean"), strict=True)
        }
        ratios = [common.get(int(lag[k]), np.nan) / truth.get("mean")[k] for k in chosen]
        rows.append([style.label(source, list(found)), *(number(float(r)) for r in ratios)])
    columns = ["Mean D²min over the true one", *(f"lag {lag[k]:.0f}" for k in chosen)]
    text = (
        "One is right. Lags in frames; the truth is measured without a microscope, so at short "
        "lags localisation error lifts the others above it."
    )
    return Table("amplitude", columns, rows, text, pd.DataFrame(rows, columns=columns))


def _curves(content: dict[str, Any]) -> dict[str, Any]:
    """The dictionary of pair curves, wherever truth.json keeps it."""
    if "force_true" in content and "r" in content:
        return content
    for value in content.values():
        if isinstance(value, dict) and (found := _curves(value)):
            return found
    return {}


def force(results: Results) -> Figure:
    """The pair force over kT that the particles of this film were given, and the learned one."""
    law = results.json("truth.json").get("law")
    if not law:
        raise Absent("The forces of this simulation are shown as the law of its pairs.")
    r, f = np.asarray(law["r"], float), np.asarray(law["force_kT"], float)
    drawing, (axes,) = style.panels(height=3.0)
    colour, dash = style.COLOURS["truth"], style.DASHES["truth"]
    axes.plot(r, f, color=colour, linestyle=dash, label="law of the simulation")
    rows, said = [pd.DataFrame({"source": "law", "r": r, "force_kT": f})], ""
    with suppress(Absent):
        found, unit = learned.group(results, "pair_force"), learned.scales(results)
        x, y = unit.length * found.get("r"), found.get("value") / (unit.temperature * unit.length)
        axes.plot(x, y, color=style.COLOURS["metriplectic"], label="learned from tracks")
        rows.append(pd.DataFrame({"source": "learned", "r": x, "force_kT": y}))
        apart = distance("force", y, np.interp(x, r, f, right=0.0), found.get("count"))
        said = (
            f" The learned force is off by {percent(apart['force_error'])} (rms over pairs, of the "
            f"rms force), {number(apart['force_ratio'])} times the true one."
        )
    seen = results.statistic("experiment", "rdf")
    least = max(r[0], float(seen.get("r")[np.argmax(seen.get("value") > 0.01)]))
    inside = f[r >= least]
    axes.set(
        xlabel=style.quantity("r", results.unit("length")),
        ylabel=style.quantity("Pair force / kT", f"1/{results.unit('length')}"),
        xlim=(least, r.max()),
        ylim=(min(1.1 * inside.min(), 0.0), 1.1 * inside.max()),
    )
    zero(axes)
    axes.legend()
    return Figure(
        "truth_force",
        drawing,
        pd.concat(rows),
        "Positive where particles repel; from the least distance at which pairs were seen." + said,
        "The pair force over kT that the simulation used, and the one learned.",
    )


def _learned(results: Results) -> list[tuple[str, Results]]:
    """Results that hold learned pair laws: these, and those of the twin on true positions."""
    found = [("learned from tracks", results)]
    twin = results.settings.report.twin
    if twin:
        folder = results.folder.resolve().parent / str(twin)
        found.append(("learned from true positions", Results(folder, results.settings)))
    return found


def pair(results: Results) -> Figure:
    """Learned pair force and friction against the law, and against what records show of it."""
    curves = _curves(results.json("truth.json"))
    if not curves and "law" in results.json("truth.json"):
        raise Absent("One force for all pairs: it is held against the learned one below.")
    if not curves:
        raise Absent(
            "The forces of this simulation lie outside what the model can represent, so learned "
            "and true forces are not compared; the data set colloids_matched does that."
        )
    drawing, panels = style.panels(2, height=3.4)
    r, rows = np.asarray(curves["r"], float), []
    for axes, name in zip(panels, ("force", "friction"), strict=True):
        lines = [
            (words, r, np.asarray(curves[f"{name}_{kind}"], float), colour, dash)
            for kind, (words, colour, dash) in RECORDS.items()
            if f"{name}_{kind}" in curves
        ]
        for (words, where), dash in zip(_learned(results), ("-", (0, (6, 2))), strict=False):
            try:
                group = where.group(f"{where.first.folder}/learned.h5", f"pair_{name}")
            except Absent:
                continue
            blue = style.COLOURS["metriplectic"]
            lines.append((words, group.get("r"), group.get("value"), blue, dash))
        for words, x, y, colour, dash in lines:
            axes.plot(x, y, label=words, color=colour, linestyle=dash)
            rows.append(pd.DataFrame({"law": name, "source": words, "r": x, "value": y}))
        unit = "a/dt²" if name == "force" else "1/dt"
        axes.set(xlabel="r / a", ylabel=f"Pair {name} ({unit})", xlim=(0.9 * r.min(), None))
        known = np.concatenate([y[x >= r.min()] for _, x, y, *_ in lines])
        axes.set_ylim(*np.nanquantile(known, [0.01, 0.99]) * np.array([1.1, 1.25]))
        zero(axes)
    panels[0].legend()
    return Figure(
        "truth_pair",
        drawing,
        pd.concat(rows),
        "The learned law should lie on what true positions show (dashed grey): one frame apart, "
        "even exact data does not show the bare law.",
        "Learned against true pair force and friction.",
        wide=True,
    )
