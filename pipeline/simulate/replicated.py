"""Settings of the systems that are trajectories as they are, in units "1"; see `settings`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pipeline.schema import Section, key
from pipeline.simulate.settings import LARGE, System

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.trajectory import Trajectory

STEP = 0.005  # tau, of the resolved motion of star polymers; also in star_polymer.in


class Replicated(System):
    """A system that is a trajectory as it is, in units "1", simulated several times."""

    replicas: int = key(
        "Independent runs; the first is learned from and the others tell the noise floor.",
        default=2,
        least=1,
        most=100,
    )


class StarPolymer(Replicated):
    """A melt of star polymers resolved in LAMMPS and seen as its centres of mass.

    The defaults are the paper's star_polymer_11.
    """

    module: ClassVar[str] = "star_polymer"
    arms: int = key("Of a molecule.", default=10, least=1, most=50)
    beads: int = key("Length of an arm.", default=1, unit="per arm", least=1, most=1000)
    polymers: int = key("Number of molecules.", default=1000, least=2, most=1_000_000)
    length: float = key("Edge of the box.", default=30.18, unit="in sigma", above=0, most=1e6)
    dt: float = key("Time between snapshots.", default=0.025, unit="in tau", above=0, most=1e6)
    frames: int = key("Number of snapshots.", default=10400, least=2, most=LARGE)
    equilibration: float = key(
        "Time before the recording.", default=100.0, unit="in tau", least=0, most=1e9
    )

    def simulate(self, seed: int, folder: Path | None = None) -> Trajectory:
        """A run in pieces, which stay in ``folder``."""
        from pipeline.simulate import star_polymer

        return star_polymer.simulate(self, seed, folder)

    @property
    def mass(self) -> int:
        """Beads of a molecule, each of mass 1."""
        return 1 + self.arms * self.beads

    def contradictions(self) -> Iterator[str]:
        """A time between snapshots, or a density, that cannot be simulated."""
        every = round(self.dt / STEP)
        if every < 1 or abs(every * STEP - self.dt) > 1e-9:
            yield (
                f"simulate.dt must be a multiple of the resolved time step {STEP:g}, got "
                f"{self.dt:g}: choose {max(every, 1) * STEP:g}."
            )
        density = self.mass * self.polymers / self.length**3
        if not 0.05 <= density <= 0.9:
            yield (
                f"The density of beads must lie between 0.05 and 0.9 per sigma^3, got "
                f"{density:.3g}: change simulate.polymers or simulate.length (the paper has 0.40)."
            )


class Cycle(Section):
    """One loading from rest, recorded as a run of its own."""

    shear: float = key("Displacement of the top edge.", unit="m", least=-1e6, most=1e6)
    ramp: float = key("Time up, and time down.", unit="s", above=0, most=1e6)
    hold: float = key("Time between them.", unit="s", least=0, most=1e6)
    frames: int = key("Snapshots, the first one at rest.", least=2, most=LARGE)


class Rubber(Section):
    """The material of the paper's G.1.3."""

    density: float = key("Mass density.", default=1000.0, unit="kg / m^3", above=0, most=1e9)
    C10: float = key("Mooney-Rivlin constant.", default=1.5e6, unit="Pa", above=0, most=1e15)
    C01: float = key("Mooney-Rivlin constant.", default=5.0e5, unit="Pa", least=0, most=1e15)
    D1: float = key(
        "Compressibility; the bulk modulus is 2 / D1.",
        default=1.0e-7,
        unit="1 / Pa",
        above=0,
        most=1e6,
    )
    g: tuple[float, ...] = key(
        "Weights of the Prony series: shares of the shear modulus that relax.",
        default=(0.5, 0.49),
        least=0,
        most=1,
        entries=(0, 100),
    )
    tau: tuple[float, ...] = key(
        "Times of the Prony series, within which they relax.",
        default=(0.2, 0.3),
        unit="s",
        above=0,
        most=1e9,
        entries=(0, 100),
    )

    @property
    def g_inf(self) -> float:
        """Share of the shear modulus that stays."""
        return 1.0 - sum(self.g)

    @property
    def shear_modulus(self) -> float:
        """Instantaneous shear modulus at small strain [Pa]."""
        return 2.0 * (self.C10 + self.C01)

    def contradictions(self) -> Iterator[str]:
        """A Prony series with weights and times that do not pair."""
        if len(self.g) != len(self.tau):
            yield (
                f"simulate.rubber.g and simulate.rubber.tau must have as many entries, got "
                f"{len(self.g)} and {len(self.tau)}."
            )


class Square(Replicated):
    """A square of viscoelastic rubber, sheared and released, by finite elements."""

    module: ClassVar[str] = "viscoelastic"
    particles: int = key(
        "Number of material points, edges included.", default=30, unit="per side", least=4, most=300
    )
    elements: int = key(
        "Finite elements, of nine nodes each.", default=15, unit="per side", least=2, most=200
    )
    length: float = key("Edge of the square.", default=2.0, unit="m", above=0, most=1e6)
    dt: float = key("Time between snapshots.", default=0.01, unit="s", above=0, most=1e6)
    substeps: int = key("Of the finite elements per snapshot.", default=1, least=1, most=100)
    distortion: float = key(
        "Random shift of the nodes of the mesh, drawn anew for every run.",
        default=0.15,
        unit="in element sizes",
        least=0,
        most=0.3,
    )
    cycles: tuple[Cycle, ...] = key(
        "What the top edge does, one run each; shifted by shear within ramp seconds, held, brought "
        "back.",
        default=(Cycle(shear=1.0, ramp=3.0, hold=1.0, frames=800),),
        entries=(1, 1000),
        needed=True,
    )
    rubber: Rubber = key("", default=Rubber())


class Force(Section):
    """A body force that stirs the gas."""

    kind: Literal["taylor_green"] = key("Its form.")
    amplitude: float = key("Amplitude.", unit="force per mass", least=-1e9, most=1e9)
    periods: tuple[int, int, int] = key(
        "Whole waves.", unit="per axis and length of the box", least=-1000, most=1000
    )


class IdealGas(Replicated):
    """An ideal gas of fluid particles by smoothed dissipative particle dynamics.

    Lengths and times in those of the box, k_B = m = 1.
    """

    module: ClassVar[str] = "ideal_gas"
    particles: int = key("Number of particles.", default=500, least=8, most=10_000_000)
    length: float = key("Size.", default=1.0, unit="side of the periodic box", above=0, most=1e6)
    cutoff: float = key(
        "Range of the interactions.",
        default=0.2,
        unit="h, at most half of the length",
        above=0,
        most=1e6,
    )
    dt: float = key("Time between snapshots.", default=5e-4, above=0, most=1e6)
    viscosity: float = key("Shear viscosity eta of the friction.", default=0.1, above=0, most=1e9)
    bulk_viscosity: float = key("Bulk viscosity zeta.", default=0.1, least=0, most=1e9)
    conductivity: float = key("Heat conductivity kappa.", default=0.1, least=0, most=1e9)
    atoms: float = key(
        "Atoms N_p; the heat capacity is 3 N_p / 2.",
        default=10.0,
        unit="per particle",
        above=0,
        most=1e9,
    )
    temperature: float = key("At the start.", default=1.0, unit="k_B T", above=0, most=1e9)
    force: Force | None = key("Body force. null: none.", default=None)
    shear_rate: float = key(
        "Of sliding images (Lees-Edwards), flow in x, gradient in y.",
        default=0.0,
        unit="1 / time",
        least=0,
        most=1e9,
    )
    relaxation: int = key(
        "Under force and shear, before the recording.",
        default=1000,
        unit="steps",
        least=0,
        most=LARGE,
    )
    frames: int = key("Number of snapshots, one per step.", default=2300, least=2, most=LARGE)

    def contradictions(self) -> Iterator[str]:
        """A box in which a particle would see another twice."""
        if self.cutoff > 0.5 * self.length:
            yield (
                f"simulate.cutoff must be at most half of simulate.length ({0.5 * self.length:g}), "
                f"got {self.cutoff:g}."
            )


class Branch(Section):
    """A spring and a dashpot in series, beside every spring of a network: Maxwell's element."""

    stiffness: float = key("Of its spring.", unit="k", above=0, most=1e9)
    time: float = key("In which the dashpot lets go.", unit="tau", above=0, most=1e9)


class ElasticNetwork(Replicated):
    """A triangular lattice of springs with friction along them, at a temperature.

    Lengths in those of the springs at rest, mass and k_B 1.
    """

    module: ClassVar[str] = "elastic_network"
    columns: int = key("Nodes per row.", default=14, least=3, most=3000)
    rows: int = key("Rows, an even number of them.", default=16, least=4, most=3000)
    stiffness: float = key("Of a spring.", default=100.0, unit="k", above=0, most=1e9)
    damping: float = key(
        "Friction of the ends of a spring along it.", default=1.0, unit="gamma", above=0, most=1e6
    )
    branches: tuple[Branch, ...] = key(
        "What every spring remembers: springs that let go, each with the noise of its dashpot.",
        default=(),
        entries=(0, 10),
    )
    temperature: float = key("Of the motion.", default=0.25, unit="k_B T", above=0, most=1e9)
    dt: float = key("Time between snapshots.", default=0.01, above=0, most=1e6)
    substeps: int = key("Steps of the simulation per snapshot.", default=10, least=1, most=10_000)
    relaxation: int = key("Snapshots before the recording.", default=500, least=0, most=LARGE)
    frames: int = key("Number of snapshots.", default=2000, least=2, most=LARGE)

    @property
    def shear_modulus(self) -> float:
        """Of small strains at no temperature, sqrt(3) k / 4 [mass / time^2]."""
        return math.sqrt(3) / 4 * self.stiffness

    @property
    def bulk_modulus(self) -> float:
        """In two dimensions, sqrt(3) k / 2 [mass / time^2]."""
        return math.sqrt(3) / 2 * self.stiffness

    @property
    def relaxing_moduli(self) -> list[dict[str, float]]:
        """What each branch adds to them at first, and the time in which that decays."""
        share = [(branch.stiffness / self.stiffness, branch.time) for branch in self.branches]
        return [
            {"shear": x * self.shear_modulus, "bulk": x * self.bulk_modulus, "time": time}
            for x, time in share
        ]

    def contradictions(self) -> Iterator[str]:
        """Rows that do not close, steps too long for the springs, springs too soft for the heat."""
        if self.rows % 2:
            yield f"simulate.rows must be even for the lattice to close, got {self.rows}."
        whole = self.stiffness + sum(branch.stiffness for branch in self.branches)
        step, longest = self.dt / self.substeps, 0.5 / math.sqrt(6 * whole)
        if step > longest:
            yield (
                f"simulate.dt / simulate.substeps = {step:g} is too long for springs of {whole:g}: "
                f"it must be at most {longest:.2g}."
            )
        for branch in self.branches:
            if step > branch.time:
                yield (
                    f"simulate.dt / simulate.substeps = {step:g} is longer than the "
                    f"{branch.time:g} in which a branch lets go: take more substeps."
                )
        if self.temperature > 0.02 * self.stiffness:
            yield (
                f"simulate.temperature must be at most 0.02 simulate.stiffness "
                f"({0.02 * self.stiffness:g}), got {self.temperature:g}: the lattice would fold."
            )
