"""Motion that all particles share for the whole film: a stage that creeps, a liquid that flows."""

from __future__ import annotations

import numpy as np

from pipeline import slots

BLOCKS = 10  # of time
SURE = 5.0  # standard errors
LAG = 10  # snapshots, over which
SHARE = 0.1  # of the mean squared displacement is the drift's, where it matters


def drifting(
    position: np.ndarray, seen: np.ndarray, stretch: np.ndarray, occupant: np.ndarray | None
) -> list[str]:
    """A warning where the particles move one way, and far enough to show in how they spread.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool.
        stretch: (T,) label of the uninterrupted stretch of each snapshot.
        occupant: (T, M), see `pipeline.slots`.
    """
    follow = slots.again(seen, stretch, 1, occupant)
    if len(follow) < 2 * BLOCKS:
        return []
    step = np.where(follow[..., None], np.diff(position, axis=0), 0.0).sum(axis=1)
    count = follow.sum(axis=1)
    parts = np.array_split(np.arange(len(count)), BLOCKS)
    blocks = np.array([step[part].sum(0) / max(count[part].sum(), 1) for part in parts])
    drift = step.sum(axis=0) / max(count.sum(), 1)
    error = blocks.std(axis=0, ddof=1) / BLOCKS**0.5
    later = slots.again(seen, stretch, LAG, occupant)
    square = (position[LAG:] - position[:-LAG])[later] ** 2
    if not len(square) or not np.any(np.abs(drift) > SURE * error):
        return []
    share = LAG**2 * (drift**2).sum() / max(float(square.sum(axis=1).mean()), 1e-12)
    if share < SHARE:
        return []
    return [
        f"all particles drift by ({drift[0]:.2g}, {drift[1]:.2g}) px a snapshot through the whole "
        f"film, {100 * share:.0f} % of their mean squared displacement over {LAG}: a stage that "
        "creeps, or a liquid that flows? link.drift: mean takes it out (never for sheared samples)."
    ]
