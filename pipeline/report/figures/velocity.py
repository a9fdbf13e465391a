"""Velocities against the noise that the localisation error puts on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.records import Absent
from pipeline.report.results import Results


class Noise(NamedTuple):
    """rms velocity per component, its noise floor and the share of the variance that is noise."""

    measured: float
    floor: float
    share: float
    unit: str


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
    share = (floor / measured) ** 2 if measured > 0 else float("inf")
    return Noise(measured, float(floor), share, _unit(results))


def _unit(results: Results) -> str:
    """ "µm/s", "px/frame", or "" in reduced units."""
    length, time = results.unit("length"), results.unit("time")
    return f"{length}/{time.removesuffix('s') or 's'}" if length and time else ""


def meaning(results: Results) -> str:
    """What the noise does to the learned force and friction, and what was done about it."""
    noise = measure(results)
    if noise.share < 0.02:
        return "The error of the positions is too small to bias what the model learns."
    text = (
        "The velocity is an input of the model as well as what it predicts, so that error in it "
        "biases friction upwards, and then the force, however much data there is. "
    )
    remedy = (results.settings.get("train") or {}).get("localisation")
    if remedy == "corrected":
        text += "Training takes this bias off, by means of a second, simulated draw of the error. "
    elif remedy == "covariance":
        text += "Training accounts for it in what is predicted, not in the inputs. "
    if noise.share < 0.1:
        return f"{text}Here it is small."
    if remedy == "corrected":
        return f"{text}It is large here: friction rests on how well the error is known."
    return f"{text}It is large here: read force and friction as shapes only."


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
    axes.set(
        xlabel=style.quantity("Velocity minus its mean", noise.unit), ylabel="Probability density"
    )
    axes.legend(frameon=True, framealpha=0.85, edgecolor="none")
    return Figure(
        "velocity_noise",
        drawing,
        pd.DataFrame(rows),
        "The measured velocities should spread wider than the shaded distribution, which is all "
        "that the error of the positions would give to particles at rest.",
        f"Histogram of velocities, rms {noise.measured:.3g}, with the distribution of the noise, "
        f"rms {noise.floor:.3g}.",
    )
