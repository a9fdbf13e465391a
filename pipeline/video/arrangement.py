"""How the particles of a frame lie: two at one place, another scale along each axis."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

FRAMES = 9  # that are looked at
CROWD = 20  # particles of a frame, at least
MANY = 60  # of which their order can be told
TOGETHER = 0.05  # of the spacing: nearer ones are one
DOUBLED = 0.15  # of the particles
SCALES = np.geomspace(1 / 16, 16, 33)  # of y over x, that are tried
SQUEEZED = 2.0  # times as long a unit along one axis
ROWS = 5  # at least
EVEN = 0.75  # of the room, from where particles keep apart: 0.47 at random places
REGULAR = 1.2  # times as far from their neighbours particles must be on the right scale


def arrangement(position: np.ndarray, seen: np.ndarray) -> list[str]:
    """Warnings.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool.
    """
    full = np.flatnonzero(seen.sum(axis=1) >= CROWD)
    if not len(full):
        return []
    rows = full[np.linspace(0, len(full) - 1, min(FRAMES, len(full))).astype(int)]
    frames = [position[t, seen[t]] for t in rows]
    return _doubled(frames) or _squeezed([f for f in frames[::4] if len(f) >= MANY])


def _doubled(frames: list[np.ndarray]) -> list[str]:
    """A word on particles that have another one where they are.

    Pairs at random places are so near for pi TOGETHER^2 of the particles.
    """
    shares = []
    for points in frames:
        spacing = float(np.sqrt(np.prod(np.ptp(points, axis=0)) / len(points)))
        shares.append(
            float((cKDTree(points).query(points, 2)[0][:, 1] < TOGETHER * spacing).mean())
        )
    share = float(np.median(shares))
    if share < DOUBLED:
        return []
    return [
        f"{100 * share:.0f} % of the particles have another one at their very place: was each "
        "tracked, or written, twice under two labels? They count twice, and forces between them "
        "mean nothing: take one of the two away."
    ]


def _squeezed(frames: list[np.ndarray]) -> list[str]:
    """A word on positions whose axes are in different units.

    Particles that keep apart are farthest from their nearest ones, by the room they have, where
    both axes are on one scale.
    """
    if not frames:
        return []
    apart = np.zeros(len(SCALES))
    for points in frames:
        room = float(np.sqrt(np.prod(np.ptp(points, axis=0)) / len(points)))
        for k, scale in enumerate(SCALES):
            near = cKDTree(points * (1.0, scale)).query(points * (1.0, scale), 2)[0][:, 1]
            apart[k] += np.median(near) / (room * np.sqrt(scale) * len(frames))
    # Of few rows, which a long and narrow view has, each lies evenly along itself.
    apart[np.minimum(SCALES, 1 / SCALES) < ROWS**2 / min(map(len, frames))] = 0.0
    best = float(SCALES[apart.argmax()])
    times = max(best, 1 / best)
    told = apart.max() > max(REGULAR * apart[len(SCALES) // 2], EVEN)
    if times < SQUEEZED or not told:
        return []
    long, short = ("y", "x") if best < 1 else ("x", "y")
    return [
        f"particles would lie evenly if {long} were {times:.1f} times shorter beside {short}: is "
        "one axis in another unit, or are pixels not square (video.pixel_aspect)? If particles lie "
        "in rows, all is well."
    ]
