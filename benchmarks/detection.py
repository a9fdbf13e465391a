"""Detection per frame and core beside trackpy's own locate with its numba engine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import trackpy

from benchmarks.shares import DETECTION, slowest
from benchmarks.timing import medians
from pipeline.simulate import monolayer
from pipeline.simulate.render import Camera, render
from pipeline.simulate.settings import COLLOIDS
from pipeline.video.detect import features, quiet
from pipeline.video.frames import open_run
from pipeline.video.sources import runs
from pipeline.video.tune import tune

LOCATE = "trackpy.locate alone, frames in memory"
OURS = "pipeline, from the file to the table"
GOAL = 1.2  # times trackpy's own


def locate(images, settings) -> None:
    """What trackpy takes for images already in memory."""
    with quiet():
        for image in images:
            trackpy.locate(
                image,
                settings.diameter,
                minmass=settings.minmass,
                separation=settings.separation,
                percentile=settings.percentile,
                invert=settings.invert,
                engine="numba",
            )


def measure(repeats: int, frames: int = 40) -> tuple[dict[str, float], str]:
    """Median milliseconds a frame, on a rendered video of the size of the default one, and a line
    on the slowest part."""
    chosen = COLLOIDS.replace(frames=frames, preparation=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.tif"
        truth = monolayer.simulate(chosen, progress=False)
        render(path, truth, Camera(view=chosen.view), progress=False)
        video = open_run(runs(folder)[0])
        settings = tune([video]).parameters.detection
        images = list(video)
        times = medians(
            {OURS: lambda: features([video], settings), LOCATE: lambda: locate(images, settings)},
            repeats,
        )
        parts = slowest(lambda: features([video], settings), DETECTION)
    return {name: value / frames for name, value in times.items()}, parts
