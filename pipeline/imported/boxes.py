"""The box of an imported trajectory, whether it is flat, and steps across its faces."""

from __future__ import annotations

import numpy as np

from pipeline.errors import InputError
from pipeline.imported.recorded import Recorded
from pipeline.imported.settings import Imported
from pipeline.trajectory import Box

FLAT = 0.25  # of the distance of particles in a plane, by which they may leave it
TYPICAL = 8.0  # median steps: steps as long as that by image flags alone are mistakes of these
SCATTERED = 0.2  # of the box: where steps are longer, the nearest image says nothing
BREATHING = 0.05  # by which a box may change where its mean size is given


def dimension_of(parts: list[Recorded], settings: Imported) -> int:
    """2 where the box given has two edges, the file says so, or nobody leaves a plane of z.

    A plane is left by more than FLAT of the distance that particles have in it.
    """
    if settings.box is not None:
        edges = len(settings.box)
        if edges == 3 and parts[0].first.dimension == 2:
            raise InputError(
                f"imported.box has 3 edges and the positions of {parts[0].name} 2 components: give "
                f"one edge per dimension."
            )
        return edges
    if parts[0].first.dimension is not None:
        return int(parts[0].first.dimension)
    spans = np.max([np.ptp(part.position, axis=(0, 1)) for part in parts], axis=0)
    spacing = np.sqrt(spans[0] * spans[1] / parts[0].position.shape[1])
    return 3 if spans[2] > FLAT * spacing else 2


def box_of(parts: list[Recorded], settings: Imported, dimension: int, notes: list[str]) -> Box:
    """The box: given, or that of the file, or on open axes what holds all positions.

    Raises:
        InputError: if a periodic axis has no length, the flags are too few, the box changes or the
            files differ, or positions leave a given box along an open axis.
    """
    first, given = parts[0].first, settings.box
    lengths = np.zeros(dimension) if first.lengths is None else first.lengths[:dimension]
    if given is not None:
        _note_difference(lengths, np.array(given, dtype=float), parts[0].name, notes)
        lengths = np.array(given, dtype=float)
    periodic = _periodic(first.periodic, settings, lengths)
    if given is None:
        _constant(parts, np.array(periodic))
    missing = [axis for axis in range(dimension) if periodic[axis] and not lengths[axis] > 0]
    if missing:
        raise InputError(
            f"The axis {'xyz'[missing[0]]} is periodic and {parts[0].name} gives no length of the "
            f"box along it: set imported.box in the config."
        )
    low = np.min([part.position.min(axis=(0, 1))[:dimension] for part in parts], axis=0)
    high = np.max([part.position.max(axis=(0, 1))[:dimension] for part in parts], axis=0)
    origin = np.zeros(dimension) if first.origin is None else first.origin[:dimension].copy()
    fixed = np.array(periodic)
    if given is None:
        # Shrink-wrapped faces move: an open axis ends where the particles do.
        return Box(np.where(fixed, lengths, high - low), periodic, np.where(fixed, origin, low))
    for axis in np.flatnonzero(~fixed):
        origin[axis] = _corner(
            (low[axis], high[axis]), lengths[axis], origin[axis], f"{'xyz'[axis]} ({parts[0].name})"
        )
    return Box(lengths, periodic, origin)


def _corner(span: tuple[float, float], length: float, origin: float, where: str) -> float:
    """Where a given box begins along an open axis: at the file's corner, 0, or around 0."""
    slack = 1e-6 * length
    for low in (origin, 0.0, -0.5 * length):
        if low - slack <= span[0] and span[1] <= low + length + slack:
            return low
    raise InputError(
        f"Positions reach from {span[0]:.6g} to {span[1]:.6g} along {where} and leave the box of "
        f"{length:.6g} that imported.box gives: correct it, or leave it out."
    )


def _note_difference(found: np.ndarray, given: np.ndarray, name: str, notes: list[str]) -> None:
    if (found > 0).all() and not np.allclose(found, given, rtol=1e-3):
        sizes = (" x ".join(f"{x:.6g}" for x in lengths) for lengths in (given, found))
        notes.append(f"The box is {next(sizes)}, as imported.box says; {name} says {next(sizes)}.")


def _constant(parts: list[Recorded], periodic: np.ndarray) -> None:
    """Refuses a box that changes along periodic axes, in a file or from one file to another."""
    start, axes = parts[0].first.lengths, np.flatnonzero(periodic)
    for part in parts:
        if (part.first.lengths is None) != (start is None):
            bare, full = (parts[0], part) if start is None else (part, parts[0])
            raise InputError(f"{full.name} gives a box and {bare.name} none: set imported.box.")
        if start is None or part.lengths is None:
            continue
        if not np.allclose(start[axes], part.lengths[0, axes], rtol=1e-4):
            raise InputError(
                f"The boxes of {parts[0].name} and {part.name} differ ({start[axes]} and "
                f"{part.lengths[0, axes]}): put the files into folders of their own under "
                f"data/."
            )
        change = np.abs(part.lengths / np.where(start > 0, start, 1.0) - (start > 0))
        change[:, ~np.isin(np.arange(len(start)), axes)] = 0.0
        if change.max(initial=0.0) > 1e-4:
            number = int(np.argmax(change.max(axis=1) > 1e-4))
            axis = int(change[number].argmax())
            raise InputError(
                f"The box changes along {'xyz'[axis]} from {start[axis]:.6g} to "
                f"{part.lengths[number, axis]:.6g} ({part.name}, snapshot {number}) and must stay "
                f"as it is: simulate at constant volume, or give its mean size as imported.box "
                f"(within {100 * BREATHING:.0f} %), onto which positions are scaled."
            )


def breathed(part: Recorded, settings: Imported, box: Box, notes: list[str]) -> np.ndarray:
    """Positions (T, N, D); scaled from a box that changes onto the mean size that is given."""
    D = len(box.lengths)
    position = part.position[:, :, :D]
    if settings.box is None or part.lengths is None:
        return position
    sides = part.lengths[:, :D]
    if not (sides > 0).all() or np.ptp(sides, axis=0).max() <= 1e-4 * sides.max():
        return position
    scale = box.lengths / sides
    if np.abs(scale - 1).max() > BREATHING:
        raise InputError(
            f"The box of {part.name} changes from {sides.min(axis=0)} to {sides.max(axis=0)} and "
            f"imported.box is {box.lengths}: it must be within {100 * BREATHING:.0f} % of each; "
            f"simulate at constant volume."
        )
    notes.append(
        f"The box of {part.name} changes by {100 * np.abs(scale - 1).max():.2g} %: positions were "
        f"scaled onto imported.box."
    )
    corner = np.zeros(D) if part.first.origin is None else part.first.origin[:D]
    return corner + (position - corner) * scale[:, None, :]


def _periodic(
    said: tuple[bool, ...] | None, settings: Imported, lengths: np.ndarray
) -> tuple[bool, ...]:
    """Flags given, or of the file; else every axis along which the box has a length."""
    wanted = settings.periodic
    if isinstance(wanted, bool):
        return (wanted,) * len(lengths)
    if wanted is not None and len(wanted) != len(lengths):
        raise InputError(
            f"imported.periodic has {len(wanted)} flags and the trajectory {len(lengths)} "
            f"dimensions: give one flag per dimension."
        )
    if wanted is not None:
        return tuple(wanted)
    if said is not None:
        return tuple(bool(on) for on in said[: len(lengths)])
    return tuple(bool(length > 0) for length in lengths)


def displacements(
    parts: list[Recorded], position: np.ndarray, run: np.ndarray, box: Box, notes: list[str]
) -> np.ndarray:
    """(T - 1, N, D) displacements: by the image flags of the file, else to the nearest image, or as
    they are where paths go on.

    Positions beyond a periodic box go on across its faces (unwrapped) if nobody ever jumps back.

    Raises:
        InputError: if they lie beyond the box and jump as well.
    """
    raw = np.diff(position, axis=0)
    within = np.diff(run) == 0
    count, D = position.shape[1:]
    told = parts[0].first.unwrapped
    for axis in np.flatnonzero(box.periodic):
        side = box.lengths[axis]
        extent = float(np.ptp(position[..., axis]))
        jumps = np.abs(raw[within][..., axis]) > 0.5 * side
        beyond = extent > 1.01 * side + 0.5 * side / max(count, 2) ** (1 / D)
        if beyond and jumps.any() and not told:
            raise InputError(
                f"Positions of {parts[0].name} span {extent:.6g} along {'xyz'[axis]}, more than "
                f"the box of {side:.6g}, and jump by up to "
                f"{np.abs(raw[within][..., axis]).max():.4g}: they are wrapped into a larger box; "
                f"correct imported.box, or leave it out."
            )
        if beyond and not told:
            notes.append(
                f"Positions of {parts[0].name} span {extent / side:.3g} boxes along "
                f"{'xyz'[axis]} without a jump: they were taken for paths that go on across the "
                f"faces of the box."
            )
        if not (beyond or told):
            raw[..., axis] = _across(parts, raw[..., axis], within, (int(axis), side), notes)
    return raw


def _across(
    parts: list[Recorded],
    raw: np.ndarray,
    within: np.ndarray,
    of: tuple[int, float],
    notes: list[str],
) -> np.ndarray:
    """(T - 1, N) displacements across faces, where flags say how often, else to the nearest image.

    Args:
        raw: (T - 1, N) differences of wrapped positions. within: (T - 1,) bool, those of one run.
        of: the axis and its period.
    """
    axis, side = of
    nearest = raw - side * np.round(raw / side)
    if any(part.image is None for part in parts):
        return nearest
    image = np.concatenate([part.image[..., axis] for part in parts])  # type: ignore[index]
    flagged = raw + side * np.diff(image, axis=0)
    other = (np.abs(flagged - nearest) > 0.5 * side) & within[:, None]
    if not other.any():
        return nearest
    usual, far = float(np.median(np.abs(nearest[within]))), float(np.median(np.abs(flagged[other])))
    if usual > SCATTERED * side:
        return flagged if np.ptp(image, axis=0).any() else nearest
    if far < TYPICAL * usual:
        return flagged
    notes.append(
        f"The image flags of {parts[0].name} contradict its positions along {'xyz'[axis]}: by them "
        f"{int(other.sum())} steps are {far:.3g} long (the median), where all others are "
        f"{usual:.3g}; they were not used, and particles went to the nearest image."
    )
    return nearest


def wrapped(position: np.ndarray, box: Box) -> np.ndarray:
    side = np.where(box.periodic, box.lengths, 1.0)
    inside = box.origin + (position - box.origin) % side
    return np.where(box.periodic, inside, position)
