"""Gaps of tracks, filled by straight lines."""

from __future__ import annotations

import numpy as np
import pandas as pd


def gaps_filled(tracks: pd.DataFrame, ticks: np.ndarray | None = None) -> pd.DataFrame:
    """Adds a row, `filled` = True, for every frame that a track misses between its ends.

    Args:
        tracks: of one run.
        ticks: (M,) the frames that there should be, increasing; None for all.
    """
    table = tracks.sort_values(["particle", "frame"]).reset_index(drop=True)
    frame = table["frame"].to_numpy()
    order = frame if ticks is None else np.searchsorted(ticks, frame)
    missing = np.diff(order, append=0) - 1
    missing[np.diff(table["particle"].to_numpy(), append=-1) != 0] = 0
    before = np.repeat(np.arange(len(table)), np.maximum(missing, 0))
    number = np.arange(len(before)) - np.searchsorted(before, before) + 1
    there = order[before] + number
    there = there if ticks is None else ticks[there]
    part = ((there - frame[before]) / np.maximum(frame[before + 1] - frame[before], 1))[:, None]
    new = table.iloc[before].copy()
    values = ["y", "x", "mass", "size", "ecc", "signal", "ep"]
    low, high = table[values].to_numpy()[before], table[values].to_numpy()[before + 1]
    new[values] = low * (1 - part) + high * part
    new["frame"] = there
    whole = pd.concat([table.assign(filled=False), new.assign(filled=True)], ignore_index=True)
    return whole.sort_values(["frame", "particle"]).reset_index(drop=True)
