"""Time per frame and core of detection beside trackpy's own locate, and its peak memory.

    python benchmarks/detection.py results/colloids/synthetic/video.tif [frames]

The goal is at most 1.2 times trackpy's time with its numba engine.
"""

from __future__ import annotations

import resource
import sys
import time

import trackpy

from pipeline.video.detect import features
from pipeline.video.frames import open_run
from pipeline.video.quiet import quiet
from pipeline.video.sources import runs
from pipeline.video.tune import detection, tune


def alone(images, settings) -> float:
    """Seconds of CPU that trackpy.locate takes for images already in memory."""
    start = time.process_time()
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
    return time.process_time() - start


def main(path: str, frames: int = 100) -> None:
    """Prints the comparison for the first `frames` frames of a video."""
    source = runs(path)[0]
    frames = min(frames, len(open_run(source)))
    video = open_run(source, span=(0, frames))
    settings = detection(tune([video], {}).parameters)  # compiles trackpy's numba code, too
    images = list(video)
    bare, ours = [], []
    for _ in range(3):  # alternately, and the best of three: other work on the machine hits both
        bare.append(alone(images, settings))
        start = time.process_time()
        table = features([video], settings)
        ours.append(time.process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path}: {frames} frames of {video.shape}, {len(table) / frames:.0f} particles a frame")
    print(f"trackpy.locate alone  {1e3 * min(bare) / frames:8.2f} ms a frame")
    print(f"pipeline, read to table{1e3 * min(ours) / frames:7.2f} ms a frame")
    print(f"ratio                 {min(ours) / min(bare):8.2f} (goal 1.2)")
    print(f"peak memory           {memory:8.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
