"""results/paper/report.html: every system and every model beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.report import page, style
from pipeline.report.figures import rearrangements
from pipeline.report.methods import SOURCES, Methods
from pipeline.report.paper import figures, tables
from pipeline.report.paper.figures import of
from pipeline.report.paper.numbers import Collection, part, title
from pipeline.report.paper.tables import excess
from pipeline.report.sections import Section
from pipeline.report.verdict import Light
from pipeline.schema import plain
from pipeline.settings import Settings

RULE = (
    "Yes: every error of ours is at most half of the paper's, or at most 1.2 noise floors with an "
    "interval that reaches the floor. With care: none is above twice that."
)

ERRORS = Section(
    "errors",
    "Errors",
    "Tables 3 and 5 of the paper, as printed, as we measure them, and the noise floor.",
    [
        ("At a glance", tables.overview),
        ("Where ours is above", tables.shortfalls),
        ("Where a baseline is as good", tables.rivals),
        ("All time origins", tables.judged),
        ("The paper's window", tables.windowed),
    ],
)
FLOWS = Section(
    "flows",
    "The ideal gas in space",
    "Figures 9 and 10 of the paper: the profile under shear, mixing in a larger box.",
    [
        ("Profile of the shear flow", part("shear_flow", figures.shear_profile)),
        ("Mixing at L = 2", part("self_diffusion_large", figures.mixing)),
    ],
    optional=True,
)
SOLID = Section(
    "solid",
    "The deformed solid",
    "Figure 12 of the paper: with and without elastic energy.",
    [("One snapshot of the cycle", part("viscoelastic", figures.deformed))],
    optional=True,
)
REARRANGEMENTS = Section(
    "rearrangements",
    "Rearrangements of the colloids",
    "Figures 6, 7 and 13 of the paper: where neighbourhoods change, and by how much.",
    [
        (subject, part("colloids_paper", make))
        for subject, make in (
            ("D²min map", rearrangements.d2min),
            ("Displacements over a lag", rearrangements.streamlines),
            ("D²min against lag", rearrangements.against_lag),
            ("D²min distribution", rearrangements.histogram),
            ("Spatial correlation of D²min", rearrangements.correlation),
        )
    ],
    optional=True,
)
LAWS = Section(
    "laws",
    "Energy, temperature, entropy",
    "What the metriplectic structure keeps and what the entropy learned.",
    [("Along a rollout", tables.thermodynamics)],
)
COST = Section(
    "cost",
    "Cost",
    "Tables 2 and 4 of the paper.",
    [("Parameters", tables.parameters), ("Time per step", tables.cost)],
)


def content(
    found: Collection, settings: Mapping[str, Settings], provenance: dict[str, Any]
) -> dict[str, Any]:
    """What the template shows.

    Args:
        found: table and folders of all data sets.
        settings: of each data set, printed at the end.
        provenance: what `provenance.collect` returned.
    """
    lights = [light(found, dataset) for dataset in found.datasets]
    good = sum(one.state == "good" for one in lights)
    return {
        "name": "Beside the paper",
        "headline": f"{len(found.datasets)} data sets, each with every model.",
        "synthetic": _simulated(found),
        "tuned": False,
        "lights": lights,
        "circumstances": [],
        "unsupported": [],
        "noticed": [],
        "summary": f"On {good} of {len(lights)} data sets ours is where the paper is, or better.",
        "sections": page.build(sections(found), found),
        "methods": Methods([], [SOURCES["paper"]]),
        "settings": {name: plain(chosen) for name, chosen in settings.items()},
        "provenance": page.listed(provenance),
        "models": list(dict.fromkeys(style.name(model) for model in found.table["model"])),
    }


def _simulated(found: Collection) -> str:
    known = [found.results(name).trajectory().attributes["synthetic"] for name in found.datasets]
    return "Every data set on this page is simulated." if all(known) else ""


def sections(found: Collection) -> list[Section]:
    """Tables first, then a figure per data set, then costs."""
    figures = [(title(dataset), of(dataset)) for dataset in found.datasets]
    drawn = Section("curves", "Curves", "What the errors are errors of.", figures)
    return [ERRORS, drawn, FLOWS, SOLID, REARRANGEMENTS, LAWS, COST]


def light(found: Collection, dataset: str) -> Light:
    """Whether our model is where the paper's is on a data set."""
    rows = found.rows(dataset=dataset, model="metriplectic")
    rows = rows[rows["metric"].isin(tables.WORDS) & rows["value"].notna()]
    worst, parts = 0.0, []
    for metric, group in rows.groupby("metric", sort=False):
        value = float(group["value"].median())
        if np.isfinite(far := excess(group)):
            worst = max(worst, far)
        parts.append(f"{tables.WORDS[str(metric)]} {tables.short(value)}")
    state = "unknown" if worst == 0 else "good" if worst <= 1 else "fair" if worst <= 2 else "poor"
    return Light(title(dataset), state, f"Errors of ours: {', '.join(parts) or 'none'}.", RULE)
