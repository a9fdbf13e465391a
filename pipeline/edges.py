"""The band of driven particles along the open faces of a trajectory."""

from __future__ import annotations

import numpy as np

from pipeline.trajectory import Box
from pipeline.units import neighbour_distance


def band(
    position: np.ndarray, present: np.ndarray, box: Box, cutoff: float, cutoffs: float
) -> np.ndarray:
    """(T, N) bool: positions nearer than ``cutoffs`` cutoffs to an open face of the box.

    Args:
        position: (T, N, D) [length].
        present: (T, N), who is counted for the density.
        box: field of view; its periodic axes have no faces.
        cutoff: h in mean neighbour distances.
        cutoffs: width of the band.
    """
    density = present.sum(axis=1).mean() / box.volume
    width = cutoffs * cutoff * neighbour_distance(density, position.shape[2])
    low, high = box.origin + width, box.origin + box.lengths - width
    outside = (position < low) | (position > high)
    return (outside & ~np.array(box.periodic)).any(axis=2)
