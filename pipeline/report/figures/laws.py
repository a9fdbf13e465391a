"""Energy, momentum and entropy along the rollout."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.curves import zero
from pipeline.report.results import Absent, Group, Results, Run

NEEDED = ("time", "energy", "kinetic", "entropy", "work", "momentum", "impulse", "temperature")
TITLES = {
    "energy": "(ΔE − W) / kinetic energy",
    "momentum": "|Δp − J| / thermal momentum",
    "entropy": "ΔS per particle (k)",
}


class Balance(NamedTuple):
    """What is left after accounting for the driving, each (T,).

    energy: (E - E0 - W) over the mean kinetic energy; momentum: |p - p0 - J| over N m v_rms;
    entropy: (S - S0) / N in k_B.
    """

    time: np.ndarray
    energy: np.ndarray
    momentum: np.ndarray
    entropy: np.ndarray


def observables(results: Results, run: Run) -> Group:
    """The group /observables of a rollout."""
    return results.group(f"{run.folder}/rollout.h5", "observables")


def residuals(group: Group) -> Balance:
    """The balances that analysis.conservation sums up, step by step.

    Raises Absent where an observable was not stored (a baseline keeps no energy).
    """
    data = {name: group.get(name) for name in NEEDED}
    if not np.isfinite(data["energy"]).any():
        raise Absent("This model defines no energy, so its laws cannot be checked.")
    kinetic = float(np.nanmean(data["kinetic"]))
    temperature = float(np.nanmean(data["temperature"]))
    momentum = data["momentum"] - data["momentum"][0] - data["impulse"] + data["impulse"][0]
    dimension = momentum.shape[1]
    # Equipartition: kinetic = D N T / 2, so N m v_rms = N sqrt(D T) with m = 1.
    particles = 2 * kinetic / (dimension * temperature) if temperature > 0 else np.nan
    energy = data["energy"] - data["energy"][0] - data["work"] + data["work"][0]
    return Balance(
        data["time"] - data["time"][0],
        energy / kinetic,
        np.linalg.norm(momentum, axis=1) / (particles * np.sqrt(dimension * temperature)),
        (data["entropy"] - data["entropy"][0]) / particles,
    )


def drift(left: Balance) -> float:
    """Drift of the energy balance over the rollout, in mean kinetic energies.

    Of a straight line through it, which tells a loss from the bounded swing of frame-long steps.
    """
    if len(left.time) < 3:
        return 0.0
    slope = np.polyfit(left.time, left.energy, 1)[0]
    return abs(float(slope)) * float(left.time[-1] - left.time[0])


def balance(results: Results) -> Figure:
    """Three panels, one line per run that keeps an energy and an entropy."""
    found = {}
    for run in results.runs:
        try:
            left = residuals(observables(results, run))
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
    table = pd.concat([pd.DataFrame(b._asdict()).assign(source=s) for s, b in found.items()])
    return Figure(
        "laws",
        drawing,
        table,
        "The first two should stay at zero but for rounding and the finite time step (mind their "
        "scales); the third should rise.",
        "Energy minus work, momentum minus impulse, and entropy along the rollout.",
        wide=True,
    )
