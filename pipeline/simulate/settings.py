"""Settings of the systems whose law is known; `pipeline.simulate.systems` names them.

They stand apart from what they ask for because every start of snakemake reads them: torch, numba
and finite elements are imported when a system is simulated. One class per system, row after row of
settings, is more than 400 lines.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pipeline.schema import Section, key

if TYPE_CHECKING:
    from pipeline.simulate.render import Camera
    from pipeline.trajectory import Trajectory

LARGE = 1_000_000_000
STEP = 0.005  # tau, of the resolved motion of star polymers; also in star_polymer.in
SPACINGS = "in mean spacings a"


class System(Section):
    """What is simulated, of a kind."""

    kind: str = ""  # the name it goes by in `pipeline.simulate.systems`
    seed: int = key("Of the random numbers.", default=0, least=0, most=2**31 - 1)

    module: ClassVar[str]  # of pipeline.simulate
    filmed: ClassVar[bool] = False  # rendered to a video and tracked, or a trajectory as it is

    def simulate(self, seed: int) -> Trajectory:
        """A run by the function `simulate` of its module; ``seed`` decides it."""
        return importlib.import_module(f"pipeline.simulate.{self.module}").simulate(self, seed)

    def parameters(self) -> dict[str, Any]:
        """Every field by name but those that tell one run from another."""
        names = [field.name for field in dataclasses.fields(self)]
        return {n: getattr(self, n) for n in names if n not in ("kind", "seed", "replicas")}


class Film(System):
    """A sample that is filmed: its truth in px and frames."""

    filmed: ClassVar[bool] = True
    view: tuple[int, int] = key(
        "Height and width of the video.",
        default=(384, 384),
        unit="[height, width] of the video in pixels",
        least=32,
        most=10_000,
    )
    mpp: float = 0.68  # length per px, by assumption where config's video.mpp gives none
    fps: float = 80.0  # frames per time, the same of video.fps

    def scaled(self, mpp: float | None, fps: float | None) -> Self:
        """At the scale of the section `video`, where that gives one."""
        given = {"mpp": mpp, "fps": fps}
        return self.replace(**{name: value for name, value in given.items() if value is not None})

    def camera(self, mpp: float | None, fps: float | None) -> Camera:
        """The camera that films the sample and writes this scale into the file."""
        from pipeline.simulate.render import Camera

        return Camera(view=self.view, mpp=mpp, fps=fps)


class Replicated(System):
    """A system that is a trajectory as it is, in units "1", simulated several times."""

    replicas: int = key(
        "Independent runs; the first is learned from and the others tell the noise floor.",
        default=2,
        least=1,
        most=100,
    )


class Monolayer(Film):
    """A sheared monolayer of repulsive dipoles between a wall and a needle, rendered to a video.

    The defaults are the set `colloids`.
    """

    module: ClassVar[str] = "monolayer"
    width: float = key(
        "Width of the sample, periodic.", default=46.0, unit=SPACINGS, above=0, most=10_000
    )
    height: float = key(
        "Height between wall and needle.", default=40.0, unit=SPACINGS, above=0, most=10_000
    )
    slab: float = key(
        "Thickness of wall and of needle.", default=3.0, unit=SPACINGS, above=0, most=1000
    )
    strain: float = key("Amplitude of the shear strain.", default=0.035, least=0, most=2)
    period: int = key("Of the shear.", default=800, unit="frames", least=4, most=LARGE)
    preparation: int = key(
        "Shear before the recording.", default=2, unit="cycles", least=0, most=LARGE
    )
    frames: int = key("Length of the recording.", default=1600, unit="frames", least=2, most=LARGE)
    temperature: float = key("Thermal energy.", default=1e-3, unit="kT over A", least=0, most=100)

    density: float = 1.1547  # particles per a^2
    strengths: tuple[float, ...] = (0.85, 1.15)  # s of each species, in equal numbers
    amplitude: float = 0.02  # A, a^5/frame^2
    cutoff: float = 3.0  # a, of the force
    friction: float = 0.3  # 1/frame, of a pair at contact
    friction_cutoff: float = 1.72  # a
    drag: float = 0.05  # 1/frame, towards the linear channel flow
    substeps: int = 4  # per frame
    a_px: float = 10.5  # px per a
    needle_in_view: float = 1.5  # a, how much of the needle shows at the lower edge of the video


COLLOIDS = Monolayer()
# The twin inside the model class: one species, force cut at the model's cutoff, no drag. Without
# drag the channel resonates with a shear wave near a period of 800 frames: it is driven slower.
MATCHED = Monolayer(strengths=(1.0,), cutoff=1.72, drag=0.0, period=1600, preparation=1)


class Langevin(Film):
    """Particles under a known pair law in a liquid or on air, rendered to a video.

    Lengths and times in um and s, or in px and frames where video.mpp and fps are null. The
    defaults are the set `brownian`.
    """

    module: ClassVar[str] = "langevin"
    particles: int = key("Number of particles.", default=400, least=2, most=1_000_000)
    length: tuple[float, float] = key(
        "Sides of the box.", default=(60.0, 60.0), unit="[x, y]", above=0, most=1e6
    )
    law: Literal["exponential", "morse", "power"] = key(
        "Pair force over kT.", default="exponential"
    )
    strength: float = key(
        "Of the force at `place`; of morse the depth of the well.",
        default=16.0,
        unit="1 / length; of morse kT",
        least=-1e9,
        most=1e9,
    )
    place: float = key(
        "Distance at which the force has its strength; of morse that of the well.",
        default=1.6,
        unit="length",
        above=0,
        most=1e6,
    )
    range: float = key("Of exponential and morse.", default=0.5, unit="length", above=0, most=1e6)
    exponent: float = key("Of power.", default=4.0, above=0, most=100)
    cutoff: float = key("Of the force.", default=5.0, unit="length", above=0, most=1e6)
    walls: float = key(
        "Force over kT at a wall; 0 for a periodic box.",
        default=0.0,
        unit="1 / length",
        least=0,
        most=1e9,
    )
    wall_range: float = key("Over which it falls.", default=1.0, unit="length", above=0, most=1e6)
    diffusion: float | None = key(
        "Coefficient of Brownian motion; null for inertial particles.",
        default=0.2,
        unit="length^2 / time",
        above=0,
        most=1e9,
    )
    temperature: float = key(
        "kT / m of inertial particles.", default=0.0, unit="length^2 / time^2", least=0, most=1e12
    )
    friction: float = key("Of inertial particles.", default=0.0, unit="1 / time", least=0, most=1e9)
    frames: int = key("Length of the recording.", default=900, unit="frames", least=2, most=LARGE)
    preparation: int = key("Before the recording.", default=250, unit="frames", least=0, most=LARGE)
    substeps: int = key("Of the integrator.", default=40, unit="per frame", least=1, most=100_000)
    spot: float = key(
        "Standard deviation of a spot.", default=2.6, unit="pixels", above=0, most=1000
    )
    peak: float = key(
        "Brightness of a spot.", default=500.0, unit="photoelectrons", above=0, most=1e6
    )
    background: float = key(
        "Brightness of the ground.", default=60.0, unit="photoelectrons", least=0, most=1e6
    )

    view: tuple[int, int] = key(
        "Height and width of the video.",
        default=(366, 366),
        unit="[height, width] of the video in pixels",
        least=32,
        most=10_000,
    )
    mpp: float = 0.12
    fps: float = 25.0

    def contradictions(self) -> Iterator[str]:
        """Inertial and Brownian at once, or neither."""
        if self.diffusion is None and self.temperature <= 0:
            yield (
                f"Inertial particles need a temperature above 0, got {self.temperature:g}: give "
                f"simulate.temperature (kT/m), or simulate.diffusion for Brownian ones."
            )
        if self.diffusion is not None and self.temperature > 0:
            yield (
                f"simulate.temperature ({self.temperature:g}) is of inertial particles and "
                f"simulate.diffusion ({self.diffusion:g}) of Brownian ones: leave the first out, "
                f"or set the second to null."
            )

    def camera(self, mpp: float | None, fps: float | None) -> Camera:
        """See `Film.camera`; spots without a rim on an even ground."""
        base = super().camera(mpp, fps)
        return base._replace(
            diameters=(self.spot / base.core,),
            peak=self.peak,
            background=self.background,
            gain=220 / (self.peak + self.background),
            ring=0.0,
            gradient=0.0,
        )


BROWNIAN = Langevin()
# A well of 3 kT: particles gather in clusters that form, exchange particles and dissolve.
ATTRACTIVE = BROWNIAN.replace(law="morse", strength=3.0, place=2.2, range=0.4, preparation=1500)
# The air table with magnetic discs at half its scale, in px and frames: dipoles between walls.
DISCS = Langevin(
    particles=40,
    length=(301.0, 300.0),
    law="power",
    strength=0.236,
    place=39.0,
    exponent=4.0,
    cutoff=120.0,
    walls=4.0,
    wall_range=12.5,
    diffusion=None,
    temperature=5.0,
    frames=500,
    substeps=20,
    view=(300, 301),
    spot=5.0,
    mpp=1.0,
    fps=1.0,
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
