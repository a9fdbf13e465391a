"""Settings of the systems whose law is known; `pipeline.simulate.systems` names them.

They stand apart from what they ask for because every start of snakemake reads them: torch, numba
and finite elements are imported when a system is simulated. Those that are not filmed stand in
`pipeline.simulate.replicated`.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pipeline.schema import Section, key

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.simulate.render import Camera
    from pipeline.trajectory import Trajectory

LARGE = 1_000_000_000
SPACINGS = "in mean spacings a"


class System(Section):
    """What is simulated, of a kind."""

    kind: str = ""  # the name it goes by in `pipeline.simulate.systems`
    seed: int = key("Of the random numbers.", default=0, least=0, most=2**31 - 1)

    module: ClassVar[str]  # of pipeline.simulate
    filmed: ClassVar[bool] = False  # rendered to a video and tracked, or a trajectory as it is

    def simulate(self, seed: int, folder: Path | None = None) -> Trajectory:
        """A run by the function `simulate` of its module; ``seed`` decides it.

        ``folder`` is for what an interrupted run of hours goes on from: most take minutes.
        """
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
    peak: float = key(
        "Brightness of a particle above the ground of 400: 150 and 75 make tracks with errors of "
        "0.1 and 0.2 px.",
        default=800.0,
        unit="photoelectrons",
        above=0,
        most=1300,
    )

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

    def camera(self, mpp: float | None, fps: float | None) -> Camera:
        """See `Film.camera`."""
        return super().camera(mpp, fps)._replace(peak=self.peak)


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
    speed: float = key(
        "With which each particle drives itself.",
        default=0.0,
        unit="length / time",
        least=0,
        most=1e9,
    )
    turning: float = key(
        "Rotational diffusion of that drive's direction.",
        default=0.0,
        unit="1 / time",
        least=0,
        most=1e9,
    )
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
        if self.speed > 0 and self.diffusion is None and self.friction <= 0:
            yield (
                f"Nothing brakes particles that drive themselves with simulate.speed "
                f"{self.speed:g}: give simulate.friction or simulate.diffusion."
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
# Swimmers: the same particles, which drive themselves and keep their direction for a second.
ACTIVE = BROWNIAN.replace(speed=5.0, turning=1.0)
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
