"""Parts of the view where no particle ever is: outside an aperture, a drop, a channel."""

from __future__ import annotations

import numpy as np

from pipeline.trajectory import Box

EXPECTED = 12.0  # minus the logarithm of the chance that none of a frame is in a strip
STRAY = 0.1  # per cent of the positions, which may be dust
WIDE = 0.05  # of the view: narrower strips do not count
# Size of an aperture over that of the ellipse that fits into the view, and what of the view lies
# outside.
APERTURES = ((1.0, 0.2146), (1.08, 0.1280), (1.15, 0.0766))
ENOUGH = 8.0  # particles of a frame that the corners should hold
RARE = 0.1  # of what they should hold


def unfilled(position: np.ndarray, seen: np.ndarray, box: Box) -> list[str]:
    """A warning where a large part of the view is empty all along.

    Density and structure take the view for sample.

    Args:
        position: (T, M, 2) (x, y) [px]. seen: (T, M) bool. box: the field of view [px].
    """
    frames = int(seen.any(axis=1).sum())
    if not frames:
        return []
    place = (position[seen] - box.origin) / box.lengths
    place = place[((place >= 0) & (place < 1)).all(axis=1)]
    number = len(place) / frames
    if not len(place):
        return []
    low, high = np.percentile(place, (STRAY, 100 - STRAY), axis=0)
    said = []
    for axis, sides in enumerate((("left", "right"), ("upper", "lower"))):
        for side, share in zip(sides, (low[axis], 1 - high[axis]), strict=True):
            if share > WIDE and -number * np.log1p(-share) > EXPECTED:
                said.append(f"{share * box.lengths[axis]:.0f} px at the {side} edge")
    if said:
        return [
            f"no particle is ever within {', '.join(said)}: does the sample end there? Density and "
            "structure take all of the view for sample: video.crop, if it does."
        ]
    from_middle = np.hypot(*(2 * place - 1).T)
    for size, corners in APERTURES:
        outside = float(np.mean(from_middle > size))
        if number * corners > ENOUGH and outside < RARE * corners:
            return [
                f"{100 * outside:.1f} % of the particles are in the corners of the view, where "
                f"{100 * corners:.0f} % would be if it were full: is there a round aperture? "
                "Density and structure take all of the view for sample: video.crop."
            ]
    return []
