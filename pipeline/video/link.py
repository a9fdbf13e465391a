"""Linking features into tracks by trackpy; stubs, gaps and drift."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import trackpy
from scipy.spatial import cKDTree
from tqdm import tqdm
from trackpy.linking.utils import SubnetOversizeException

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
    return tracks, _summary(features, linked, tracks, steps, linking)


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
            with quiet():
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


def drift_removed(tracks: pd.DataFrame) -> pd.DataFrame:
    """Tracks with the mean displacement of all particles, accumulated per run, subtracted."""
    parts = []
    for _, table in tracks.groupby("run", sort=True):
        with quiet():
            still = trackpy.subtract_drift(table.copy(), trackpy.compute_drift(table))
        parts.append(still.reset_index(drop=True))
    return pd.concat(parts, ignore_index=True)


def displacements(tracks: pd.DataFrame) -> np.ndarray:
    """(M, 2) displacements (x, y) [px] between detections of a particle in successive frames."""
    table = tracks.sort_values(["particle", "frame"])
    step = np.diff(table[["particle", "frame", "x", "y"]].to_numpy(float), axis=0)
    return step[(step[:, 0] == 0) & (step[:, 1] == 1), 2:]


def gaps_filled(tracks: pd.DataFrame) -> pd.DataFrame:
    """Adds a row, `filled` = True, for every frame that a track misses between its ends."""
    table = tracks.sort_values(["particle", "frame"]).reset_index(drop=True)
    missing = np.diff(table["frame"].to_numpy(), append=0) - 1
    missing[np.diff(table["particle"].to_numpy(), append=-1) != 0] = 0
    before = np.repeat(np.arange(len(table)), np.maximum(missing, 0))
    number = np.arange(len(before)) - np.searchsorted(before, before) + 1
    part = (number / (missing[before] + 1.0))[:, None]
    new = table.iloc[before].copy()
    values = ["y", "x", "mass", "size", "ecc", "signal", "ep"]
    low, high = table[values].to_numpy()[before], table[values].to_numpy()[before + 1]
    new[values] = low * (1 - part) + high * part
    new["frame"] = table["frame"].to_numpy()[before] + number
    whole = pd.concat([table.assign(filled=False), new.assign(filled=True)], ignore_index=True)
    return whole.sort_values(["run", "frame", "particle"]).reset_index(drop=True)


def neighbour_distance(features: pd.DataFrame, frames: int = 5) -> float:
    """Median distance to the nearest neighbour [px] over a few frames spread over the runs."""
    groups = [g for _, g in features.groupby(["run", "frame"]) if len(g) > 1]
    if not groups:
        return np.inf
    chosen = np.unique(np.linspace(0, len(groups) - 1, frames).astype(int))
    points = [groups[k][["y", "x"]].to_numpy() for k in chosen]
    return float(np.median(np.concatenate([cKDTree(p).query(p, 2)[0][:, 1] for p in points])))


def _summary(features, linked, tracks, steps, linking: Linking) -> dict[str, Any]:
    lengths = tracks.groupby("particle")["frame"].size().to_numpy()
    size = np.hypot(*steps.T)
    count, edges = np.histogram(size, bins=50, range=(0.0, 1.1 * linking.search_range))
    length_count, length_edges = np.histogram(lengths, bins=min(50, int(lengths.max())))
    n_tracks = len(lengths)
    return {
        "n_features": len(features),
        "n_tracks": n_tracks,
        "n_stubs_removed": int(linked["particle"].nunique() - n_tracks),
        "search_range": float(linking.search_range),
        "memory": int(linking.memory),
        "displacement": {"edges": edges.tolist(), "count": count.tolist()},
        "per_frame": features.groupby(["run", "frame"]).size().tolist(),
        "length": {"edges": length_edges.tolist(), "count": length_count.tolist()},
        "filled": int(tracks["filled"].sum()),
        "warnings": _warnings(features, size, linking),
    }


def _warnings(features: pd.DataFrame, size: np.ndarray, linking: Linking) -> list[str]:
    said, near = [], neighbour_distance(features)
    if linking.search_range > 0.5 * near:
        said.append(
            f"search_range = {linking.search_range:.2f} px is more than half the distance between "
            f"neighbours ({near:.2f} px): particles may be mistaken for one another."
        )
    late = float(np.mean(size > 0.9 * linking.search_range)) if len(size) else 0.0
    if late > 0.01:
        said.append(
            f"{100 * late:.1f} % of the displacements lie within 10 % of search_range = "
            f"{linking.search_range:.2f} px: particles that move farther are lost; raise it or "
            "record faster."
        )
    return said
