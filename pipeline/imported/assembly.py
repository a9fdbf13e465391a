"""Trajectories of other programs to the one that every later stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.errors import InputError
from pipeline.imported import consistency, faces
from pipeline.imported.boxes import box_of, breathed, dimension_of, displacements, wrapped
from pipeline.imported.formats import frames
from pipeline.imported.oddities import oddities
from pipeline.imported.paths import Paths
from pipeline.imported.recorded import Frame, Recorded, collect
from pipeline.imported.settings import Imported
from pipeline.imported.times import interval_and_times, relabelled
from pipeline.regime import covariances, motion
from pipeline.trajectory import Box, Trajectory, band, edge_band
from pipeline.video.velocity import backward_difference

ASKED = 16  # particles, by which snapshots are known
ALIKE = 0.05  # of the usual step, by which snapshots that are one may differ


def load(
    paths: Sequence[Path], settings: Imported, edge: tuple[float, float | None, str], dataset: str
) -> Trajectory:
    """One trajectory of the files of a data set, each file a run; files of one snapshot are one.

    Args:
        paths: trajectory files, in order.
        settings: None where the files say. What is given wins over them.
        edge: cutoff in mean neighbour distances, width of the driven band at open faces in
            cutoffs, None where the regime decides, and kind of edge: closed, else open, for
            particles that never change in number tell nothing of their faces.
        dataset: name of the data set.

    Returns:
        Velocities as recorded, or backward differences where there are none; the attribute
        ``velocity`` says which. Positions are wrapped into the box along periodic axes. The
        attribute ``warnings`` holds what the report should say first.

    Raises:
        InputError: if something needed is neither in the files nor in the settings, or the data
            contradict themselves.
    """
    parts = _parts([collect(frames(path), path.name) for path in paths])
    notes = [note for part in parts for note in part.notes]
    notes += [*_shared(parts), *relabelled(parts[0], settings)]
    position, run, path = _placed(parts, settings, notes)
    notes += consistency.check_places(path)
    dt, times = interval_and_times(parts, settings, notes)
    late = np.abs(np.diff(times) - dt) > 1e-3 * dt
    jumped = faces.jumps(path)
    path = path._replace(dt=dt, follows=path.follows & ~late)
    notes += [*consistency.check_motion(path), *oddities(path)]
    velocity, present, kind = _velocities(path, run, jumped)
    position = wrapped(position, path.box)
    pieces = _pieces(jumped, path.name, notes)
    position, velocity, present = (x[:, pieces.particle] for x in (position, velocity, present))
    present = present & pieces.during
    steps = _steps(velocity * dt, present, run, kind, dt)
    width = 0.0 if edge[2] == "closed" else edge_band(edge[1], steps)
    first, count, kinds = parts[0].first, len(pieces.particle), parts[0].first.species
    return Trajectory(
        position=position,
        velocity=velocity,
        present=present,
        driven=_driven(position, present, path.box, (edge[0], width)),
        time=times,
        run=run,
        particle=np.arange(count),
        species=np.full(count, -1, np.int32) if kinds is None else kinds[pieces.particle],
        box=path.box,
        attributes={
            **steps,
            **_described(first, settings, dt),
            "dataset": dataset,
            "velocity": kind,
            "files": [path.name for path in paths],
            "warnings": notes,
        },
        extra={},
    )


def _shared(parts: list[Recorded]) -> list[str]:
    """Sentences where a run holds snapshots of one before, in whatever digits: a restart goes on
    from some way back.

    Runs may begin alike.
    """
    said = []
    some = [part.position[:, :: max(1, part.position.shape[1] // ASKED)] for part in parts]
    for k, part in enumerate(parts):
        again: list[tuple[int, int, str]] = []
        for earlier in range(k):
            usual = np.sqrt(np.median((np.diff(some[earlier], axis=0) ** 2).sum(axis=(1, 2))))
            one, other = (places.reshape(len(places), -1) for places in (some[earlier], some[k]))
            apart, which = cKDTree(one).query(other, distance_upper_bound=ALIKE * usual)
            alike = np.flatnonzero(np.isfinite(apart) & (which + np.arange(len(other)) > 0))
            again += [(t, int(which[t]), parts[earlier].name) for t in alike.tolist()]
        if again:
            t, number, name = again[0]
            said.append(
                f"{len({t for t, _, _ in again})} snapshots of {part.name} are those of {name} "
                f"again (the first, {t}, is {number} there) and count twice: begin it where the "
                "other ends."
            )
    return said


def _placed(
    parts: list[Recorded], settings: Imported, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, Paths]:
    """(T, N, D) positions as written and (T,) runs, and both as what is asked for consistency."""
    box = box_of(parts, settings, dimension_of(parts, settings), notes)
    position = np.concatenate([breathed(part, settings, box, notes) for part in parts])
    run = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.position) for p in parts])
    return position, run, _path(parts, settings, position, run, box, notes)


def _described(first: Frame, settings: Imported, dt: float) -> dict[str, Any]:
    return {
        "dt": dt,
        "length_unit": settings.length_unit or first.length_unit or "1",
        "time_unit": settings.time_unit or first.time_unit or "1",
        "localisation_error": float(settings.position_error),
        "synthetic": False,
    }


def _steps(
    step: np.ndarray, present: np.ndarray, run: np.ndarray, kind: str, dt: float
) -> dict[str, Any]:
    """What the steps of positions tell that came without velocities, see `pipeline.regime`."""
    if kind == "measured":
        return {}
    try:
        return motion(covariances(np.cumsum(step, axis=0), present, run)).attributes(1.0, dt)
    except ValueError:  # too few of them
        return {}


def _driven(
    position: np.ndarray, present: np.ndarray, box: Box, band_of: tuple[float, float]
) -> np.ndarray:
    """(T, N) the band at open faces."""
    driven = present & band(position, present, box, *band_of)
    if not (present & ~driven).any():
        raise InputError(
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
        raise InputError(
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
        raise InputError(f"{short.name} holds one snapshot: a trajectory needs several.")
    return found


def _recorded(parts: list[Recorded], settings: Imported, dimension: int) -> np.ndarray | None:
    """Velocities (T, N, D) of the files, or None where differences are to be taken."""
    found = [part.velocity for part in parts if part.velocity is not None]
    wanted = settings.velocities
    if wanted == "recorded" and len(found) < len(parts):
        bare = next(part.name for part in parts if part.velocity is None)
        raise InputError(
            f"{bare} holds no velocities and imported.velocities asks for recorded ones: leave it "
            f"out, or write vx vy vz (LAMMPS), velo (extended XYZ), velocities (GSD)."
        )
    if wanted == "difference" or len(found) < len(parts):
        return None
    return np.concatenate(found)[:, :, :dimension]


def _path(
    parts: list[Recorded],
    settings: Imported,
    position: np.ndarray,
    run: np.ndarray,
    box: Box,
    notes: list[str],
) -> Paths:
    """The paths before anything is known of times."""
    first, D = parts[0].first, len(box.lengths)
    silent = first.periodic is None and settings.periodic is None and settings.box is None
    return Paths(
        name=parts[0].name if len(parts) == 1 else f"{parts[0].name} ... {parts[-1].name}",
        position=position,
        velocity=_recorded(parts, settings, D),
        step=displacements(parts, position, run, box, notes),
        follows=np.diff(run) == 0,
        box=box,
        dt=np.nan,
        identified=first.identity is not None,
        closed=np.array(box.periodic) | (not silent),
        error=settings.position_error,
    )


def _velocities(
    path: Paths, run: np.ndarray, jumped: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """Velocities (T, N, D), who has one (T, N), and what they are."""
    everybody = np.ones(path.position.shape[:2], dtype=bool)
    if path.velocity is not None:
        return path.velocity, everybody, "measured"
    steps = np.concatenate([path.position[:1], path.step])
    velocity, known = backward_difference(np.cumsum(steps, axis=0), everybody, run, path.dt)
    # A difference across missing snapshots, or through the sample, is no velocity.
    known[1:] &= path.follows[:, None] & ~jumped
    velocity[~known] = 0.0
    return velocity, known, "backward difference"


class Pieces(NamedTuple):
    """Paths cut where they jump: each piece is a particle of its own."""

    particle: np.ndarray  # (M,) row of the file
    during: np.ndarray  # (T, M) bool


def _pieces(jumped: np.ndarray, name: str, notes: list[str]) -> Pieces:
    """Pieces in the order of the particles; the first of each comes before those cut off.

    Args:
        jumped: (T - 1, N) bool. name: of the file.
    """
    if jumped.any():
        notes.append(
            f"{int(jumped.sum())} steps of {name} lead through the whole sample, and it gives no "
            f"box: the paths were cut there; if positions are wrapped, set imported.box."
        )
    number = np.concatenate([np.zeros((1, jumped.shape[1]), int), np.cumsum(jumped, axis=0)])
    count = number[-1] + 1
    particle = np.repeat(np.arange(len(count)), count)
    piece = np.arange(len(particle)) - np.repeat(np.cumsum(count) - count, count)
    order = np.argsort(piece, kind="stable")
    particle, piece = particle[order], piece[order]
    return Pieces(particle, number[:, particle] == piece)
