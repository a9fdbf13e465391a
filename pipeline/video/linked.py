"""From labelled features to tracks: stubs removed, drift taken out, gaps filled, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pipeline.video.link import Linking
    from pipeline.video.tally import Tally


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
    held: pd.DataFrame | None = None
    late: pd.DataFrame | None = None
    for block in parts:
        tally.look(block)
        block = block[tally.lengths[block["particle"]] >= linking.min_length]
        if block.empty:
            continue
        before = -1 if held is None else int(held["frame"].iloc[-1])
        table = pd.concat([block] if held is None else [held, block], ignore_index=True)
        last = int(table["frame"].iloc[-1])
        end, step = displacements(table, before)
        if linking.remove_drift:
            step = drift.extended(end, step, last)
        tally.move(step)
        tracks = gaps_filled(drift.removed(table) if linking.remove_drift else table)
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

    def removed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with positions in the frame of the mean particle."""
        x, y = self.sum[table["frame"].to_numpy()].T
        return table.assign(x=table["x"] - x, y=table["y"] - y)


def displacements(tracks: pd.DataFrame, after: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Displacements between detections of a particle in successive frames.

    Args:
        after: only those that end in a later frame than this.

    Returns:
        (M,) frames in which they end, (M, 2) displacements (x, y) [px].
    """
    table = tracks.sort_values(["particle", "frame"])
    frame = table["frame"].to_numpy()[1:]
    step = np.diff(table[["particle", "frame", "x", "y"]].to_numpy(float), axis=0)
    found = (step[:, 0] == 0) & (step[:, 1] == 1) & (frame > after)
    return frame[found], step[found, 2:]


def gaps_filled(tracks: pd.DataFrame) -> pd.DataFrame:
    """Adds a row, `filled` = True, for every frame that a track misses between its ends.

    Args:
        tracks: of one run.
    """
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
    return whole.sort_values(["frame", "particle"]).reset_index(drop=True)
