"""Snapshots as other programs write them, and a whole file of them with its checks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """One snapshot; None where the file does not say. Lengths and times in the file's units."""

    position: np.ndarray  # (N, 3) [length]
    velocity: np.ndarray | None = None  # (N, 3) [length / time]
    lengths: np.ndarray | None = None  # (3,) edges of the box [length]
    origin: np.ndarray | None = None  # (3,) lower corner [length]
    periodic: tuple[bool, bool, bool] | None = None
    time: float | None = None
    step: int | None = None
    species: np.ndarray | None = None  # (N,) int32
    dimension: int | None = None
    length_unit: str | None = None
    time_unit: str | None = None


class Recorded(NamedTuple):
    """T snapshots of one file (or of several files of one snapshot each)."""

    name: str
    first: Frame  # box, species and units are those of all
    position: np.ndarray  # (T, N, 3)
    velocity: np.ndarray | None  # (T, N, 3)
    time: np.ndarray | None  # (T,)
    step: np.ndarray | None  # (T,)


def collect(frames: Iterable[Frame], name: str) -> Recorded:
    """All snapshots of a file together.

    Raises:
        ValueError: if there is none, or the number of particles or the box changes.
    """
    held = list(frames)
    if not held:
        raise ValueError(f"{name} holds no snapshot: was it cut short?")
    first = held[0]
    for number, frame in enumerate(held):
        if frame.position.shape != first.position.shape:
            raise ValueError(
                f"The number of particles of {name} changes from {len(first.position)} to "
                f"{len(frame.position)} in snapshot {number}: write the same particles every time."
            )
        if not np.isfinite(frame.position).all():
            raise ValueError(f"{name} has positions that are no numbers in snapshot {number}.")
        _check_box(frame, first, f"{name}, snapshot {number}")
    velocity = [frame.velocity for frame in held if frame.velocity is not None]
    time = [frame.time for frame in held if frame.time is not None]
    step = [frame.step for frame in held if frame.step is not None]
    whole = len(held)
    return Recorded(
        name,
        first,
        np.stack([frame.position for frame in held]).astype(float),
        np.stack(velocity).astype(float) if len(velocity) == whole else None,
        np.array(time, dtype=float) if len(time) == whole else None,
        np.array(step, dtype=float) if len(step) == whole else None,
    )


def _check_box(frame: Frame, first: Frame, where: str) -> None:
    if frame.lengths is None or first.lengths is None:
        return
    change = np.abs(frame.lengths - first.lengths) > 1e-4 * np.abs(first.lengths)
    if change.any():
        axis = int(np.argmax(change))
        raise ValueError(
            f"The box changes along {'xyz'[axis]} from {first.lengths[axis]:.6g} to "
            f"{frame.lengths[axis]:.6g} ({where}) and must stay as it is: simulate at constant "
            f"volume, or give its mean size as imported.box."
        )


def rectangular(tilts: np.ndarray, path: Path) -> None:
    """Refuses a box with any tilt (tilt factors, off-diagonal edges, or degrees from 90)."""
    if np.abs(tilts).max(initial=0.0) > 0.01:
        raise ValueError(
            f"The box of {path.name} is tilted and only rectangular ones can be used: simulate in "
            f"an orthogonal box."
        )
