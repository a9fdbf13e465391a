"""Detection of particles in every frame by trackpy's locate (Crocker and Grier 1996)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import trackpy
from dask.distributed import Client, LocalCluster, as_completed
from tqdm import tqdm

from pipeline.tables import FEATURES
from pipeline.video.frames import Video
from pipeline.video.quiet import quiet


class Detection(NamedTuple):
    """Arguments of trackpy.locate; pixels of the corrected video.

    Fields:
        diameter: odd, slightly more than the diameter of a spot [px].
        minmass: least integrated brightness, in the video's grey levels.
        separation: least distance between two particles [px].
        percentile: a peak must be brighter than this percentage of the pixels.
        invert: dark particles on bright ground.
    """

    diameter: int
    minmass: float
    separation: float
    percentile: float = 64.0
    invert: bool = False


def locate(frame: np.ndarray, detection: Detection) -> pd.DataFrame:
    """Particles of one (H, W) image: columns y, x, mass, size, ecc, signal, raw_mass, ep.

    Raises:
        ValueError: if the diameter is not an odd number of at least 3 pixels.
    """
    if detection.diameter < 3 or detection.diameter % 2 == 0:
        raise ValueError(f"diameter must be an odd number of 3 or more, got {detection.diameter}")
    with quiet():
        return trackpy.locate(
            frame,
            detection.diameter,
            minmass=detection.minmass,
            separation=detection.separation,
            percentile=detection.percentile,
            invert=detection.invert,
            engine="numba",
        )


def chunk(video: Video, run: int, start: int, stop: int, detection: Detection) -> pd.DataFrame:
    """Features of frames start <= t < stop of one run; also what a dask worker executes."""
    found = []
    for t, frame in enumerate(video.frames(start, stop), start):
        features = locate(frame, detection)
        found.append(features.assign(run=run, frame=t))
    table = pd.concat([f for f in found if len(f)] or [pd.DataFrame(columns=list(FEATURES))])
    return table[list(FEATURES)].astype(FEATURES)


def features(
    videos: list[Video], detection: Detection, workers: int = 1, frames_per_chunk: int = 0
) -> pd.DataFrame:
    """Detects every frame of every run; the table of pipeline.tables.FEATURES, in frame order.

    Args:
        workers: processes of a dask.distributed cluster; 1 works in this process, without one.
        frames_per_chunk: 0 chooses so that each worker gets several chunks.

    Raises:
        ValueError: if no particle is found in any frame.
    """
    total = sum(map(len, videos))
    size = frames_per_chunk or int(np.clip(total // (8 * workers), 1, 64))
    jobs = [
        (video, run, start, min(start + size, len(video)), detection)
        for run, video in enumerate(videos)
        for start in range(0, len(video), size)
    ]
    done = (
        _parallel(jobs, min(workers, len(jobs))) if workers > 1 else map(_numbered, enumerate(jobs))
    )
    tables: dict[int, pd.DataFrame] = {}
    with tqdm(total=total, desc="detect", unit="frame") as bar:
        for number, table in done:
            tables[number] = table
            bar.update(jobs[number][3] - jobs[number][2])
    table = pd.concat([tables[number] for number in range(len(jobs))], ignore_index=True)
    if table.empty:
        raise ValueError(
            f"no particles found in {total} frames with {detection}; check that the particles are "
            "brighter than the ground (else invert), and lower minmass"
        )
    return table


def _numbered(job: tuple) -> tuple[int, pd.DataFrame]:
    return job[0], chunk(*job[1])


def _parallel(jobs: list[tuple], workers: int) -> Iterator[tuple[int, pd.DataFrame]]:
    with (
        _main_module_hidden(),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=30
        ) as cluster,
        Client(cluster) as client,
    ):
        tqdm.write(f"dask dashboard: {client.dashboard_link}", file=sys.stderr)
        futures = client.map(_numbered, list(enumerate(jobs)), pure=False)
        for _, result in as_completed(futures, with_results=True):
            yield result


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keeps worker processes from running the calling script again.

    Python's spawn imports the parent's main module into every child; a snakemake script, which has
    no `if __name__ == "__main__"`, would then start its own cluster in there.
    """
    names = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {
        name: names.pop(name) for name in ("__file__", "__spec__") if name in names
    }
    names["__spec__"] = None
    try:
        yield
    finally:
        names.update(hidden)
