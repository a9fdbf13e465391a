"""Snapshots as other programs write them, and a whole file of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.imported.packed import packing
from pipeline.tables import LARGEST

MOST = 100_000_000  # particles of a snapshot
UNWRITTEN = 0.01  # of the particles at (0, 0, 0)


class Frame(NamedTuple):
    """One snapshot; None where the file does not say. Lengths and times in the file's units."""

    position: np.ndarray  # (N, 3) [length]
    velocity: np.ndarray | None = None  # (N, 3) [length / time]
    lengths: np.ndarray | None = None  # (3,) edges of the box [length]
    origin: np.ndarray | None = None  # (3,) lower corner [length]
    periodic: tuple[bool, bool, bool] | None = None
    time: float | None = None
    step: int | None = None
    identity: np.ndarray | None = None  # (N,) labels, sorted: the order of the rows
    species: np.ndarray | None = None  # (N,) int32
    image: np.ndarray | None = None  # (N, 3) boxes by which each was moved back; None: by none
    unwrapped: bool = False  # the file says that positions go on across faces
    dimension: int | None = None
    length_unit: str | None = None
    time_unit: str | None = None
    hint: str = ""  # what the file says of its times without saying the time
    note: str = ""  # what its reader has to say of the whole file


class Recorded(NamedTuple):
    """T snapshots of one file (or of several files of one snapshot each)."""

    name: str
    first: Frame  # species, units and flags are those of all
    position: np.ndarray  # (T, N, 3)
    velocity: np.ndarray | None  # (T, N, 3)
    time: np.ndarray | None  # (T,)
    step: np.ndarray | None  # (T,)
    lengths: np.ndarray | None  # (T, 3) edges of the box
    image: np.ndarray | None = None  # (T, N, 3) boxes by which each was moved back
    notes: tuple[str, ...] = ()  # sentences: what only some snapshots say, and is left out


def collect(frames: Iterable[Frame], name: str) -> Recorded:
    """All snapshots of a file together.

    Raises:
        InputError: if there is none, they are too many to hold, or the particles change.
    """
    held: list[Frame] = []
    for number, frame in enumerate(frames):
        if frame.position.size * (number + 1) > LARGEST:
            raise InputError(
                f"{name} holds more than {LARGEST} coordinates, too many to hold at once: write "
                f"fewer snapshots."
            )
        _check_particles(frame, held[0] if held else frame, f"snapshot {number}", name)
        held.append(frame)
    if not held:
        raise InputError(f"{name} holds no snapshot: was it cut short?")
    notes = list(dict.fromkeys(frame.note for frame in held if frame.note))
    held = _with_edges(held, name, notes)

    def column(field: str) -> np.ndarray | None:
        found = [value for frame in held if (value := getattr(frame, field)) is not None]
        if 0 < len(found) < len(held):
            notes.append(
                f"Only {len(found)} of {len(held)} snapshots of {name} give a {field}: it is left "
                f"out."
            )
        return np.array(found, dtype=float) if len(found) == len(held) else None

    position = np.stack([frame.position for frame in held]).astype(float)
    velocity, time, step, lengths = map(column, ("velocity", "time", "step", "lengths"))
    if held[0].identity is not None and any(_changed(frame, held[0]) for frame in held):
        notes.append(
            f"Species change in {name}: those of its first snapshot are taken for all times."
        )
    image = None
    if any(frame.image is not None for frame in held):
        none = np.zeros(held[0].position.shape)
        image = np.stack([none if frame.image is None else frame.image for frame in held])
    return Recorded(name, held[0], position, velocity, time, step, lengths, image, tuple(notes))


def _with_edges(held: list[Frame], name: str, notes: list[str]) -> list[Frame]:
    """Snapshots that all have edges of the box, where some do: those given before, or the first."""
    given = [frame.lengths for frame in held if frame.lengths is not None]
    if len(given) in (0, len(held)):
        return held
    notes.append(
        f"Only {len(given)} of {len(held)} snapshots of {name} give a box: it is taken for the "
        f"others, too."
    )
    found, last = [], given[0]
    for frame in held:
        last = last if frame.lengths is None else frame.lengths
        found.append(frame._replace(lengths=last))
    return found


# What a file says of itself in every snapshot, and the words for it.
CONSTANT = {
    "periodic": "which faces are periodic",
    "unwrapped": "whether positions go on across faces",
    "dimension": "dimensions",
    "length_unit": "a unit of lengths",
    "time_unit": "a unit of times",
}


def _check_constant(frame: Frame, first: Frame, where: str, name: str) -> None:
    """What positions and times mean is the same in all snapshots."""
    for field, what in CONSTANT.items():
        was, now = getattr(first, field), getattr(frame, field)
        untimed = field == "time_unit" and (frame.time is None or first.time is None)
        if was != now and not untimed:
            raise InputError(
                f"{name} says in {where} something else than in its first snapshot ({what}: {now} "
                f"after {was}): write each kind into a file of its own."
            )


def _changed(frame: Frame, first: Frame) -> bool:
    """Whether rows are of other species."""
    if frame.species is None or first.species is None:
        return False
    return not np.array_equal(frame.species, first.species)


def _check_particles(frame: Frame, first: Frame, where: str, name: str) -> None:
    """The same particles in every snapshot, as far as labels and species tell."""
    if frame.position.shape != first.position.shape:
        raise InputError(
            f"The number of particles of {name} changes from {len(first.position)} to "
            f"{len(frame.position)} in {where}: write the same particles every time."
        )
    if not np.isfinite(frame.position).all():
        raise InputError(f"{name} has positions that are no numbers in {where}.")
    _check_constant(frame, first, where, name)
    count = len(frame.position)
    zero = int((frame.position == 0).all(axis=1).sum())
    if count > 1 and (zero > max(1, UNWRITTEN * count) or not np.ptp(frame.position, axis=0).any()):
        raise InputError(
            f"{name} has {zero or count} of {count} particles at one place in {where}: it was not "
            f"written to its end; leave such snapshots out."
        )
    if frame.velocity is not None and not np.isfinite(frame.velocity).all():
        raise InputError(f"{name} has velocities that are no numbers in {where}.")
    if frame.identity is not None:
        double = frame.identity[1:][np.diff(frame.identity) == 0]
        if len(double):
            raise InputError(f"{name} has two particles of id {double[0]:.15g} in {where}.")
        if first.identity is None or (frame.identity != first.identity).any():
            raise InputError(
                f"The ids of the particles of {name} are not the same in {where} as in its first "
                f"snapshot: particles come and go; write the same ones every time."
            )
    elif _changed(frame, first):
        row = int(np.argmax(first.species != frame.species))
        raise InputError(
            f"{name} has no ids and its rows change order: row {row} is of another species in "
            f"{where} than in the first snapshot; write a column id."
        )


def plausible(count: int, path: Path) -> None:
    """Refuses a number of particles that the file is too small for, before memory is taken."""
    room = MOST if packing(path) is not open else min(MOST, path.stat().st_size)
    if not 0 < count <= room:
        raise InputError(
            f"{path.name} claims {count} particles and a file of its size holds from 1 to {room}: "
            f"it is damaged."
        )


def rectangular(tilts: np.ndarray, lengths: np.ndarray, path: Path) -> None:
    """Refuses a box whose edges lean by more than a ten-thousandth of their length.

    Args:
        tilts: off-diagonal components of the edges, in the unit of ``lengths``.
    """
    if np.abs(tilts).max(initial=0.0) > 1e-4 * np.abs(lengths).max(initial=0.0):
        raise InputError(
            f"The box of {path.name} is tilted (by {np.abs(tilts).max():.6g}, edges "
            f"{' x '.join(f'{x:.6g}' for x in lengths)}) and only rectangular ones can be used: "
            f"simulate in an orthogonal box."
        )
