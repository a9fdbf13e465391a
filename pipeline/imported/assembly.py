"""Trajectories of other programs to the one that every later stage reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.imported.formats import Frame, Recorded, collect, frames
from pipeline.trajectory import Box, Trajectory, band
from pipeline.video.velocity import backward_difference

FLAT = 0.25


def load(
    paths: Sequence[Path], settings: Mapping[str, Any], band_of: tuple[float, float], dataset: str
) -> Trajectory:
    """One trajectory of the files of a data set, each file a run; files of one snapshot are one.

    Args:
        paths: trajectory files, in order.
        settings: section ``imported`` of the config: dt, length_unit, time_unit, box, periodic,
            velocities, position_error; None where the files say.
        band_of: cutoff in mean neighbour distances, and width of the driven band at open faces in
            cutoffs.
        dataset: name of the data set.

    Returns:
        Velocities as recorded, or backward differences where there are none; the attribute
        ``velocity`` says which. Positions are wrapped into the box along periodic axes.

    Raises:
        ValueError: if something needed is neither in the files nor in the settings, or the files
            contradict each other.
    """
    parts = _parts([collect(frames(path), path.name) for path in paths])
    D = dimension_of(parts, settings)
    box = box_of(parts, settings, D)
    dt, times = interval_and_times(parts, settings)
    position = np.concatenate([part.position for part in parts])[:, :, :D]
    run = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.position) for p in parts])
    velocity, present, kind = _velocities(parts, settings, (position, run, times), (box, dt))
    position = _wrapped(position, box)
    first, count = parts[0].first, position.shape[1]
    return Trajectory(
        position=position,
        velocity=velocity,
        present=present,
        driven=_driven(position, present, box, band_of),
        time=times,
        run=run,
        particle=np.arange(count),
        species=np.full(count, -1, np.int32) if first.species is None else first.species,
        box=box,
        attributes={
            **_described(first, settings, dataset),
            "dt": dt,
            "velocity": kind,
            "files": [path.name for path in paths],
        },
        extra={},
    )


def _described(first: Frame, settings: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "length_unit": settings["length_unit"] or first.length_unit or "1",
        "time_unit": settings["time_unit"] or first.time_unit or "1",
        "localisation_error": float(settings["position_error"]),
        "synthetic": False,
    }


def _driven(
    position: np.ndarray, present: np.ndarray, box: Box, band_of: tuple[float, float]
) -> np.ndarray:
    """(T, N) the band at open faces."""
    driven = present & band(position, present, box, *band_of)
    if not (present & ~driven).any():
        raise ValueError(
            f"The driven band at the open faces ({band_of[1]:g} cutoffs wide) leaves no free "
            f"particle in a box of {' x '.join(f'{x:.4g}' for x in box.lengths)}: lower "
            f"trajectory.edge_band or graph.cutoff, or say which axes are periodic "
            f"(imported.periodic)."
        )
    return driven


def _parts(found: list[Recorded]) -> list[Recorded]:
    """Runs: the files, or all files together where each holds one snapshot."""
    counts = {len(part.first.position) for part in found}
    if len(counts) > 1:
        raise ValueError(
            f"The files of one data set must hold the same particles, got "
            f"{', '.join(f'{len(p.first.position)} in {p.name}' for p in found)}: put them into "
            f"folders of their own under data/."
        )
    if len(found) > 1 and all(len(part.position) == 1 for part in found):
        snapshots = (
            part.first._replace(
                position=part.position[0],
                velocity=None if part.velocity is None else part.velocity[0],
            )
            for part in found
        )
        found = [collect(snapshots, f"{found[0].name} ... {found[-1].name}")]
    short = next((part for part in found if len(part.position) < 2), None)
    if short is not None:
        raise ValueError(f"{short.name} holds one snapshot: a trajectory needs several.")
    return found


def _velocities(
    parts: list[Recorded],
    settings: Mapping[str, Any],
    path: tuple[np.ndarray, np.ndarray, np.ndarray],
    frame: tuple[Box, float],
) -> tuple[np.ndarray, np.ndarray, str]:
    """Velocities (T, N, D), who has one (T, N), and what they are."""
    (position, run, times), (box, dt) = path, frame
    everybody = np.ones(position.shape[:2], dtype=bool)
    recorded = [part.velocity for part in parts if part.velocity is not None]
    wanted = settings["velocities"]
    if wanted == "recorded" and len(recorded) < len(parts):
        bare = next(part.name for part in parts if part.velocity is None)
        raise ValueError(
            f"{bare} holds no velocities and imported.velocities asks for recorded ones: leave it "
            f"out, or write vx vy vz (LAMMPS), velo (extended XYZ), velocities (GSD)."
        )
    if wanted != "difference" and len(recorded) == len(parts):
        return np.concatenate(recorded)[:, :, : position.shape[2]], everybody, "measured"
    step = np.diff(position, axis=0)
    side = np.where(box.periodic, box.lengths, np.inf)
    step -= np.where(np.isfinite(side), side, 0.0) * np.round(step / side)
    path_of = np.concatenate([position[:1], position[:1] + np.cumsum(step, axis=0)])
    velocity, known = backward_difference(path_of, everybody, run, dt)
    # A difference across missing snapshots is no velocity.
    late = np.flatnonzero(np.abs(np.diff(times) - dt) > 1e-3 * dt) + 1
    velocity[late], known[late] = 0.0, False
    return velocity, known, "backward difference"


def _wrapped(position: np.ndarray, box: Box) -> np.ndarray:
    side = np.where(box.periodic, box.lengths, 1.0)
    inside = box.origin + (position - box.origin) % side
    return np.where(box.periodic, inside, position)


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
