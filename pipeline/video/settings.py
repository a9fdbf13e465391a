"""Settings of the video, of detection and of linking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pipeline.schema import Section, key

LEAST = 2  # frames
SIDE = 8  # pixels


class Reading(Section):
    """How a video is read and corrected."""

    mpp: float | None = key(
        "Micrometres per pixel. null: everything stays in pixels and the report makes no "
        "dimensional claim.",
        default=None,
        unit="micrometres per pixel",
        above=1e-6,
        most=1e6,
    )
    fps: float | None = key(
        "Frames per second. null: time stays in frames.",
        default=None,
        unit="frames per second",
        above=0,
        most=1e12,
    )
    pixel_aspect: float = key(
        "Height of a pixel over its width; 1.333 where a 4:3 camera was squeezed. Features are "
        "found and reported in square pixels.",
        default=1.0,
        above=0.1,
        below=10,
    )
    channel: int | None = key(
        "Which channel, from 0; null takes the luminance of colours. Files of several fluorescence "
        "channels need it.",
        default=None,
        unit="from 0",
        least=0,
        most=99,
    )
    position: int | None = key(
        "Files that hold several positions (series, video streams) or several focal planes: which "
        "to use, from 0. null: there is only one; a file that holds more is refused, and says how "
        "many.",
        default=None,
        unit="which of several series, from 0",
        least=0,
        most=1_000_000,
    )
    plane: int | None = key(
        "", default=None, unit="which of several focal planes, from 0", least=0, most=1_000_000
    )
    frames: tuple[int, int] | None = key(
        "First and one-past-last frame to use, e.g. [0, 500]; null takes all.",
        default=None,
        unit="[first, one past last]",
        least=0,
        most=1_000_000_000,
    )
    crop: tuple[int, int, int, int] | None = key(
        "Region to keep, [x0, y0, x1, y1] in pixels; null keeps the whole frame.",
        default=None,
        unit="[x0, y0, x1, y1] in pixels",
        least=0,
        most=1_000_000,
    )
    background: float | None = key(
        "Width in pixels of the Gaussian that flattens an uneven background (3 to 5 particle "
        "diameters); null leaves it.",
        default=None,
        unit="pixels",
        above=0,
        most=5000,
    )
    flicker: bool = key(
        "Divide each frame by its median where the illumination flickers.", default=False
    )
    registration: bool = key(
        "Take camera drift out frame by frame (phase correlation). Off for sheared samples: it "
        "would take the flow for drift.",
        default=False,
    )

    times: Literal["file", "even"] = key(
        "When frames were taken. file: by the time stamps of a film, the times in an OME file, in "
        "the tags of pages or in metadata.txt, or the numbers in the names of images, wherever "
        "there are any: missing frames are gaps, and another rate is another rate. even: one frame "
        "after the other, whatever the file says.",
        default="file",
    )
    repeats: Literal["leave out", "keep"] = key(
        "Frames that repeat the one before (cameras do that when they lose one, programs when they "
        "change the frame rate). leave out: they are no pictures; keep: take them, where the "
        "sample stood still.",
        default="leave out",
    )

    def contradictions(self) -> Iterator[str]:
        """A range of frames or a region in which nothing can be seen."""
        if self.frames and self.frames[1] <= self.frames[0]:
            yield (
                f"video.frames must be [first, one past last] with last > first, got "
                f"{list(self.frames)}."
            )
        elif self.frames and self.frames[1] - self.frames[0] < LEAST:
            yield (
                f"video.frames keeps {self.frames[1] - self.frames[0]} of the frames, got "
                f"{list(self.frames)}: motion needs {LEAST} or more."
            )
        if self.crop and not (self.crop[0] < self.crop[2] and self.crop[1] < self.crop[3]):
            yield (
                f"video.crop must be [x0, y0, x1, y1] with x1 > x0 and y1 > y0, got "
                f"{list(self.crop)}."
            )
        elif self.crop and min(self.crop[2] - self.crop[0], self.crop[3] - self.crop[1]) < SIDE:
            yield (
                f"video.crop must keep at least {SIDE} x {SIDE} pixels, got {list(self.crop)}: "
                f"particles at the edge are not found."
            )


class Detect(Section):
    """How particles are found in a frame; what is null is estimated from the video."""

    diameter: int | None = key(
        "Odd integer, pixels: a little larger than a particle. null: from the "
        "Laplacian-of-Gaussian scale of the spots.",
        default=None,
        unit="an odd number of pixels",
        least=3,
        most=999,
        odd=True,
    )
    smoothing: int | None = key(
        "Odd integer, pixels: width of the square around a pixel whose mean is taken off as "
        "ground. null: the diameter. Where it is as small as the spots themselves, neighbours "
        "that touch draw each other less, and positions are a tenth noisier.",
        default=None,
        unit="an odd number of pixels",
        least=3,
        most=999,
        odd=True,
    )
    polarity: Literal["bright", "dark"] | None = key(
        '"bright" or "dark" spots. null: from the sign of the skewness.', default=None
    )
    minmass: float | None = key(
        "Least integrated brightness of a particle. null: from the masses of clear spots.",
        default=None,
        least=0,
        most=1e15,
    )
    separation: float | None = key(
        "Least distance between particles in pixels. null: 0.65 of the nearest-neighbour distance.",
        default=None,
        unit="pixels",
        above=0,
        most=10_000,
    )
    percentile: float | None = key(
        "A spot must be brighter than this percentage of the pixels. null: 50.",
        default=None,
        least=0,
        below=100,
    )
    jobs: int = key(
        "Jobs that share the frames between them. 1: one job, which spreads them over its cores; "
        "right for a workstation. For a long video on a cluster 10 to 100, each with 500 frames or "
        "more.",
        default=1,
        unit="jobs that share the frames",
        least=1,
        most=1000,
    )


class Link(Section):
    """How features become tracks; what is null is estimated from the video."""

    search_range: float | None = key(
        "Farthest a particle moves between frames, pixels. null: from the neighbour distance and "
        "the displacements seen.",
        default=None,
        unit="pixels",
        above=0,
        most=10_000,
    )
    memory: int | None = key(
        "Frames a particle may vanish and still be the same one. null: estimated.",
        default=None,
        unit="frames",
        least=0,
        most=100,
    )
    min_length: int | None = key(
        "Shorter tracks are dropped, frames. null: 5 or a fifth of the video, whichever is less.",
        default=None,
        unit="frames",
        least=1,
        most=1_000_000_000,
    )
    drift: Literal["none", "mean"] = key(
        '"none" or "mean": take the mean motion out. Never for sheared samples.', default="none"
    )
