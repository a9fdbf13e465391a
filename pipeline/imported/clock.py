"""Interval and times of imported snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.imported.frames import Recorded


def interval_and_times(
    parts: list[Recorded], settings: Mapping[str, Any]
) -> tuple[float, np.ndarray]:
    """dt and the times (T,) of all runs; a gap of whole intervals stays a gap.

    The interval is given (imported.dt), or read from the times in the file. Numbers of steps
    alone say whether snapshots are evenly spaced, not how far apart they are.

    Raises:
        ValueError: if nobody says the interval, or snapshots do not fall on a clock.
    """
    given = settings["dt"]
    clocks = [_ticks(part, given is not None) for part in parts]
    if given is None:
        bare = next((p.name for p, c in zip(parts, clocks, strict=True) if c is None), None)
        if bare is not None:
            raise ValueError(
                f"{bare} does not say how much time passes between its snapshots: set imported.dt "
                f"in the config."
            )
    found: list[np.ndarray] = []
    dt = given
    for part, clock in zip(parts, clocks, strict=True):
        ticks = np.arange(len(part.position), dtype=float) if clock is None else clock
        unit = float(np.diff(ticks).min())
        if not unit > 0:
            raise ValueError(
                f"The times of {part.name} do not increase: write its snapshots in order."
            )
        number = (ticks - ticks[0]) / unit
        if np.abs(number - np.round(number)).max() > 0.01:
            raise ValueError(
                f"The snapshots of {part.name} do not fall on a clock (the shortest interval is "
                f"{unit:.6g}, another {np.diff(ticks).max():.6g}): write them at equal intervals."
            )
        dt = unit if dt is None else dt
        if given is None and abs(unit - dt) > 1e-3 * dt:
            raise ValueError(
                f"The snapshots of {part.name} are {unit:.6g} apart and those of {parts[0].name} "
                f"{dt:.6g}: put the files into folders of their own under data/."
            )
        found.append(np.round(number) * dt)
    return float(dt), np.concatenate(found)


def _ticks(part: Recorded, steps: bool) -> np.ndarray | None:
    """Times of the file; where the interval is given, numbers of steps serve as well."""
    if part.time is not None:
        return part.time
    return part.step if steps else None
