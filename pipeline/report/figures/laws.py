"""Energy, momentum and entropy along the rollout."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis import conservation
from pipeline.analysis.conservation import NEEDED, Balance
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import zero
from pipeline.report.results import Absent, Results, Run

TITLES = {
    "energy": "(ΔE − W) / kinetic energy",
    "momentum": "|Δp − J| / thermal momentum",
    "entropy": "ΔS per particle (k)",
}


def kept(results: Results, run: Run) -> Balance:
    """The balances along a rollout.

    Raises Absent where an observable was not stored (a baseline keeps no energy).
    """
    found = results.observables(run)
    for name in NEEDED:
        found.get(name)
    if not np.isfinite(found.get("energy")).any():
        raise Absent("This model defines no energy, so its laws cannot be checked.")
    memory = results.yaml(f"{run.folder}/model.yaml").get("memory") or {}
    return conservation.balance(found.data, int(memory.get("modes", 0)))


def balance(results: Results) -> Figure:
    """Three panels, one line per run that keeps an energy and an entropy."""
    found = {}
    for run in results.runs:
        try:
            left = kept(results, run)
        except Absent:
            continue
        if len(left.time) > 1:
            found[run.source] = left
    if not found:
        raise Absent("No rollout made a step and stored its energy, momentum and entropy.")
    drawing, panels = style.panels(3, height=2.9)
    for source, left in found.items():
        look, label = style.line(source), style.label(source, list(found))
        for axes, name in zip(panels, TITLES, strict=True):
            axes.plot(left.time, getattr(left, name), label=label, **look)
    for axes, name in zip(panels, TITLES, strict=True):
        axes.set(xlabel=style.quantity("Time", results.unit("time")), ylabel=TITLES[name])
        style.in_units_of(axes.xaxis, results.unit("time"), 4)
        zero(axes)
    if len(found) > 1:
        panels[2].legend()
    columns = ["time", *TITLES]
    table = pd.concat(
        [pd.DataFrame(left._asdict())[columns].assign(source=s) for s, left in found.items()]
    )
    return Figure(
        "laws",
        drawing,
        table,
        "The first two should stay at zero but for rounding and the finite time step (mind their "
        "scales); the third should rise.",
        "Energy minus work, momentum minus impulse, and entropy along the rollout.",
        wide=True,
    )
