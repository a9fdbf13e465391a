"""Velocities against the noise that the localisation error puts on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Results


class Noise(NamedTuple):
    """rms velocity per component, its noise floor and the share of the variance that is noise."""

    measured: float
    floor: float
    share: float


def measure(results: Results) -> Noise:
    """Variance of the velocity fluctuation against its floor 2 sigma^2 / dt^2 per component.

    Raises Absent where no particle has a velocity.
    """
    trajectory = results.trajectory()
    values = trajectory.velocity[trajectory.free]
    if not len(values):
        raise Absent("No free particle has a velocity, so it cannot be compared with its noise.")
    measured = float(np.sqrt(np.mean(values.var(axis=0))))
    sigma = float(trajectory.attributes["localisation_error"])
    backward = trajectory.attributes["velocity"] == "backward difference"
    floor = np.sqrt(2) * sigma / trajectory.dt if backward else 0.0
    return Noise(measured, floor, (floor / measured) ** 2 if measured > 0 else float("inf"))


def noise(results: Results) -> Figure:
    """Distribution of the velocity components with that of pure localisation error."""
    trajectory = results.trajectory()
    noise = measure(results)
    values = trajectory.velocity[trajectory.free]
    drawing, (axes,) = style.panels(height=3.0)
    reach = 4 * max(values.std(axis=0).max(), noise.floor)
    edges = np.linspace(-reach, reach, 121)
    rows = {"low": edges[:-1], "high": edges[1:]}
    dashes = ("-", (0, (4, 2)), (0, (1, 1)))
    for k, dash in zip(range(values.shape[1]), dashes, strict=False):
        letter = "xyz"[k]
        rows[letter], _ = np.histogram(values[:, k] - values[:, k].mean(), edges, density=True)
        axes.stairs(
            rows[letter],
            edges,
            color=style.COLOURS["experiment"],
            linestyle=dash,
            linewidth=1.6,
            label=f"measured, {letter}",
        )
    if noise.floor > 0:
        v = (edges[:-1] + edges[1:]) / 2
        rows["noise"] = np.exp(-0.5 * (v / noise.floor) ** 2) / noise.floor / np.sqrt(2 * np.pi)
        axes.fill_between(
            v,
            rows["noise"],
            color="#E69F00",
            alpha=0.35,
            linewidth=0,
            label="localisation error alone",
        )
        axes.set_ylim(0, 1.25 * max(rows["x"].max(), rows["y"].max()))
    length, time = results.unit("length"), results.unit("time").rstrip("s") or "s"
    unit = f"{length}/{time}" if length else ""
    axes.set(xlabel=style.quantity("Velocity minus its mean", unit), ylabel="Probability density")
    axes.legend()
    return Figure(
        "velocity_noise",
        drawing,
        pd.DataFrame(rows),
        "The measured velocities should spread wider than the shaded distribution, which is all "
        "that the error of the positions would give to particles at rest.",
        f"Histogram of velocities, rms {noise.measured:.3g}, with the distribution of the noise, "
        f"rms {noise.floor:.3g}.",
    )
