"""Linking features into tracks by trackpy; stubs, gaps and drift.

A video may be too long for its features to be held at once: everything goes through in blocks of
frames, twice. First trackpy labels the features; then, when the length of every track is known,
stubs are removed, drift taken out and gaps filled.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import trackpy
from tqdm import tqdm
from trackpy.linking.utils import SubnetOversizeException

from pipeline import tables
from pipeline.errors import InputError
from pipeline.tables import FEATURES, TRACKS
from pipeline.video import clock
from pipeline.video.detect import quiet
from pipeline.video.gaps import gaps_filled
from pipeline.video.parameters import Linking
from pipeline.video.tally import Tally, Ticks


def finished(
    labelled: Iterable[pd.DataFrame], linking: Linking, tally: Tally
) -> Iterator[pd.DataFrame]:
    """Tracks (pipeline.tables.TRACKS) in the order of run, frame and particle.

    Args:
        labelled: blocks of whole frames, with `particle`, in the order of run and frame.
        tally: knows the length of every track, and is told of displacements and filled gaps.
    """
    for _, parts in groupby(labelled, lambda block: int(block["run"].iloc[0])):
        yield from _run(parts, linking, tally)


def _run(parts: Iterable[pd.DataFrame], linking: Linking, tally: Tally) -> Iterator[pd.DataFrame]:
    """Tracks of one run.

    A gap may begin in one block and end in the next, at most `memory` frames later: the last frames
    are held back until no later one can add to them.
    """
    memory, done, drift = linking.memory, -1, Drift()
    ticks: np.ndarray | None = None
    held: pd.DataFrame | None = None
    late: pd.DataFrame | None = None
    for block in parts:
        tally.look(block)
        run = int(block["run"].iloc[0])
        if ticks is None and tally.seen is not None:
            ticks = clock.ticks(tally.seen[run])
        block = block[tally.lengths[block["particle"]] >= linking.min_length]
        if block.empty:
            continue
        before = -1 if held is None else int(held["frame"].iloc[-1])
        count = 0 if held is None else int((held["frame"] == before).sum())
        table = pd.concat([block] if held is None else [held, block], ignore_index=True)
        last = int(table["frame"].iloc[-1])
        end, step = displacements(table, before)
        if linking.remove_drift:
            step = drift.extended(end, step, last)
            tally.moved[run] = drift.extent
        tally.move(step)
        tally.follow(end, block, count)
        tracks = gaps_filled(drift.removed(table) if linking.remove_drift else table, ticks)
        tracks = tracks[tracks["frame"] > done]
        done = max(done, last - memory)
        ready, late = tracks[tracks["frame"] <= done], tracks[tracks["frame"] > done]
        tally.fill(ready)
        yield ready
        held = table[table["frame"] > last - max(2 * memory, 1)]
    if late is not None:
        tally.fill(late)
        yield late


class Drift:
    """Mean motion of the particles of a run, added up frame by frame as the blocks come."""

    def __init__(self) -> None:
        self.sum = np.zeros((1, 2))  # (frames, 2), (x, y) [px]; 0 in frame 0

    def extended(self, end: np.ndarray, step: np.ndarray, last: int) -> np.ndarray:
        """Takes in the next frames, up to `last`; returns the steps without their mean.

        Args:
            end: (M,) frames, not yet taken in, in which displacements end.
            step: (M, 2) the displacements (x, y) [px].
        """
        known = len(self.sum)
        count = np.bincount(end, minlength=last + 1)
        total = np.stack([np.bincount(end, column, last + 1) for column in step.T], axis=1)
        mean = total / np.maximum(count, 1)[:, None]
        self.sum = np.concatenate([self.sum, self.sum[-1] + np.cumsum(mean[known:], axis=0)])
        return step - mean[end]

    @property
    def extent(self) -> list[list[float]]:
        """Least and greatest sum so far, (x, y) each [px]; rounded, lest blocks tell."""
        low, high = self.sum.min(axis=0), self.sum.max(axis=0)
        return [low.round(6).tolist(), high.round(6).tolist()]

    def removed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with positions in the frame of the mean particle."""
        x, y = self.sum[table["frame"].to_numpy()].T
        return table.assign(x=table["x"] - x, y=table["y"] - y)


def displacements(tracks: pd.DataFrame, after: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Displacements between detections of a particle in frames that follow each other.

    Frames that nobody saw anything in are passed over.

    Args:
        after: only those that end in a later frame than this.

    Returns:
        (M,) frames in which they end, (M, 2) displacements (x, y) [px].
    """
    table = tracks.sort_values(["particle", "frame"])
    frame = table["frame"].to_numpy()[1:]
    order = np.searchsorted(np.unique(table["frame"]), table["frame"])
    step = np.diff(table[["particle", "x", "y"]].to_numpy(float), axis=0)
    found = (step[:, 0] == 0) & (np.diff(order) == 1) & (frame > after)
    return frame[found], step[found, 1:]


LABELLED: dict[str, type] = {**FEATURES, "particle": np.int64}


def link(
    features: pd.DataFrame, linking: Linking, seen: Ticks = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Tracks table (pipeline.tables.TRACKS) and the summary that linking.json holds.

    Labels are unique over all runs. Gaps no longer than `memory` are filled by straight lines and
    flagged in `filled`.

    Args:
        seen: for each run, the ticks of the frames that show particles (pipeline.video.survey):
            what lies between two of them is a gap if a frame is missing there, and nothing where
            frames come at a lower rate. None: every number was a frame.

    Raises:
        InputError: if particles are too crowded for the search range, or no track is left.
    """
    ordered = features.sort_values(["run", "frame"], kind="stable")
    tally = Tally(linking.search_range, linking.memory, seen)
    labelled = list(_labelled(tables.whole_frames([ordered]), linking, tally))
    _refuse_stubs(tally, linking)
    tracks = finished(labelled, linking, tally)
    return pd.concat(tracks, ignore_index=True), tally.summary(linking.min_length)


def link_file(
    source: Path | str, target: Path | str, linking: Linking, seen: Ticks = None
) -> dict[str, Any]:
    """As `link`, from one parquet file to another, at a memory that does not grow with the video.

    Args:
        source: features, in the order of run and frame.
        target: tracks; appears whole.
    """
    tally = Tally(linking.search_range, linking.memory, seen)
    # A name of its own, so that what a killed run leaves is written over by the next.
    between = Path(target).with_suffix(".labelled")
    try:
        with tables.block_writer(between, LABELLED) as append:
            for block in _labelled(tables.read_blocks(source, FEATURES), linking, tally):
                append(block)
        _refuse_stubs(tally, linking)
        with tables.block_writer(target, TRACKS) as append:
            for block in finished(tables.read_blocks(between, LABELLED), linking, tally):
                append(block)
    finally:
        between.unlink(missing_ok=True)
    return tally.summary(linking.min_length)


def _refuse_stubs(tally: Tally, linking: Linking) -> None:
    longest = tally.lengths.max(initial=0)
    if longest < linking.min_length:
        raise InputError(
            f"no track is as long as min_length = {linking.min_length} frames (longest: "
            f"{longest}); lower it or raise search_range = {linking.search_range:g} px"
        )


def _labelled(
    features: Iterable[pd.DataFrame], linking: Linking, tally: Tally
) -> Iterator[pd.DataFrame]:
    """The blocks with a column `particle`, unique over runs; the tally counts them."""
    first = 0
    with tqdm(desc="link", unit="feature", mininterval=1) as bar:
        for run, parts in groupby(features, lambda block: int(block["run"].iloc[0])):
            following = first
            ticks = None if tally.seen is None else clock.ticks(tally.seen[run])
            for block in _linked(run, parts, linking, ticks):
                block["particle"] += first
                following = max(following, int(block["particle"].max()) + 1)
                tally.label(block)
                bar.update(len(block))
                yield block
            first = following


def _linked(
    run: int, parts: Iterable[pd.DataFrame], linking: Linking, ticks: np.ndarray | None
) -> Iterator[pd.DataFrame]:
    """The blocks of one run with trackpy's labels, from 0."""
    adaptive = {"adaptive_stop": linking.search_range / 4, "adaptive_step": 0.9}
    waiting: deque[tuple[pd.DataFrame, int]] = deque()
    try:
        with quiet(), _collector_paused():
            links = trackpy.link_iter(
                _coordinates(parts, lambda *block: waiting.append(block), ticks),
                linking.search_range,
                memory=linking.memory,
                **(adaptive if linking.adaptive else {}),
            )
            labels: list[np.ndarray] = []
            for _, ids in links:
                labels.append(np.asarray(ids, np.int64))
                if len(labels) == waiting[0][1]:
                    yield waiting.popleft()[0].assign(particle=np.concatenate(labels))
                    labels = []
    except SubnetOversizeException as error:
        raise InputError(
            f"particles of run {run} are too crowded for search_range = "
            f"{linking.search_range:g} px even where it is shrunk to a quarter: set "
            f"link.search_range lower, or keep fewer features (detect.minmass, detect.separation)"
        ) from error


def _coordinates(
    parts: Iterable[pd.DataFrame],
    taken: Callable[[pd.DataFrame, int], None],
    ticks: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """(N, 2) positions (y, x) in every frame, empty ones between included.

    Args:
        taken: told of each block, and how many frames it brings, before the first of them.
        ticks: (M,) the frames that there should be; None for all.
    """
    last: int | None = None
    for block in parts:
        numbers = block["frame"].to_numpy()
        start, stop = numbers[0] if last is None else last + 1, numbers[-1] + 1
        if ticks is None:
            frames = np.arange(start, stop)
        else:
            frames = ticks[slice(*np.searchsorted(ticks, (start, stop)))]
        last = int(numbers[-1])
        taken(block, len(frames))
        yield from np.split(block[["y", "x"]].to_numpy(), np.searchsorted(numbers, frames[1:]))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Halves the time of linking: its millions of small objects form no cycles to be searched."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
