"""Energy, momentum and entropy along the rollout."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Group, Results, Run


class Balance(NamedTuple):
    """What is left after accounting for the driving, each (T,).

    energy: (E - E0 - W) over the mean kinetic energy; momentum: |p - p0 - J| over N m v_rms;
    entropy: S - S0.
    """

    time: np.ndarray
    energy: np.ndarray
    momentum: np.ndarray
    entropy: np.ndarray


def observables(results: Results, run: Run) -> Group:
    """The group /observables of a rollout."""
    return results.group(f"{run.folder}/rollout.h5", "observables")


def balance(results: Results) -> Figure:
    """Three panels, one line per run that keeps an energy and an entropy."""
    found = {}
    for run in results.runs:
        try:
            found[run.source] = residuals(observables(results, run))
        except Absent:
            continue
    if not found:
        raise Absent("No rollout stored its energy, momentum and entropy.")
    drawing, panels = style.panels(3, height=3.0)
    rows = []
    for source, left in found.items():
        label, look = style.label(source, list(found)), style.line(source)
        for axes, name in zip(panels, ("energy", "momentum", "entropy"), strict=True):
            axes.plot(left.time, getattr(left, name), label=label, **look)
        rows.append(pd.DataFrame(left._asdict()).assign(source=source))
    titles = (
        "Energy minus work\n(of mean kinetic energy)",
        "Momentum minus impulse\n(of N m v rms)",
        "Entropy since the start\n(in k_B)",
    )
    for axes, title in zip(panels, titles, strict=True):
        axes.set(xlabel=style.quantity("Time", results.unit("time")), title=title)
        axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    panels[0].set_ylabel("")
    if len(found) > 1:
        panels[0].legend()
    return Figure(
        "laws",
        drawing,
        pd.concat(rows),
        "The first two should stay at zero, the third should rise.",
        "Energy minus work, momentum minus impulse, and entropy along the rollout.",
        wide=True,
    )


def residuals(group: Group) -> Balance:
    """Energy minus work, momentum minus impulse, entropy gained, from the stored series."""
    time, energy = group.get("time"), group.get("energy")
    kinetic = float(np.nanmean(group.get("kinetic")))
    work = group.data.get("work", np.zeros_like(energy))
    momentum = np.atleast_2d(group.get("momentum").T).T
    impulse = group.data.get("impulse", np.zeros_like(momentum)).reshape(momentum.shape)
    count = float(group.attrs.get("particles", 0)) or 1.0
    # K = N m v_rms^2 / 2 and m = 1 give N m v_rms = sqrt(2 K N).
    scale = np.sqrt(2 * kinetic * count) or 1.0
    left = momentum - momentum[0] - impulse + impulse[0]
    return Balance(
        time - time[0],
        (energy - energy[0] - work + work[0]) / (kinetic or 1.0),
        np.linalg.norm(left, axis=1) / scale,
        group.get("entropy") - group.get("entropy")[0],
    )
