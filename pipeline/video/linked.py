"""What was linked: displacements, gaps, neighbours, and the summary that the report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from pipeline.video.link import Linking


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


def summary(
    features: pd.DataFrame,
    linked: pd.DataFrame,
    tracks: pd.DataFrame,
    steps: np.ndarray,
    linking: Linking,
) -> dict[str, Any]:
    """The contents of linking.json, JSON-able.

    Args:
        features: all that was detected. linked: the same with labels, before stubs were removed.
        tracks: what is left, gaps filled. steps: (M, 2) displacements of it before that [px].
    """
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
