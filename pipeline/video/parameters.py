"""Settings of detection and linking, given or estimated, and tuning.json, which keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from pipeline.errors import InputError
from pipeline.files import read_json, reading
from pipeline.video.settings import Detect, Link


class Detection(NamedTuple):
    """Arguments of trackpy.locate; pixels of the corrected video.

    Fields:
        diameter: odd, slightly more than the diameter of a spot [px].
        minmass: least integrated brightness, in the video's grey levels.
        separation: least distance between two particles [px].
        percentile: a peak must be brighter than this percentage of the pixels.
        invert: dark particles on bright ground.
        smoothing: odd, width of the square whose mean is taken for the ground [px]; None: diameter.
    """

    diameter: int
    minmass: float
    separation: float
    percentile: float = 64.0
    invert: bool = False
    smoothing: int | None = None


class Linking(NamedTuple):
    """How features of successive frames are joined.

    Fields:
        search_range: farthest a particle may move from one frame to the next [px].
        memory: frames for which a particle may vanish and keep its label.
        min_length: tracks seen in fewer frames are stubs and are removed.
        adaptive: where particles crowd so that the assignment becomes too large, shrink the search
            range there, down to a quarter (trackpy's adaptive_stop and adaptive_step).
        remove_drift: subtract the mean motion of all particles; never for sheared samples.
    """

    search_range: float
    memory: int = 0
    min_length: int = 1
    adaptive: bool = True
    remove_drift: bool = False


class Given(NamedTuple):
    """Settings of detection and linking that were asked for; None is to be estimated."""

    diameter: int | None = None
    smoothing: int | None = None
    polarity: str | None = None
    minmass: float | None = None
    separation: float | None = None
    percentile: float | None = None
    search_range: float | None = None
    memory: int | None = None
    min_length: int | None = None

    @classmethod
    def of(cls, detect: Detect, link: Link) -> Given:
        """Those of two sections of the settings."""
        apart = (link.search_range, link.memory, link.min_length)
        return cls(
            detect.diameter,
            detect.smoothing,
            detect.polarity,
            detect.minmass,
            detect.separation,
            detect.percentile,
            *apart,
        )


NOTHING = Given()


class Parameters(NamedTuple):
    """The same, all of them known; px, frames, grey levels."""

    diameter: int
    polarity: str
    minmass: float
    separation: float
    percentile: float
    search_range: float
    memory: int
    min_length: int
    smoothing: int | None = None  # as the diameter

    @property
    def detection(self) -> Detection:
        """What finding particles needs of them."""
        apart = (self.separation, self.percentile, self.polarity == "dark")
        return Detection(self.diameter, self.minmass, *apart, self.smoothing)

    def linking(self, remove_drift: bool = False) -> Linking:
        """What joining them needs."""
        kept = (self.search_range, self.memory, self.min_length)
        return Linking(*kept, remove_drift=remove_drift)


T = TypeVar("T", bound=float | str)


@dataclass(frozen=True)
class Tuning:
    """Every setting with where it came from.

    Fields:
        given: what was asked for.
        chosen: the settings found so far, by name.
        source: "config" or "estimated" for each. why: a sentence for each.
        evidence: arrays behind the estimates. warnings: sentences.
    """

    given: Given
    chosen: dict[str, float | str] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, np.ndarray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def take(self, name: str, estimate: T, why: str) -> T:
        """Records what was given or else the estimate, and returns what was taken."""
        known: T | None = getattr(self.given, name)
        self.source[name] = "estimated" if known is None else "config"
        self.why[name] = why if known is None else f"Given; the estimate was {estimate}."
        taken = estimate if known is None else known
        self.chosen[name] = taken
        return taken

    @property
    def parameters(self) -> Parameters:
        """All of them, once every one was taken."""
        return Parameters(**self.chosen)  # type: ignore[arg-type]


def as_json(tuning: Tuning) -> dict[str, Any]:
    """The contents of tuning.json: parameters (value, source, why), evidence as lists, warnings."""
    return {
        "parameters": {
            name: {"value": value, "source": tuning.source[name], "why": tuning.why[name]}
            for name, value in tuning.chosen.items()
        },
        "evidence": {name: np.asarray(a).tolist() for name, a in tuning.evidence.items()},
        "warnings": tuning.warnings,
    }


KNOWN = "a list of tracking settings"


def parameters(path: str | os.PathLike[str]) -> Parameters:
    """The settings in tuning.json.

    Raises:
        InputError: naming the file, if it is damaged.
    """
    with reading(path, KNOWN):
        kept = read_json(path, KNOWN)["parameters"]
        asked = [name for name in Parameters._fields if name in kept or name != "smoothing"]
        return Parameters(**{name: kept[name]["value"] for name in asked})


def checksums(path: str | os.PathLike[str]) -> dict[str, str]:
    """SHA-256 of the files that tuning.json was made from, by path."""
    with reading(path, KNOWN):
        return {str(name): str(value) for name, value in read_json(path, KNOWN)["inputs"].items()}


# The largest that each may be, as a share of the smaller side of the frame.
SHARES = {"diameter": 1 / 3, "smoothing": 1 / 3, "separation": 1.0, "search_range": 1.0}


def check_fits(given: Given, shape: tuple[int, int]) -> None:
    """Refuses settings that a frame (H, W) is too small for.

    Raises:
        InputError: naming the setting, its bound and its value.
    """
    for name, share in SHARES.items():
        bound = share * min(shape)
        if (value := getattr(given, name)) is not None and value > bound:
            section = "link" if name == "search_range" else "detect"
            raise InputError(
                f"{section}.{name} must be at most {bound:g} pixels, {share:.2g} of the smaller "
                f"side of the frames ({shape[1]} x {shape[0]}), got {value:g}: leave it out to "
                f"have it estimated."
            )
