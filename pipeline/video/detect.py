"""Detection of particles by trackpy's locate (Crocker and Grier 1996), spread over processes."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import dask
import numpy as np
import pandas as pd
import trackpy
from dask.distributed import Client, Future, LocalCluster
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.tables import FEATURES, read_blocks
from pipeline.video.frames import Video, outside


@contextmanager
def quiet() -> Iterator[None]:
    """Hides deprecation warnings raised in trackpy and pandas, and trackpy's line per frame."""
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.filterwarnings(
                "ignore", category=kind, module=r"trackpy|pandas|pipeline\.video"
            )
        for said in ("No maxima survived", "Image is completely black"):
            warnings.filterwarnings("ignore", message=said)
        # Spots without contrast have no finite `ep`, as the table then shows.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"trackpy\.uncertainty")
        logger = logging.getLogger("trackpy")  # one line for every frame linked
        level = logger.level
        logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            logger.setLevel(level)


T = TypeVar("T")
UNWATCHED = {
    # Workers note hundred times a second what they do, and keep the notes: memory grows with time.
    "distributed.worker.profile.enabled": False,
    # All are processes of this machine, whose end is noticed at once. Silence means that it slept.
    "distributed.scheduler.worker-ttl": None,
}


START = 8.0  # seconds that workers need to start and to load trackpy and numba


def spread(
    function: Callable[..., T],
    common: object,
    jobs: Iterable[tuple],
    workers: int,
    start: float = START,
) -> Iterator[T]:
    """``function(common, *job)`` for every job, in order; `common` goes to every worker once.

    Work begins in this process, and goes to a cluster where that saves time. The address of dask's
    dashboard goes to stderr. What a worker that is lost had in hand is done again; three workers
    lost over the same job are an error.

    Args:
        workers: processes; 1 works in this one, without a cluster.
        start: seconds that a cluster must save; 0 asks it at once.
    """
    waiting = deque(jobs)
    if workers == 1 or start > 0:
        yield from _here(function, common, waiting, start / (1 - 1 / workers) if workers > 1 else 0)
    if not waiting:
        return
    with (
        _main_module_hidden(),
        dask.config.set(UNWATCHED),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=30
        ) as cluster,
        Client(cluster) as client,
    ):
        tqdm.write(f"dask dashboard: {client.dashboard_link}", file=sys.stderr)
        shared = client.scatter(common, broadcast=True, hash=False)
        under_way: deque[Future] = deque()
        for job in waiting:
            under_way.append(client.submit(function, shared, *job, pure=False))
            # Results stay with the workers until their future is gone.
            if len(under_way) > 3 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _here(
    function: Callable[..., T], common: object, waiting: deque[tuple], longest: float
) -> Iterator[T]:
    """Does jobs in this process until those left would take ``longest`` seconds; 0 does all."""
    for done in count():
        if not waiting:
            return
        began = time.monotonic()
        result = function(common, *waiting.popleft())
        taken = time.monotonic() - began
        yield result
        # The first loads what is compiled.
        if longest and done and taken * len(waiting) > longest:
            return


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


BRIGHTNESS = ["mass", "signal", "raw_mass"]  # columns in grey levels


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
        InputError: if the diameter is not an odd number of at least 3 pixels.
    """
    if detection.diameter < 3 or detection.diameter % 2 == 0:
        raise InputError(f"diameter must be an odd number of 3 or more, got {detection.diameter}")
    image, unit = _unsigned(frame)
    with quiet():
        found = trackpy.locate(
            image,
            detection.diameter,
            minmass=detection.minmass / unit,
            separation=detection.separation,
            percentile=detection.percentile,
            invert=detection.invert,
            engine="numba",
        )
    if unit != 1.0:
        found[BRIGHTNESS] *= unit
    return found


def _unsigned(frame: np.ndarray) -> tuple[np.ndarray, float]:
    """A frame in unsigned integers, and how many of its grey levels one of them is.

    trackpy inverts integers bit by bit, which turns signed ones inside out, and reduces floating
    point to 8 bit. An offset is of no matter to it: the ground is subtracted.
    """
    if frame.dtype.kind == "u" and frame.dtype.itemsize <= 2:
        return frame, 1.0
    low, high = float(frame.min()), float(frame.max())
    whole = frame.dtype.kind in "iu" and high - low <= 65535
    unit = 1.0 if whole or high == low else (high - low) / 65535
    return np.rint((frame - np.float64(low)) / unit).astype(np.uint16), unit


def chunk(
    videos: Sequence[Video], run: int, start: int, stop: int, detection: Detection
) -> pd.DataFrame:
    """Features of frames start <= t < stop of one run; also what a dask worker executes.

    Frames that show no particles (see pipeline.video.survey) are left out; `frame` is the tick of a
    frame on the clock of its run.
    """
    found, video = [], videos[run]
    for t, frame in enumerate(video.frames(start, stop), start):
        if video.seen[t]:
            features = locate(frame, detection)
            cut = outside(video, t, features[["y", "x"]].to_numpy(float), detection.diameter // 2)
            found.append(features[~cut].assign(run=run, frame=video.number[t]))
    table = pd.concat([f for f in found if len(f)] or [pd.DataFrame(columns=list(FEATURES))])
    return table[list(FEATURES)].astype(FEATURES)


def features(
    videos: list[Video],
    detection: Detection,
    workers: int = 1,
    frames_per_chunk: int = 0,
    start: float = START,
) -> pd.DataFrame:
    """All of `detected` in one table.

    Raises:
        InputError: if no particle is found in any frame.
    """
    tables = detected(videos, detection, workers, frames_per_chunk, start=start)
    return pd.concat(tables, ignore_index=True)


def detected(
    videos: list[Video],
    detection: Detection,
    workers: int = 1,
    frames_per_chunk: int = 0,
    part: tuple[int, int] = (0, 1),
    start: float = START,
) -> Iterator[pd.DataFrame]:
    """Tables of pipeline.tables.FEATURES, one per chunk of frames, in order of run and frame.

    Few chunks are under way at a time, so that memory does not grow with the video.

    Args:
        workers: processes of a dask.distributed cluster; 1 works in this process, without one.
        frames_per_chunk: 0 chooses so that each worker gets several chunks.
        part: (k, n) takes the k-th of n shares of the frames of all runs, k from 0.
        start: seconds that a cluster must save, see `spread`.

    Raises:
        InputError: in the end, if no particle was found in any frame; a share may have none.
    """
    jobs = _jobs(videos, detection, part, workers, frames_per_chunk)
    tables = spread(chunk, videos, jobs, min(workers, max(len(jobs), 1)), start)
    shown = _shown(jobs, tables)
    return shown if part[1] > 1 else _something(shown, detection)


def _jobs(
    videos: list[Video], detection: Detection, part: tuple[int, int], workers: int, size: int
) -> list[tuple]:
    """Arguments of `chunk`, for every chunk of a share."""
    k, n = part
    total = sum(map(len, videos))
    first, last = k * total // n, (k + 1) * total // n
    size = size or int(np.clip((last - first) // (8 * workers), 1, 64))
    jobs, before = [], 0
    for run, video in enumerate(videos):
        low, high = max(first - before, 0), min(last - before, len(video))
        jobs += [
            (run, start, min(start + size, high), detection) for start in range(low, high, size)
        ]
        before += len(video)
    return jobs


def _shown(jobs: list[tuple], tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The tables, with a progress bar."""
    with tqdm(total=sum(job[2] - job[1] for job in jobs), desc="detect", unit="frame") as bar:
        for job, table in zip(jobs, tables, strict=True):
            yield table
            bar.update(job[2] - job[1])


def joined(parts: Iterable[Path | str], detection: Detection) -> Iterator[pd.DataFrame]:
    """The tables of all parts, which `detected` made and pipeline.blocks holds, in their order.

    Raises:
        InputError: if no particle was found in any frame.
    """
    tables = chain.from_iterable(read_blocks(part, FEATURES) for part in parts)
    return _something(tables, detection)


def _something(tables: Iterable[pd.DataFrame], detection: Detection) -> Iterator[pd.DataFrame]:
    found = False
    for table in tables:
        found = found or not table.empty
        yield table
    if not found:
        raise InputError(
            f"no particles found in any frame with {detection}; check that the particles are "
            "brighter than the ground (else detect.polarity: dark), and lower detect.minmass"
        )
