"""Settings of the trained model in LAMMPS."""

from __future__ import annotations

from typing import Literal

from pipeline.schema import Section, key


class Scaled(Section):
    """A sheared sample of new particles."""

    particles: int = key(
        "All of them, wall and needle included. A million take about 1 GB.",
        default=50000,
        least=100,
        most=1_000_000_000,
    )
    relaxation: int = key(
        "Steps under a drag that push apart particles put at random.",
        default=400,
        unit="steps",
        least=1,
        most=1_000_000_000,
    )
    period: int = key(
        "Integrator steps of one period of the needle.",
        default=800,
        unit="steps",
        least=8,
        most=1_000_000_000,
    )
    cycles: int = key(
        "Periods before the one that is recorded: a new sample first packs itself as it is "
        "sheared, and rearranges less from period to period; 6 come near what a film shows.",
        default=2,
        unit="periods before the one recorded",
        least=0,
        most=1_000_000,
    )
    strain: float = key(
        "Largest displacement of the needle over the gap between the layers.",
        default=0.035,
        unit="amplitude of the needle over the gap",
        least=0,
        most=1,
    )
    seed: int = key(
        "Of places, strengths, entropies, velocities and noise.",
        default=0,
        least=0,
        most=2**31 - 1,
    )
    report: bool = key("As above, for this run.", default=False)


class Lammps(Section):
    """The trained model in LAMMPS."""

    model: Literal["metriplectic", "metriplectic_no_udev", "metriplectic_paper"] = key(
        "Which trained model runs in LAMMPS, its first seed; baselines do not.",
        default="metriplectic",
    )
    ranks: int = key(
        "MPI ranks. More than this machine has cores makes nothing faster.",
        default=1,
        least=1,
        most=10000,
    )
    steps: int = key(
        "Parity: how many integrator steps LAMMPS and Python are followed side by side from the "
        "same state with the same noise, at most as many as the evaluation window has.",
        default=200,
        unit="integrator steps",
        least=1,
        most=1_000_000_000,
    )
    states: int = key(
        "Parity: states, evenly over the evaluation window, from which a single step is compared.",
        default=3,
        least=1,
        most=100,
    )
    report: bool = key(
        "Make the run and its section part of the report of this data set.", default=False
    )
    scaled: Scaled = key(
        "Monolayers only: a sample of new particles between a fixed wall and an oscillating needle "
        "row, results/<name>/lammps/scaled/rollout.h5.",
        default=Scaled(),
    )
