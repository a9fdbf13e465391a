"""Tracks that stay where they are while others move: dust, writing in the picture, hot pixels."""

from __future__ import annotations

import numpy as np

from pipeline import slots

LONG = 20  # snapshots of a track that is judged
STAYS = 0.2  # of the usual deviation from its mean place: below, and below
STEPS = 0.3  # of the usual step, a track does not move


def stuck(
    position: np.ndarray, seen: np.ndarray, stretch: np.ndarray, occupant: np.ndarray | None
) -> list[str]:
    """A warning where some tracks stay and most others do not.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool.
        stretch: (T,) label of the uninterrupted stretch of each snapshot.
        occupant: (T, M), see `pipeline.slots`.
    """
    count = seen.shape[1] if occupant is None else int(occupant.max()) + 1
    later = None if occupant is None else occupant[1:]
    rows = slots.each(seen.astype(float), occupant, count)
    follow = slots.again(seen, stretch, 1, occupant)
    step2 = np.where(follow, (np.diff(position, axis=0) ** 2).sum(axis=2), 0.0)
    steps = slots.each(follow.astype(float), later, count)
    middle = position[seen].mean(axis=0) if seen.any() else np.zeros(2)
    place = np.where(seen[..., None], position - middle, 0.0)
    mean, square = (
        slots.each(values, occupant, count) / np.maximum(rows, 1)[:, None]
        for values in (place, place**2)
    )
    wander = np.sqrt(np.maximum(square - mean**2, 0.0).sum(axis=1))
    rms = np.sqrt(slots.each(step2, later, count) / np.maximum(steps, 1))
    long = (rows >= LONG) & (steps >= LONG / 2)
    if not long.any():
        return []
    usual, usual_step = np.median(wander[long]), np.median(rms[long])
    still = long & (wander < STAYS * usual) & (rms < STEPS * usual_step)
    if not still.any():
        return []
    x, y = mean[still][0] + middle
    return [
        f"{int(still.sum())} of {int(long.sum())} tracks stay within {wander[still].max():.2g} px "
        f"of their places where others wander {usual:.2g} px (one is at x = {x:.0f}, y = {y:.0f}): "
        "dust, hot pixels, writing in the picture, or particles that stick? They count as "
        "particles: keep the part without them (video.crop)."
    ]
