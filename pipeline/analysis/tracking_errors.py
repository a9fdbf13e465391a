"""Tracking against the known truth of a simulated video: recall, precision, errors, swaps.

Everything in pixels and frames, in the coordinates of the video.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from pipeline.errors import InputError
from pipeline.trajectory import Trajectory


def tracking(
    tracks: pd.DataFrame,
    truth: Trajectory,
    view: tuple[int, int],
    margin: float = 6.0,
    tolerance: float = 3.0,
) -> dict[str, Any]:
    """How well a table of tracks tells what truly happened.

    A feature and a true particle match where each is the other's nearest and they are closer than
    ``tolerance``. Recall: the share of true particles inside the margin that are matched.
    Precision: the share of features inside the margin that are. Gap-filled rows are left out.

    Args:
        tracks: rows with frame, particle, y, x (px) and perhaps filled.
        truth: positions (T, N, 2) (x, y) px of every frame, velocities px/frame.
        view: height and width of the video in px.
        margin: px left out along the edges of the view.
        tolerance: px, the largest distance of a match; below half the particle distance.

    Returns:
        JSON-able: recall, precision, position_error_px (rms per component), its parts static (a
        constant of each track) and fluctuating, position_bias_px [x, y], identity_swaps,
        velocity (see `velocity_error`), margin_px, tolerance_px, matched, frames.

    Raises:
        InputError: if the tracks reach beyond the truth, or nothing matches.
    """
    if tracks["frame"].max() >= len(truth.time):
        raise InputError(
            f"The tracks reach frame {tracks['frame'].max()}, the truth has {len(truth.time)} "
            f"frames: do they belong to the same video?"
        )
    table, counts = match(tracks, truth, view, margin, tolerance)
    if table.empty:
        raise InputError(
            f"No feature lies within {tolerance:g} px of a true particle: do the tracks and the "
            f"truth belong to the same video, both in pixels?"
        )
    error = table[["dx", "dy"]].to_numpy()
    static = table.groupby("particle")[["dx", "dy"]].transform("mean").to_numpy()
    return {
        "recall": counts["true_matched"] / max(counts["true"], 1),
        "precision": counts["found_matched"] / max(counts["found"], 1),
        "position_error_px": rms(error),
        "position_error_static_px": rms(static),
        "position_error_fluctuating_px": rms(error - static),
        "position_bias_px": error.mean(axis=0).tolist(),
        "identity_swaps": swaps(table),
        "velocity": velocity_error(table, truth),
        "margin_px": margin,
        "tolerance_px": tolerance,
        "matched": len(table),
        "frames": int(table["frame"].nunique()),
    }


def match(
    tracks: pd.DataFrame,
    truth: Trajectory,
    view: tuple[int, int],
    margin: float,
    tolerance: float,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Pairs of features and true particles, frame by frame.

    Returns:
        A table frame, particle, label (column of the truth), x, y, dx, dy (px, found minus true)
        sorted by particle and frame, of features inside the margin, and the counts of true and
        found particles inside the margin and of those matched.
    """
    if "filled" in tracks:
        tracks = tracks[~tracks["filled"].astype(bool)]
    tracks = tracks.sort_values("frame", kind="stable")
    number, place = tracks["frame"].to_numpy(), tracks[["x", "y"]].to_numpy()
    counts = dict.fromkeys(("true", "true_matched", "found", "found_matched"), 0)
    rows, labels = [], []
    for frame in range(number[0], number[-1] + 1):
        start, stop = np.searchsorted(number, [frame, frame + 1])
        here = np.flatnonzero(truth.present[frame])
        real, found = truth.position[frame, here], place[start:stop]
        pair = mutual(found, real, tolerance)
        inside_real, inside = within(real, view, margin), within(found, view, margin)
        keep = inside & (pair >= 0)
        counts["true"] += int(inside_real.sum())
        counts["true_matched"] += int(inside_real[pair[pair >= 0]].sum())
        counts["found"] += int(inside.sum())
        counts["found_matched"] += int(keep.sum())
        rows.append(start + np.flatnonzero(keep))
        labels.append(here[pair[keep]])
    row, label = np.concatenate(rows), np.concatenate(labels)
    table = tracks[["frame", "particle", "x", "y"]].iloc[row].assign(label=label)
    difference = place[row] - truth.position[number[row], label]
    table = table.assign(dx=difference[:, 0], dy=difference[:, 1])
    return table.sort_values(["particle", "frame"], ignore_index=True), counts


def within(place: np.ndarray, view: tuple[int, int], margin: float) -> np.ndarray:
    """Which of place (N, 2) (x, y) px lie inside the margin of a view of (height, width) px."""
    high = np.array([view[1], view[0]]) - 1.0 - margin
    return np.all((place > margin) & (place < high), axis=1)


def mutual(found: np.ndarray, real: np.ndarray, tolerance: float) -> np.ndarray:
    """For each of found (F, 2), the index of its mutually nearest of real (N, 2), or -1."""
    distance, nearest = cKDTree(real).query(found, distance_upper_bound=tolerance)
    _, back = cKDTree(found).query(real)
    good = np.isfinite(distance)
    good[good] = back[nearest[good]] == np.flatnonzero(good)
    return np.where(good, nearest, -1)


def swaps(table: pd.DataFrame) -> int:
    """How often a track passes from one true particle to another (table sorted by track)."""
    same = table["particle"].to_numpy()[1:] == table["particle"].to_numpy()[:-1]
    return int((same & (np.diff(table["label"].to_numpy()) != 0)).sum())


def velocity_error(table: pd.DataFrame, truth: Trajectory) -> dict[str, float]:
    """Backward differences of the tracks against the truth [px/frame, rms per component].

    true: rms of the instantaneous velocity. error: against the backward difference of the true
    positions (localisation alone). error_instantaneous: against the true velocity at that moment
    (localisation and the finite interval). variance_ratio: of tracked to true backward difference.
    """
    frame, label = table["frame"].to_numpy(), table["label"].to_numpy()
    step = (np.diff(frame) == 1) & (np.diff(label) == 0)
    step &= np.diff(table["particle"].to_numpy()) == 0
    now = np.flatnonzero(step) + 1
    measured = table[["x", "y"]].to_numpy()[now] - table[["x", "y"]].to_numpy()[now - 1]
    t, n = frame[now], label[now]
    exact = truth.velocity[t, n]
    backward = truth.position[t, n] - truth.position[t - 1, n]
    return {
        "true": rms(exact),
        "error": rms(measured - backward),
        "error_instantaneous": rms(measured - exact),
        "variance_ratio": float(np.mean(measured**2) / np.mean(backward**2)),
    }


def rms(values: np.ndarray) -> float:
    """Root mean square over everything, so per component for vectors."""
    return float(np.sqrt(np.mean(values**2)))
