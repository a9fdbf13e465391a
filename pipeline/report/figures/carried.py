"""The numbers that each particle carries, learned with the model: latent entropy and strength."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.figures.learned import BLUE, PALE, group, histogram
from pipeline.report.figures.lines import finite
from pipeline.report.figures.scales import metriplectic
from pipeline.report.records import Absent, Group
from pipeline.report.results import Results

STRENGTH = "Strength s of a particle"
TRAITS = {"size": "Size of the spot (px)", "mass": "Brightness of the spot (mass)"}
SPECIES = [BLUE, style.COLOURS["gns_sde"], style.COLOURS["metriplectic_paper"], "#7F3C8D"]


def latent(results: Results) -> Figure:
    """The latent entropy of each particle, and what it goes with."""
    found = group(results, "latent")
    drawing, (axes,) = style.panels(height=3.0)
    table = histogram(axes, found, "Latent entropy of a particle (k)")
    caption = "One number per particle, learned with the model: what kind of particle it is."
    caption += _correlations(found)
    return Figure("latent", drawing, table, caption, "Histogram of the latent entropy.")


def strength(results: Results) -> Figure:
    """The strength of each particle: its histogram, and against the size of its spot."""
    run = metriplectic(results)
    if not results.yaml(f"{run.folder}/model.yaml")["training"].get("strength"):
        raise Absent("All particles were taken to be of one strength (settings: train.strength).")
    found = group(results, "strength")
    s = found.get("s")
    table = pd.DataFrame({"particle": found.get("particle"), "s": s})
    table = table.assign(
        **{name: found.data[name] for name in (*TRAITS, "species") if name in found.data}
    )
    shown = next((name for name in TRAITS if name in found.data), None)
    drawing, panels = style.panels(1 if shown is None else 2, height=3.2)
    kinds = _kinds(found, len(s))
    edges = found.get("edges")
    low = np.zeros(len(edges) - 1)
    for label, colour, rows in kinds:
        high = low + np.histogram(s[rows], edges)[0]
        panels[0].stairs(high, edges, baseline=low, fill=True, color=colour, label=label)
        low = high
    panels[0].set(xlabel=STRENGTH, ylabel="Particles")
    if len(kinds) > 1:
        panels[0].legend()
    caption = (
        "One factor per particle on its part in the local density: what is stronger pushes harder "
        "and keeps neighbours farther away. Nothing was said about the kinds of particles there "
        "are; it was learned from how they move."
    )
    if shown is not None:
        _scatter(panels[1], found, shown, kinds)
    return Figure(
        "strength",
        drawing,
        table,
        caption + _correlations(found),
        "Histogram of the learned strengths of the particles"
        + ("." if shown is None else f", and each against the {shown} of its spot."),
        wide=shown is not None,
    )


Kind = tuple[str, str, np.ndarray]  # printed name, colour, rows (n,) bool


def _kinds(found: Group, count: int) -> list[Kind]:
    """The true species where they are known, else all particles as one kind."""
    species = found.data.get("species", np.full(count, np.nan))
    known = np.unique(species[np.isfinite(species)])
    if not 1 < len(known) <= len(SPECIES):
        return [("", PALE, np.ones(count, dtype=bool))]
    named = [
        (f"true species {value:.0f}", colour, species == value)
        for value, colour in zip(known, SPECIES, strict=False)
    ]
    return [*named, *_others(species)]


def _others(species: np.ndarray) -> list[Kind]:
    unknown = ~np.isfinite(species)
    return [("unknown", PALE, unknown)] if unknown.any() else []


def _scatter(axes: Axes, found: Group, trait: str, kinds: list[Kind]) -> None:
    x, s = found.get(trait), found.get("s")
    for _, colour, rows in kinds:
        colour = BLUE if colour == PALE and len(kinds) == 1 else colour
        axes.scatter(x[rows], s[rows], s=7, color=colour, alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlabel=TRAITS[trait], ylabel=STRENGTH)
    value = float(finite(found.get(f"correlation_{trait}"))[0])
    axes.set_title(f"correlation {_rounded(value)}")


def _correlations(found: Group) -> str:
    """A sentence on the traits that were compared, "" where there were none."""
    known = {
        key.removeprefix("correlation_"): float(finite(value)[0])
        for key, value in found.data.items()
        if key.startswith("correlation_")
    }
    told = ", ".join(f"{name} {_rounded(value)}" for name, value in known.items())
    return f" Correlation with measured traits: {told}." if told else ""


def _rounded(correlation: float) -> str:
    return f"{correlation:.2f}".replace("-", "−")
