"""Frames in a wrong order, told by the tracks."""

from __future__ import annotations

import numpy as np

from pipeline import slots
from pipeline.video import order

LEAST = 10  # particles, of which a step is the mean


def misplaced(
    position: np.ndarray,
    seen: np.ndarray,
    stretch: np.ndarray,
    occupant: np.ndarray | None,
    frame: np.ndarray,
) -> list[str]:
    """A warning on frames that are nearer to others than to their neighbours.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool.
        stretch: (T,) label of the uninterrupted stretch of each snapshot.
        occupant: (T, M), see `pipeline.slots`.
        frame: (T,) number of each snapshot, for the message.
    """
    lag = np.full((len(position), 2), np.nan)
    for k in range(1, min(3, len(position))):
        follow = slots.again(seen, stretch, k, occupant)
        size = np.linalg.norm(position[k:] - position[:-k], axis=2)
        count = follow.sum(axis=1)
        mean = np.where(follow, size, 0.0).sum(axis=1) / np.maximum(count, 1)
        lag[k:, k - 1] = np.where(count >= LEAST, mean, np.nan)
    found = order.exchanged(lag)
    if not found:
        return []
    more = f", and {len(found) - 1} more pairs" if len(found) > 1 else ""
    return [
        f"frames {frame[found[0]]} and {frame[found[0] + 1]}{more} seem to be in each other's "
        "place: steps there are longer than in another order, and velocities are wrong; put the "
        "frames in order."
    ]
