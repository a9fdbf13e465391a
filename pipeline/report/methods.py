"""The methods paragraphs and their citations, from what was actually done."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.report import style
from pipeline.report.html import number
from pipeline.report.results import Absent, Results


class Citation(NamedTuple):
    """A reference as printed, and its address."""

    text: str
    link: str


SOURCES = {
    "paper": Citation(
        "Q. Hernández, M. Win, T. O’Connor, P. E. Arratia, N. Trask: Data-driven particle "
        "dynamics: structure-preserving coarse-graining for emergent behavior in non-equilibrium "
        "systems (2025).",
        "https://arxiv.org/abs/2508.12569",
    ),
    "generic": Citation(
        "M. Grmela, H. C. Öttinger: Dynamics and thermodynamics of complex fluids. I. Phys. Rev. E "
        "56, 6620 (1997).",
        "https://doi.org/10.1103/PhysRevE.56.6620",
    ),
    "espanol": Citation(
        "P. Español, M. Revenga: Smoothed dissipative particle dynamics. Phys. Rev. E 67, 026705 "
        "(2003).",
        "https://doi.org/10.1103/PhysRevE.67.026705",
    ),
    "cve": Citation(
        "C. L. Vestergaard, P. C. Blainey, H. Flyvbjerg: Optimal estimation of diffusion "
        "coefficients from single-particle trajectories. Phys. Rev. E 89, 022726 (2014).",
        "https://doi.org/10.1103/PhysRevE.89.022726",
    ),
    "crocker": Citation(
        "J. C. Crocker, D. G. Grier: Methods of digital video microscopy for colloidal studies. J. "
        "Colloid Interface Sci. 179, 298 (1996).",
        "https://doi.org/10.1006/jcis.1996.0217",
    ),
    "trackpy": Citation(
        "D. B. Allan, T. Caswell, N. C. Keim, C. M. van der Wel, R. W. Verweij: trackpy.",
        "https://github.com/soft-matter/trackpy",
    ),
    "falk": Citation(
        "M. L. Falk, J. S. Langer: Dynamics of viscoplastic deformation in amorphous solids. Phys. "
        "Rev. E 57, 7192 (1998).",
        "https://doi.org/10.1103/PhysRevE.57.7192",
    ),
    "freud": Citation(
        "V. Ramasubramani et al.: freud: a software suite for high throughput analysis of particle "
        "simulation data. Comput. Phys. Commun. 254, 107275 (2020).",
        "https://doi.org/10.1016/j.cpc.2020.107275",
    ),
    "ovito": Citation(
        "A. Stukowski: Visualization and analysis of atomistic simulation data with OVITO. "
        "Modelling Simul. Mater. Sci. Eng. 18, 015012 (2010).",
        "https://doi.org/10.1088/0965-0393/18/1/015012",
    ),
    "h5md": Citation(
        "P. de Buyl, P. H. Colberg, F. Höfling: H5MD: a structured, efficient, and portable file "
        "format for molecular data. Comput. Phys. Commun. 185, 1546 (2014).",
        "https://doi.org/10.1016/j.cpc.2014.01.018",
    ),
    "nakamura": Citation(
        "T. Nakamura: Corrected score function for errors-in-variables models: methodology and "
        "application to generalized linear models. Biometrika 77, 127 (1990).",
        "https://doi.org/10.1093/biomet/77.1.127",
    ),
    "maity": Citation(
        "A. Maity, T. V. Apanasovich: Estimation via corrected scores in general semiparametric "
        "regression models with error-prone covariates. Electron. J. Stat. 5, 1424 (2011).",
        "https://doi.org/10.1214/11-EJS647",
    ),
    "eilers": Citation(
        "P. H. C. Eilers: A perfect smoother. Anal. Chem. 75, 3631 (2003).",
        "https://doi.org/10.1021/ac034173t",
    ),
    "gns": Citation(
        "A. Sanchez-Gonzalez et al.: Learning to simulate complex physics with graph networks. "
        "ICML (2020).",
        "https://arxiv.org/abs/2002.09405",
    ),
    "dpd": Citation(
        "R. D. Groot, P. B. Warren: Dissipative particle dynamics. J. Chem. Phys. 107, 4423 "
        "(1997).",
        "https://doi.org/10.1063/1.474784",
    ),
}


class Methods(NamedTuple):
    """Paragraphs with numbers in brackets, and the citations in that order."""

    paragraphs: list[str]
    citations: list[Citation]


def methods(results: Results) -> Methods:
    """Tracking, velocities, models and statistics, one paragraph each; absent parts left out.

    A paragraph names its sources in braces, {falk}; only those named are listed, in order.
    """
    made = []
    for write in (_tracking, _velocity, _models, _statistics):
        try:
            made.append(write(results))
        except Absent:
            continue
    used: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        if match[1] not in used:
            used.append(match[1])
        return f"[{used.index(match[1]) + 1}]"

    paragraphs = [re.sub(r"\{(\w+)\}", numbered, text) for text in made]
    if not paragraphs:
        paragraphs = ["No stage of the pipeline left a file to describe."]
    return Methods(paragraphs, [SOURCES[key] for key in used])


def _tracking(results: Results) -> str:
    found = results.json("tuning.json").get("parameters", {})
    if tables := results.trajectory().attributes.get("tables"):
        return (
            f"Tracks were not made here but read from {', '.join(tables)}; short gaps were filled "
            "by interpolation and flagged."
        )
    told = ", ".join(
        f"{name.replace('_', ' ')} {number(entry.get('value'))}" for name, entry in found.items()
    )
    guessed = sum(entry.get("source") == "estimated" for entry in found.values())
    which = "all of these" if guessed == len(found) else f"{guessed} of these {len(found)}"
    drift = results.settings.link.drift
    return (
        "Particles were located with trackpy {trackpy}, after Crocker and Grier {crocker}, with "
        f"{told}; {which} were estimated from the video. Particles were linked into tracks with "
        "adaptive search, short tracks were removed and gaps filled by interpolation and flagged. "
        + ("The mean motion was taken out." if drift == "mean" else "No drift was taken out.")
    )


def _velocity(results: Results) -> str:
    attributes = results.trajectory().attributes
    sigma, unit = number(float(attributes["localisation_error"])), results.unit("length")
    if attributes["velocity"] == "backward difference":
        how = "the backward difference of successive positions, divided by the frame interval"
    else:
        how = "the one the data set carries"
    if not results.tracked:
        error = f" The error of the positions was given as {sigma} {unit} per component."
        said = error if attributes["localisation_error"] else ""
        return (
            f"The velocity of a snapshot is {how}.{said} Trajectories are stored as H5MD {{h5md}}."
        )
    source = attributes.get("localisation_method", "differences of the tracks")
    if source.startswith("the covariance"):
        source += ", which diffusion leaves at zero {cve}"
    return (
        f"The velocity of a snapshot is {how}. The localisation error is {sigma} {unit} per "
        f"component, from {source}. "
        "Trajectories are stored as H5MD {h5md}."
    )


def _models(results: Results) -> str:
    models = list(dict.fromkeys(run.model for run in results.runs))
    if not models:
        raise Absent("No model was trained.")
    seeds = len({run.seed for run in results.runs})
    split = results.settings.split.of(results.trajectory())
    text = (
        f"Trained {'once' if seeds == 1 else f'{seeds} times'}: "
        f"{', '.join(map(style.name, models))}. "
    )
    if any(model.startswith("metriplectic") for model in models):
        text += (
            "The metriplectic model {paper} couples energy and entropy through the two brackets of "
            "GENERIC {generic}, with pair forces in the form of thermodynamically consistent "
            "dissipative particle dynamics {espanol}: energy and momentum are kept and entropy "
            "produced by construction. "
        )
        text += _metriplectic(results)
    if any(model.startswith("gns") for model in models):
        text += "The graph network simulator {gns} is an unconstrained baseline. "
    if "dpd" in models:
        text += "Dissipative particle dynamics {dpd} is a baseline with few parameters. "
    text += _effort(results)
    shares = f" ({percent_of(split.train)} and {percent_of(split.validation)})"
    return text + (
        "Training maximised the likelihood of the velocity changes on the first block of time, the "
        f"checkpoint was chosen on the second{shares}, and every comparison here is made on the "
        "rest, which training never saw. Particles at the edge of the view follow the data, as "
        "neighbours of the free ones, and are left out of every statistic."
    )


def _effort(results: Results) -> str:
    """How long each model was trained at most, as its record says."""
    said = {}
    for run in results.runs:
        asked = results.yaml(f"{run.folder}/model.yaml").get("training", {})
        if {"steps", "batch"} <= asked.keys():
            sample = "a snapshot" if asked["batch"] == 1 else f"{asked['batch']} snapshots"
            said[run.model] = f"{style.name(run.model)} {asked['steps']} steps of {sample} each"
    return f"Training took at most: {', '.join(said.values())}. " if said else ""


def _metriplectic(results: Results) -> str:
    """How the first metriplectic model was trained and is driven, from its own record."""
    run = next(run for run in results.runs if run.model.startswith("metriplectic"))
    try:
        record = results.yaml(f"{run.folder}/model.yaml")
        sigma = float(results.trajectory().attributes["localisation_error"])
    except Absent:
        return ""
    training, text = record.get("training", {}), ""
    if training.get("localisation") == "corrected" and sigma > 0:
        text += (
            "Localisation error in the positions would bias forces and friction: the corrected "
            "score {nakamura} takes this off, by means of a second, simulated draw of the error "
            "{maity}. "
        )
    elif training.get("localisation") == "covariance" and sigma > 0:
        text += "The variance of the localisation error was added to that of the velocities. "
    if training.get("strength"):
        text += (
            "Every particle has a strength of its own, by which the kernel is multiplied on both "
            "sides; strengths were learned with the closures from the motion alone, under a "
            f"log-normal prior of width {number(training.get('strength_scale'))}. "
        )
    period = record.get("measured", {}).get("thermal_period")
    if period is not None and results.trajectory().driven.any():
        text += (
            "Rollouts follow the recorded paths of edge particles smoothed {eilers}, so that what "
            "is left is slower than the thermal motion of free particles, whose period is "
            f"{number(period)} frames: recorded jitter would heat their neighbours. "
        )
    return text


def percent_of(share: float | None) -> str:
    """0.375 -> "37.5 %"; from 1 on the number of snapshots: 225 -> "225 snapshots"."""
    said = f"{number(100 * float(share or 0))} %" if (share or 0) < 1 else f"{share} snapshots"
    return "unknown" if share is None else said


def _statistics(results: Results) -> str:
    attrs = results.statistic("experiment", "d2min").attrs
    unit = results.unit("length")
    text = (
        "Radial distributions are corrected for the open edges of the view. D²min is that of Falk "
        f"and Langer {{falk}}: {attrs.get('normalisation', 'mean over neighbours')} closer than "
        f"{number(float(attrs['cutoff']))} {unit} in the {attrs.get('reference', 'reference')}. "
    )
    if results.settings.statistics.blur:
        text += (
            "The measured localisation error was added to the models' positions first, so that "
            "both sides are seen through the same microscope. "
        )
    return text + (
        "The routines are tested against freud {freud}, trackpy {trackpy} and ovito {ovito}. "
        "Experiment and models are measured by the same code on the same particles and frames; "
        "intervals come from a bootstrap over patches of the sample, and the noise floor is the "
        "error between two halves of the experiment."
    )
