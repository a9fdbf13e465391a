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
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import trackpy
from tqdm import tqdm
from trackpy.linking.utils import SubnetOversizeException

from pipeline import tables
from pipeline.tables import FEATURES, TRACKS
from pipeline.video.linked import finished
from pipeline.video.quiet import quiet
from pipeline.video.tally import Tally

LABELLED: dict[str, type] = {**FEATURES, "particle": np.int64}


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


def link(features: pd.DataFrame, linking: Linking) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Tracks table (pipeline.tables.TRACKS) and the summary that linking.json holds.

    Labels are unique over all runs. Gaps no longer than `memory` are filled by straight lines and
    flagged in `filled`.

    Raises:
        ValueError: if particles are too crowded for the search range, or no track is left.
    """
    ordered = features.sort_values(["run", "frame"], kind="stable")
    tally = Tally(linking.search_range, linking.memory)
    labelled = list(_labelled(tables.whole_frames([ordered]), linking, tally))
    _refuse_stubs(tally, linking)
    tracks = finished(labelled, linking, tally)
    return pd.concat(tracks, ignore_index=True), tally.summary(linking.min_length)


def link_file(source: Path | str, target: Path | str, linking: Linking) -> dict[str, Any]:
    """As `link`, from one parquet file to another, at a memory that does not grow with the video.

    Args:
        source: features, in the order of run and frame.
        target: tracks; appears whole.
    """
    tally = Tally(linking.search_range, linking.memory)
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
        raise ValueError(
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
            for block in _linked(run, parts, linking):
                block["particle"] += first
                following = max(following, int(block["particle"].max()) + 1)
                tally.label(block)
                bar.update(len(block))
                yield block
            first = following


def _linked(run: int, parts: Iterable[pd.DataFrame], linking: Linking) -> Iterator[pd.DataFrame]:
    """The blocks of one run with trackpy's labels, from 0."""
    adaptive = {"adaptive_stop": linking.search_range / 4, "adaptive_step": 0.9}
    waiting: deque[tuple[pd.DataFrame, int]] = deque()
    try:
        with quiet(), _collector_paused():
            links = trackpy.link_iter(
                _coordinates(parts, lambda *block: waiting.append(block)),
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
        raise ValueError(
            f"particles of run {run} are too crowded for search_range = "
            f"{linking.search_range:g} px; lower it, or allow adaptive search"
        ) from error


def _coordinates(
    parts: Iterable[pd.DataFrame], taken: Callable[[pd.DataFrame, int], None]
) -> Iterator[np.ndarray]:
    """(N, 2) positions (y, x) in every frame, empty ones between included.

    Args:
        taken: told of each block, and how many frames it brings, before the first of them.
    """
    last: int | None = None
    for block in parts:
        numbers = block["frame"].to_numpy()
        frames = np.arange(numbers[0] if last is None else last + 1, numbers[-1] + 1)
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
