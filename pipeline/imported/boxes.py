"""The box of an imported trajectory, and whether it is flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.imported.frames import Recorded
from pipeline.trajectory import Box

FLAT = 0.25


def dimension_of(parts: list[Recorded], settings: Mapping[str, Any]) -> int:
    """2 where the box given has two edges, the file says so, or nobody leaves a plane of z.

    A plane is left by more than FLAT of the distance that particles have in it.
    """
    if settings["box"] is not None:
        return len(settings["box"])
    if parts[0].first.dimension is not None:
        return int(parts[0].first.dimension)
    spans = np.max([np.ptp(part.position, axis=(0, 1)) for part in parts], axis=0)
    spacing = np.sqrt(spans[0] * spans[1] / parts[0].position.shape[1])
    return 3 if spans[2] > FLAT * spacing else 2


def box_of(parts: list[Recorded], settings: Mapping[str, Any], dimension: int) -> Box:
    """The box: given, or that of the file, or on open axes what holds all positions.

    Raises:
        ValueError: if a periodic axis has no length, the flags are too few, or the files differ.
    """
    first = parts[0].first
    lengths = np.zeros(dimension) if first.lengths is None else first.lengths[:dimension]
    for part in parts[1:]:
        other = (
            np.zeros(dimension) if part.first.lengths is None else part.first.lengths[:dimension]
        )
        if settings["box"] is None and not np.allclose(lengths, other, rtol=1e-4):
            raise ValueError(
                f"The boxes of {parts[0].name} and {part.name} differ ({lengths} and {other}): "
                f"put the files into folders of their own under data/."
            )
    if settings["box"] is not None:
        lengths = np.array(settings["box"], dtype=float)
    periodic = _periodic(first.periodic, settings, lengths)
    missing = [axis for axis in range(dimension) if periodic[axis] and not lengths[axis] > 0]
    if missing:
        raise ValueError(
            f"The axis {'xyz'[missing[0]]} is periodic and {parts[0].name} gives no length of the "
            f"box along it: set imported.box in the config."
        )
    low = np.min([part.position.min(axis=(0, 1))[:dimension] for part in parts], axis=0)
    high = np.max([part.position.max(axis=(0, 1))[:dimension] for part in parts], axis=0)
    origin = np.zeros(dimension) if first.origin is None else first.origin[:dimension]
    # Shrink-wrapped faces move: an open axis ends where the particles do.
    fixed = np.array(periodic)
    return Box(np.where(fixed, lengths, high - low), periodic, np.where(fixed, origin, low))


def _periodic(
    said: tuple[bool, ...] | None, settings: Mapping[str, Any], lengths: np.ndarray
) -> tuple[bool, ...]:
    """Flags given, or of the file; else every axis along which the box has a length."""
    wanted = settings["periodic"]
    if isinstance(wanted, bool):
        return (wanted,) * len(lengths)
    if wanted is not None and len(wanted) != len(lengths):
        raise ValueError(
            f"imported.periodic has {len(wanted)} flags and the trajectory {len(lengths)} "
            f"dimensions: give one flag per dimension."
        )
    if wanted is not None:
        return tuple(wanted)
    if said is not None:
        return tuple(bool(on) for on in said[: len(lengths)])
    return tuple(bool(length > 0) for length in lengths)
