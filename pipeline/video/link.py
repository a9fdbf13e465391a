"""Linking features into tracks by trackpy; stubs, gaps and drift."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import trackpy
from tqdm import tqdm
from trackpy.linking.utils import SubnetOversizeException

from pipeline.video.linked import displacements, gaps_filled, summary
from pipeline.video.quiet import quiet


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
    linked = _labelled(features, linking)
    labels = linked.groupby("particle")["frame"].transform("size")
    tracks = linked[labels >= linking.min_length]
    if tracks.empty:
        raise ValueError(
            f"no track is as long as min_length = {linking.min_length} frames (longest: "
            f"{labels.max()}); lower it or raise search_range = {linking.search_range:g} px"
        )
    if linking.remove_drift:
        tracks = drift_removed(tracks)
    steps = displacements(tracks)
    tracks = gaps_filled(tracks)
    return tracks, summary(features, linked, tracks, steps, linking)


def _labelled(features: pd.DataFrame, linking: Linking) -> pd.DataFrame:
    """`features` with a column `particle`, unique over runs."""
    adaptive = {"adaptive_stop": linking.search_range / 4, "adaptive_step": 0.9}
    linked, first = [], 0
    for run, table in features.groupby("run", sort=True):
        table = table.sort_values("frame", kind="stable")
        numbers = table["frame"].to_numpy()
        frames = np.arange(numbers.min(), numbers.max() + 1)
        parts = np.split(table[["y", "x"]].to_numpy(), np.searchsorted(numbers, frames[1:]))
        labels = []
        try:
            with quiet(), _collector_paused():
                links = trackpy.link_iter(
                    iter(parts),
                    linking.search_range,
                    memory=linking.memory,
                    **(adaptive if linking.adaptive else {}),
                )
                for _, ids in tqdm(links, "link", len(parts), unit="frame"):
                    labels.append(np.asarray(ids, np.int64))
        except SubnetOversizeException as error:
            raise ValueError(
                f"particles of run {run} are too crowded for search_range = "
                f"{linking.search_range:g} px; lower it, or allow adaptive search"
            ) from error
        table = table.assign(particle=np.concatenate(labels) + first)
        first = int(table["particle"].max()) + 1
        linked.append(table)
    return pd.concat(linked, ignore_index=True)


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


def drift_removed(tracks: pd.DataFrame) -> pd.DataFrame:
    """Tracks with the mean displacement of all particles, accumulated per run, subtracted."""
    parts = []
    for _, table in tracks.groupby("run", sort=True):
        with quiet():
            still = trackpy.subtract_drift(table.copy(), trackpy.compute_drift(table))
        parts.append(still.reset_index(drop=True))
    return pd.concat(parts, ignore_index=True)
