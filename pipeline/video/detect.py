"""Detection of particles by trackpy's locate (Crocker and Grier 1996), spread over processes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import trackpy
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.tables import FEATURES, read_blocks
from pipeline.video.frames import Video, outside
from pipeline.video.parameters import Detection
from pipeline.video.workers import START, spread


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


BRIGHTNESS = ["mass", "signal", "raw_mass"]  # columns in grey levels


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
            smoothing_size=detection.smoothing,
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
