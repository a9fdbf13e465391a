"""What stands in the report, in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.analysis.statistics import PLOTS
from pipeline.report import claims, movie, provenance, tables
from pipeline.report.figures import (
    curves,
    cycles,
    lammps,
    laws,
    learned,
    rearrangements,
    surroundings,
    tracking,
    training,
    truth,
)
from pipeline.report.results import Results


class Section(NamedTuple):
    """id: anchor; lead: what the section answers; parts: (subject, function of Results) pairs;
    optional: left out where nothing in it exists."""

    id: str
    title: str
    lead: str
    parts: list[tuple[str, Callable[..., Any]]]
    optional: bool = False


def _together(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make`, but only where neighbours move together; the reason why not is said once."""

    def checked(results: Results) -> Any:
        claims.companions(results)
        return make(results)

    return checked


def _curves(section: str) -> list[tuple[str, Callable[..., Any]]]:
    """The registered curves of a section."""
    return [(plot.title, curves.of(plot)) for plot in PLOTS.values() if plot.section == section]


SECTIONS = [
    Section(
        "video",
        "Video and detections",
        "What the camera saw and what was found in it.",
        [("Detections on a frame", tracking.overlay)],
    ),
    Section(
        "tracking",
        "Tracking quality",
        "Which settings were used, where they came from, and whether to trust the tracks.",
        [
            ("Parameters", provenance.parameters),
            ("Mass and size", tracking.features),
            ("Subpixel bias", tracking.subpixel),
            ("Count per frame", tracking.counts),
            ("Displacement against search range", tracking.displacement),
            ("Track lengths", tracking.lengths),
        ],
    ),
    Section(
        "velocity",
        "Velocity and noise",
        "Whether the motion between frames is larger than the error of the positions.",
        [
            ("Velocities against the noise floor", tracking.noise),
            ("What the noise does", tracking.meaning),
        ],
    ),
    Section(
        "training",
        "Training",
        "Whether the fit settled, judged on a later block of time.",
        [("Training curves", training.curves), ("Models compared", tables.compared)],
    ),
    Section(
        "learned",
        "What was learned",
        "The closures of the metriplectic model, over the range that the data covers.",
        [
            ("Whether to read it", claims.model),
            ("Kernel, pair force and pair friction", learned.pair_law),
            ("Terms that the data support", surroundings.chosen),
            ("The medium", surroundings.medium),
            ("Potential of single particles", surroundings.external),
            ("Pair energy", surroundings.pair_energy),
            ("Elastic moduli", tables.moduli),
            ("Relaxation modulus", tables.relaxation),
            ("Equation of state", learned.state),
            ("Friction amplitudes", learned.friction),
            ("Strength of each particle", learned.strength),
            ("Latent entropy", learned.latent),
            ("Temperature and entropy", learned.histograms),
        ],
    ),
    Section(
        "structure",
        "Structure",
        "Where the particles sit relative to each other.",
        _curves("structure"),
    ),
    Section(
        "rearrangements",
        "Rearrangements",
        "Where neighbourhoods change in a way that no smooth strain explains (D²min).",
        [
            ("Whether to read it", claims.neighbourhoods),
            ("D²min map", _together(rearrangements.d2min)),
            ("D²min against lag", _together(rearrangements.against_lag)),
            ("D²min distribution", _together(rearrangements.histogram)),
            ("Spatial correlation of D²min", _together(rearrangements.correlation)),
            ("Cycle by cycle", cycles.cycles),
            ("Displacements over a lag", rearrangements.streamlines),
        ],
    ),
    Section(
        "dynamics",
        "Dynamics",
        "How velocities decay and how far particles travel.",
        [*_curves("dynamics"), ("What the steps say", claims.motion)],
    ),
    Section(
        "laws",
        "Laws along the rollout",
        "Energy, momentum and entropy, step by step, after accounting for the driving.",
        [("Conserved quantities", laws.balance)],
    ),
    Section(
        "movie",
        "Side by side",
        "Experiment and model from the same first frame.",
        [("Movie", movie.side_by_side)],
    ),
    Section(
        "errors",
        "Errors",
        "Relative error of each statistic, beside the error between two halves of the "
        "experiment itself (its noise floor): an error near its floor cannot be told from "
        "zero.",
        [
            ("Comparison", tables.comparison),
            ("Agreement in place", _together(tables.agreement)),
        ],
    ),
    Section(
        "lammps",
        "The same model in LAMMPS",
        "Whether the model, exported to LAMMPS, is the one that was learned, and what it costs.",
        lammps.PARTS,
        optional=True,
    ),
    Section(
        "lammps_scaled",
        "At a size that no video has",
        "Whether the model, in LAMMPS, holds for many new particles.",
        lammps.SCALED_PARTS,
        optional=True,
    ),
    Section(
        "truth",
        "Against the truth",
        "The video is simulated, so what the tracking and the model should have found is known.",
        [
            ("Tracking against the truth", truth.tracking),
            ("Rearrangements against the truth", truth.amplitude),
            ("Pair force and friction", truth.pair),
            ("Pair force over kT", truth.force),
        ],
        optional=True,
    ),
]


def of(results: Results) -> list[Section]:
    """The sections of a data set: those on the video where there is one."""
    return SECTIONS if results.tracked else SECTIONS[2:]
