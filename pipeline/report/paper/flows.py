"""The ideal gas in space: its profile under shear and its mixing (paper, figures 9 and 10)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.profiles import concentration_profile, imposed, velocity_profile
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.lines import told
from pipeline.report.results import Results
from pipeline.trajectory import Trajectory

HALVES = ("#D55E00", "#0072B2")  # began in the lower half, in the upper half
MOMENTS = 4


def sources(results: Results) -> dict[str, Trajectory]:
    """The truth over the window of the first rollouts, and these, by name."""
    rollouts = {run.source: results.trajectory(f"{run.folder}/rollout.h5") for run in results.runs}
    whole = results.trajectory()
    first = min((made.time[0] for made in rollouts.values()), default=whole.time[0])
    last = max((made.time[-1] for made in rollouts.values()), default=whole.time[-1])
    # Every run has a clock of its own.
    runs = {int(run) for made in rollouts.values() for run in made.run} or set(whole.run.tolist())
    shared = np.isin(whole.run, list(runs)) & (whole.time >= first) & (whole.time <= last)
    rows = np.flatnonzero(shared)
    return {"experiment": whole.window(slice(rows[0], rows[-1] + 1)), **rollouts}


def shear_profile(results: Results) -> Figure:
    """Mean velocity along the flow against the height."""
    drawing, (axes,) = style.panels()
    tables, found = [], sources(results)
    for source, made in found.items():
        profile = velocity_profile(made)
        look, label = style.line(source), style.name(source)
        axes.plot(profile.value, profile.middle, label=label, marker="o", markersize=3, **look)
        band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
        low, high = profile.value - 2 * profile.error, profile.value + 2 * profile.error
        axes.fill_betweenx(profile.middle, low, high, **band)
        columns = {"y": profile.middle, "v_x": profile.value, "error": profile.error}
        tables.append(pd.DataFrame(columns).assign(source=source))
    y = np.array([0.0, found["experiment"].box.lengths[1]])
    wall = imposed(found["experiment"], y)
    axes.plot(wall, y, color="#888888", linestyle=":", label="imposed", zorder=0)
    reach = 0.75 * float(np.abs(wall - wall.mean()).max())
    axes.set(xlabel="Mean velocity along the flow", ylabel="Height y", ylim=tuple(y))
    axes.set_xlim(wall.mean() - 2 * reach, wall.mean() + 2 * reach)
    axes.legend()
    return Figure(
        "shear_profile",
        drawing,
        pd.concat(tables),
        "The gas between sliding images: on the dotted line it follows the imposed flow. Bands are "
        "two standard errors.",
        f"Mean velocity against height under shear, of {told(found)}.",
    )


def mixing(results: Results) -> Figure:
    """Particles coloured by the half they began in, and their share against the height."""
    found = sources(results)
    shown = found[results.first.source] if results.runs else found["experiment"]
    rows = np.linspace(0, min(len(made.time) for made in found.values()) - 1, MOMENTS).astype(int)
    drawing, axes = style.panels(MOMENTS, 2, height=2.6)
    _snapshots(axes[:MOMENTS], shown, rows)
    tables = []
    for source, made in found.items():
        profile = concentration_profile(made, rows)
        for panel, share, row in zip(axes[MOMENTS:], profile.value, rows, strict=True):
            panel.plot(profile.middle, share, label=style.name(source), **style.line(source))
            columns = {"y": profile.middle, "share": share, "time": made.time[row] - made.time[0]}
            tables.append(pd.DataFrame(columns).assign(source=source))
    for panel in axes[MOMENTS:]:
        panel.set(xlabel="Height y", ylim=(0, 1.05))
    axes[MOMENTS].set_ylabel("Share from below")
    axes[-1].legend()
    return Figure(
        "mixing",
        drawing,
        pd.concat(tables),
        "Above, the rollout seen along one axis, coloured by the half in which a particle began; "
        "below, the share of those that began in the lower half.",
        f"Mixing of two halves of a larger box over time, of {told(found)}.",
        wide=True,
    )


def _snapshots(axes: list, shown: Trajectory, rows: np.ndarray) -> None:
    height = shown.box.lengths[1]
    lower = shown.position[0, :, 1] % height < 0.5 * height
    for panel, row in zip(axes, rows, strict=True):
        place = shown.position[row] % shown.box.lengths
        for half, colour in zip((lower, ~lower), HALVES, strict=True):
            dots = {"s": 1.5, "color": colour, "linewidths": 0, "rasterized": True}
            panel.scatter(place[half, 1], place[half, 0], **dots)
        panel.set(aspect="equal", xticks=[], yticks=[])
        panel.set_title(f"t = {shown.time[row] - shown.time[0]:.3g}")
