"""The window in which models are rolled out and everything is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.flow import temperature
from pipeline.trajectory import Trajectory, blocks

BEFORE = "temperature_before"  # attribute of a window: see `window`


def rows(trajectory: Trajectory, block: slice, frames: int | None = None) -> slice:
    """The part of the test block on which models are rolled out and everything is measured.

    A rollout needs particles that can be followed from its first snapshot to its last. Where
    tracks are short the window is shortened until at least half of the particles that are free
    in its first snapshot are free throughout.

    Args:
        trajectory: the whole data set.
        block: the test block.
        frames: longest window wanted; None takes the block.

    Raises:
        ValueError: if no two successive snapshots share a free particle.
    """
    stop = min(block.stop, block.start + (frames or block.stop))
    breaks = np.flatnonzero(~trajectory.successive()[block.start : stop - 1])
    stop = block.start + int(breaks[0]) + 1 if len(breaks) else stop
    surviving = np.logical_and.accumulate(trajectory.free[block.start : stop]).sum(axis=1)
    if surviving[0] == 0 or len(surviving) < 2 or surviving[1] == 0:
        raise ValueError(
            "No particle is free and tracked over two successive snapshots at the start of the "
            "test block: check the linking (search_range, memory) or lower trajectory.edge_band."
        )
    enough = np.flatnonzero(surviving >= 0.5 * surviving[0])
    return slice(block.start, block.start + max(int(enough[-1]) + 1, 2))


def window(trajectory: Trajectory, split: dict[str, Any], frames: int | None) -> Trajectory:
    """The evaluation window of a data set; its attribute ``temperature_before`` says how hot
    the particles were up to it [length^2 / time^2].

    Args:
        trajectory: the whole data set.
        split: arguments of `pipeline.trajectory.blocks`.
        frames: see `rows`.
    """
    block = blocks(trajectory, **split)["test"]
    part = trajectory.window(rows(trajectory, block, frames))
    known = temperature(trajectory.window(slice(0, block.start)))
    return part._replace(attributes={**part.attributes, BEFORE: known})
