"""Motion that all particles share from one frame to the next: a camera or a stage that shakes."""

from __future__ import annotations

import numpy as np

from pipeline import slots

WINDOW = 7  # steps, of which the middle one is compared with the median
LEAST = 0.15  # pixels, which are seen
BEYOND = 6.0  # standard deviations of the mean of independent particles
FEW = 3  # steps: more of them are no single jumps


def shaken(
    position: np.ndarray, seen: np.ndarray, stretch: np.ndarray, occupant: np.ndarray | None
) -> list[str]:
    """A warning where all particles move together by fits and starts, or once.

    A flow goes on for several frames, which single steps are compared with.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool.
        stretch: (T,) label of the uninterrupted stretch of each snapshot.
        occupant: (T, M), see `pipeline.slots`.
    """
    follow = slots.again(seen, stretch, 1, occupant)
    count = follow.sum(axis=1)
    if len(count) < WINDOW or np.median(count) < 2:
        return []
    step = np.where(follow[..., None], np.diff(position, axis=0), 0.0)
    mean = step.sum(axis=1) / np.maximum(count, 1)[:, None]
    own = np.where(follow[..., None], step - mean[:, None], 0.0)
    deviation = np.sqrt((own**2).sum() / max(2 * count.sum(), 1))
    padded = np.pad(mean, ((WINDOW // 2, WINDOW // 2), (0, 0)), mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0), axis=2)
    off = np.where((count > 1)[:, None], mean - usual, 0.0)
    bound = np.maximum(BEYOND * deviation / np.sqrt(np.maximum(count, 1)), LEAST)
    odd = np.flatnonzero(np.hypot(*off.T) > bound)
    if not len(odd):
        return []
    if len(odd) <= FEW:
        x, y = off[odd[0]]
        return [
            f"all particles jump together by ({x:.2f}, {y:.2f}) px to snapshot {odd[0] + 1}"
            f"{f' and {len(odd) - 1} times more' if len(odd) > 1 else ''}: did the stage move? "
            "video.registration: true, or link.drift: mean, takes it out (never for sheared "
            "samples)."
        ]
    rms = np.sqrt((off**2).sum(axis=1).mean())
    return [
        f"all particles move together by fits and starts, by {rms:.2g} px rms ({len(odd)} of "
        f"{len(count)} steps), where they themselves move {deviation:.2g} px: "
        "does the stage or the camera shake? video.registration: true, or link.drift: mean, takes "
        "it out (never for sheared samples)."
    ]
