"""Wandering gases as files, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.imported.assembly import load
from pipeline.trajectory import Trajectory

SETTINGS = {
    "dt": None,
    "length_unit": None,
    "time_unit": None,
    "box": None,
    "periodic": None,
    "velocities": None,
    "position_error": 0.0,
}
RNG = np.random.default_rng(0)
LENGTHS = np.array([8.0, 9.0, 10.0])


def read(*paths: Path, band: tuple[float, float] = (1.0, 0.0), **given) -> Trajectory:
    return load(list(paths), {**SETTINGS, **given}, band, "mine")


def walk(frames: int = 12, count: int = 20) -> np.ndarray:
    """(T, N, 3) a wandering gas that crosses the faces of its box, float32 for the formats."""
    start = RNG.random((1, count, 3)) * LENGTHS
    steps = 0.3 * RNG.normal(size=(frames - 1, count, 3))
    path = np.concatenate([start, start + np.cumsum(steps, axis=0)])
    return path.astype(np.float32).astype(float)


def apart(a: np.ndarray, b: np.ndarray, lengths: np.ndarray) -> float:
    """Largest distance between two sets of positions, images aside."""
    gap = a - b
    return float(np.abs(gap - lengths * np.round(gap / lengths)).max())


def xyz(path: Path, r: np.ndarray, comment: str = "tracked") -> Path:
    """Two columns of coordinates behind a name, as a tracking program may write them."""
    with open(path, "w") as file:
        for t, frame in enumerate(r):
            file.write(f"{len(frame)}\n{comment.format(t=t)}\n")
            file.writelines(f"A {' '.join(f'{x:.6f}' for x in row)}\n" for row in frame)
    return path
