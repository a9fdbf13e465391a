"""Paths of particles as a file has them: what is asked whether it contradicts itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.trajectory import Box


class Paths(NamedTuple):
    """T snapshots of N particles as the file has them, before wrapping.

    Fields:
        name: of the file or files.
        position: (T, N, D) [length]. velocity: (T, N, D) as recorded, or None.
        step: (T - 1, N, D) displacements of successive snapshots, across periodic faces [length].
        follows: (T - 1,) bool: whether a step is one of motion: of one run, and one interval long.
        box: of the trajectory; dt: interval [time].
        identified: whether rows carry labels.
        closed: (D,) bool: axes of which somebody says whether they have a box.
        error: standard deviation of positions [length].
    """

    name: str
    position: np.ndarray
    velocity: np.ndarray | None
    step: np.ndarray
    follows: np.ndarray
    box: Box
    dt: float
    identified: bool
    closed: np.ndarray
    error: float
