"""The methods paragraph and its citations, from what was actually done."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.report import style
from pipeline.report.results import Absent, Results
from pipeline.report.tables import number


class Citation(NamedTuple):
    text: str
    link: str


CITATIONS = [
    Citation(
        "Hernández, Win, O’Connor, Arratia, Trask. Data-driven particle dynamics: "
        "structure-preserving coarse-graining for emergent behavior in non-equilibrium "
        "systems. arXiv:2508.12569 (2025).",
        "https://arxiv.org/abs/2508.12569",
    ),
    Citation(
        "Grmela, Öttinger. Dynamics and thermodynamics of complex fluids. I. Phys. Rev. E 56, "
        "6620 (1997).",
        "https://doi.org/10.1103/PhysRevE.56.6620",
    ),
    Citation(
        "Español, Revenga. Smoothed dissipative particle dynamics. Phys. Rev. E 67, 026705 (2003).",
        "https://doi.org/10.1103/PhysRevE.67.026705",
    ),
    Citation(
        "Crocker, Grier. Methods of digital video microscopy for colloidal studies. J. Colloid "
        "Interface Sci. 179, 298 (1996).",
        "https://doi.org/10.1006/jcis.1996.0217",
    ),
    Citation(
        "Allan, Caswell, Keim, van der Wel, Verweij. trackpy.",
        "https://doi.org/10.5281/zenodo.4682814",
    ),
    Citation(
        "Falk, Langer. Dynamics of viscoplastic deformation in amorphous solids. Phys. Rev. E "
        "57, 7192 (1998).",
        "https://doi.org/10.1103/PhysRevE.57.7192",
    ),
    Citation(
        "Ramasubramani et al. freud: a software suite for high throughput analysis of particle "
        "simulation data. Comput. Phys. Commun. 254, 107275 (2020).",
        "https://doi.org/10.1016/j.cpc.2020.107275",
    ),
    Citation(
        "de Buyl, Colberg, Höfling. H5MD: a structured, efficient, and portable file format "
        "for molecular data. Comput. Phys. Commun. 185, 1546 (2014).",
        "https://doi.org/10.1016/j.cpc.2014.01.018",
    ),
]


def paragraphs(results: Results, settings: dict[str, Any]) -> list[str]:
    """Tracking, velocities, models and statistics, one paragraph each; absent parts left out."""
    made = []
    for write in (_tracking, _velocity, _models, _statistics):
        try:
            made.append(write(results, settings))
        except Absent:
            continue
    return made or ["No stage of the pipeline left a file to describe."]


def _tracking(results: Results, settings: dict[str, Any]) -> str:
    found = results.json("tuning.json").get("parameters", {})
    told = ", ".join(
        f"{name.replace('_', ' ')} {number(entry.get('value'))}" for name, entry in found.items()
    )
    guessed = sum(entry.get("source") == "estimated" for entry in found.values())
    return (
        f"Particles were located with trackpy [5], which refines brightness-weighted centres "
        f"[4], with {told}; {guessed} of these {len(found)} parameters were estimated from the "
        "video itself. They were linked into tracks with trackpy's adaptive search, and short "
        "tracks were removed."
    )


def _velocity(results: Results, settings: dict[str, Any]) -> str:
    attributes = results.trajectory().attributes
    sigma = number(float(attributes["localisation_error"]))
    unit = results.unit("length")
    kind = attributes["velocity"]
    how = (
        "the backward difference of successive positions"
        if kind == "backward difference"
        else "taken as measured"
    )
    return (
        f"The velocity of a snapshot is {how}. The localisation error, estimated from fourth "
        f"differences of the tracks, is {sigma} {unit} per component. Trajectories are stored "
        "as H5MD [8]."
    )


def _models(results: Results, settings: dict[str, Any]) -> str:
    names = list(dict.fromkeys(style.name(run.model) for run in results.runs))
    if not names:
        raise Absent("No model.")
    seeds = len({run.seed for run in results.runs})
    return (
        f"Compared: {', '.join(names)}, {seeds} seed{'s' if seeds > 1 else ''} each. The "
        "metriplectic model [1] couples energy and entropy through the two brackets of GENERIC "
        "[2], in the pairwise form of smoothed dissipative particle dynamics [3]: energy and "
        "momentum are conserved and entropy grows by construction. It was trained by maximum "
        "likelihood on the first block of time, its checkpoint was chosen on the second, and "
        "every figure here uses the third, which training never saw."
    )


def _statistics(results: Results, settings: dict[str, Any]) -> str:
    text = (
        "Radial distribution functions follow freud's conventions [7] with a correction for "
        "open edges. "
    )
    try:
        attrs = results.statistic("experiment", "d2min").attrs
        told = "; ".join(f"{key} {number(value)}" for key, value in attrs.items())
        text += f"D²min is that of Falk and Langer [6] ({told}). "
    except Absent:
        text += "D²min is that of Falk and Langer [6]. "
    return text + (
        "Experiment and models are measured by the same code on the same particles and "
        "frames; intervals come from a block bootstrap over time, and the noise floor "
        "is the error between the two halves of the experiment."
    )
