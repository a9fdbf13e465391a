"""Trajectories of other programs to the one that every later stage reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.imported.boxes import box_of, dimension_of
from pipeline.imported.clock import interval_and_times
from pipeline.imported.formats import frames
from pipeline.imported.frames import Frame, Recorded, collect
from pipeline.regime import covariances, tell
from pipeline.trajectory import Box, Trajectory, band
from pipeline.video.velocity import backward_difference


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
            **_steps(velocity * dt, present, run, kind, dt),
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


def _steps(
    step: np.ndarray, present: np.ndarray, run: np.ndarray, kind: str, dt: float
) -> dict[str, Any]:
    """What the steps of positions tell that came without velocities, see `pipeline.regime`."""
    if kind == "measured":
        return {}
    try:
        return tell(covariances(np.cumsum(step, axis=0), present, run)).attributes(1.0, dt)
    except ValueError:  # too few of them
        return {}


def _driven(
    position: np.ndarray, present: np.ndarray, box: Box, band_of: tuple[float, float]
) -> np.ndarray:
    """(T, N) the band at open faces."""
    driven = present & band(position, present, box, *band_of)
    if not (present & ~driven).any():
        raise ValueError(
            f"The driven band at the open faces ({band_of[1]:g} cutoffs wide) leaves no free "
            f"particle in a box of {' x '.join(f'{x:.4g}' for x in box.lengths)}: lower "
            f"trajectory.edge_band or graph.cutoff, say which axes are periodic "
            f"(imported.periodic), or that nobody leaves (trajectory.edge: closed)."
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
