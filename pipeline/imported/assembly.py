"""Trajectories of other programs to the one that every later stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.imported import consistency
from pipeline.imported.boxes import box_of, breathed, dimension_of, displacements, wrapped
from pipeline.imported.formats import frames
from pipeline.imported.recorded import Frame, Recorded, collect
from pipeline.imported.settings import Imported
from pipeline.regime import covariances, motion
from pipeline.trajectory import Box, Trajectory, band, edge_band
from pipeline.video.velocity import backward_difference


def load(
    paths: Sequence[Path], settings: Imported, band_of: tuple[float, float | None], dataset: str
) -> Trajectory:
    """One trajectory of the files of a data set, each file a run; files of one snapshot are one.

    Args:
        paths: trajectory files, in order.
        settings: None where the files say. What is given wins over them.
        band_of: cutoff in mean neighbour distances, and width of the driven band at open faces in
            cutoffs, None where the regime decides.
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
    D = dimension_of(parts, settings)
    box = box_of(parts, settings, D, notes)
    position = np.concatenate([breathed(part, settings, box, notes) for part in parts])
    run = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.position) for p in parts])
    path = _path(parts, settings, position, run, box, notes)
    consistency.check_places(path)
    dt, times = interval_and_times(parts, settings, notes)
    late = np.abs(np.diff(times) - dt) > 1e-3 * dt
    jumped = consistency.jumps(path)
    path = path._replace(dt=dt, follows=path.follows & ~late)
    notes += consistency.check_motion(path)
    velocity, present, kind = _velocities(path, run, jumped)
    position = wrapped(position, box)
    pieces = _pieces(jumped, path.name, notes)
    position, velocity, present = (x[:, pieces.particle] for x in (position, velocity, present))
    present = present & pieces.during
    steps = _steps(velocity * dt, present, run, kind, dt)
    width = edge_band(band_of[1], steps)
    first, count, kinds = parts[0].first, len(pieces.particle), parts[0].first.species
    return Trajectory(
        position=position,
        velocity=velocity,
        present=present,
        driven=_driven(position, present, box, (band_of[0], width)),
        time=times,
        run=run,
        particle=np.arange(count),
        species=np.full(count, -1, np.int32) if kinds is None else kinds[pieces.particle],
        box=box,
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
) -> consistency.Path:
    """The paths before anything is known of times."""
    first, D = parts[0].first, len(box.lengths)
    silent = first.periodic is None and settings.periodic is None and settings.box is None
    return consistency.Path(
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
    path: consistency.Path, run: np.ndarray, jumped: np.ndarray
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


def interval_and_times(
    parts: list[Recorded], settings: Imported, notes: list[str]
) -> tuple[float, np.ndarray]:
    """dt and the times (T,) of all runs; snapshots at other intervals stay where they are in time.

    The interval is that between most snapshots: given (imported.dt), or read from the times in the
    file. Numbers of steps alone say how intervals compare, not how long they are.

    Raises:
        InputError: if nobody says the interval, times do not increase, or no interval is shared by
            most snapshots.
    """
    dt, found = settings.dt, []
    for part in parts:
        ticks, timed = _ticks(part, dt is not None, notes)
        unit = _usual(ticks, part.name)
        if dt is None or timed:
            _compare(unit, dt, part, settings, notes)
        dt = unit if dt is None else dt
        if settings.dt is None and abs(unit - dt) > 1e-3 * dt:
            raise InputError(
                f"The snapshots of {part.name} are {unit:.6g} apart and those of {parts[0].name} "
                f"{dt:.6g}: put the files into folders of their own under data/."
            )
        number = np.diff(ticks) / unit
        whole = np.abs(number - np.round(number)) < 0.01
        number = np.where(whole, np.round(number), number)
        odd = number[number != 1]
        if len(odd):
            notes.append(
                f"{len(odd)} of {len(number)} intervals of {part.name} are not {dt:.6g} (the first "
                f"of them {odd[0] * dt:.6g}): motion across them is left out."
            )
        found.append(np.concatenate([[0.0], np.cumsum(number)]) * dt)
    assert dt is not None  # there is a part, and it has said so
    return float(dt), np.concatenate(found)


def _usual(ticks: np.ndarray, name: str) -> float:
    """The interval between most snapshots."""
    step = np.diff(ticks)
    if not (step > 0).all():
        late = int(np.argmax(step <= 0))
        raise InputError(
            f"The times of {name} do not increase ({ticks[late + 1]:.10g} in snapshot {late + 1} "
            f"after {ticks[late]:.10g}): write its snapshots in order, each once, and every run "
            f"into a file of its own."
        )
    usual = float(np.median(step))
    if np.mean(np.abs(step - usual) < 0.01 * usual) < 0.5:
        raise InputError(
            f"The snapshots of {name} do not fall on a clock (the shortest interval is "
            f"{step.min():.6g}, another {step.max():.6g}, and most differ): write them at equal "
            f"intervals."
        )
    return float(np.mean(step[np.abs(step - usual) < 0.01 * usual]))


def _ticks(part: Recorded, given: bool, notes: list[str]) -> tuple[np.ndarray, bool]:
    """(T,) times of the file, or steps or a count where the interval is given; whether times."""
    if part.time is not None and part.step is not None:
        _agree(part.time, part.step, part.name, notes)
    if not given:
        if part.time is None:
            hint = f" ({part.first.hint})" if part.first.hint else ""
            raise InputError(
                f"{part.name} does not say how much time passes between its snapshots{hint}: set "
                f"imported.dt in the config."
            )
        return part.time, True
    for clock in (part.time, part.step):
        if clock is not None and np.ptp(clock) > 0:
            return clock, clock is part.time
    if part.time is not None or part.step is not None:
        notes.append(f"All snapshots of {part.name} give the same time: they were counted instead.")
    return np.arange(len(part.position), dtype=float), False


def _agree(time: np.ndarray, step: np.ndarray, name: str, notes: list[str]) -> None:
    """Times go along with the numbers of steps, unless the time step was changed on the way."""
    passed, made = np.diff(time), np.diff(step)
    if not ((passed > 0) & (made > 0)).all():
        return
    rate = passed / made
    if np.ptp(rate) > 0.01 * np.median(rate):
        notes.append(
            f"In {name} a step takes from {rate.min():.4g} to {rate.max():.4g} of time: the times "
            f"were believed, not the numbers of steps."
        )


def _compare(
    unit: float,
    dt: float | None,
    part: Recorded,
    settings: Imported,
    notes: list[str],
) -> None:
    """A note where a given interval is not the file's, and is not said in another unit."""
    first, told = part.first, settings.time_unit
    same = told is None or first.time_unit is None or told == first.time_unit
    if dt is not None and same and abs(unit / dt - 1) > 1e-3:
        notes.append(
            f"Snapshots are {dt:.6g} apart, as imported.dt says; {part.name} says {unit:.6g}."
        )
