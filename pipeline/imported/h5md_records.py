"""H5MD as any program writes it, with and without units, times and boxes that change.

P. de Buyl, P. H. Colberg and F. Höfling, Comput. Phys. Commun. 185, 1546 (2014); version 1.1 at
https://www.nongnu.org/h5md. (MDAnalysis refuses files without units or times and boxes of the
short form, and leaves rows in the order in which they were written.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from pipeline.errors import InputError
from pipeline.imported.recorded import Frame, plausible, rectangular
from pipeline.units import MICROMETRES, REDUCED, FileUnits, Measured, file_units, measured


def snapshots(path: Path) -> Iterator[Frame]:
    """Snapshots of the one group of particles of a file, sorted by their ids where it has some.

    Raises:
        InputError: it is no HDF5, has no positions or several groups of them, or cannot be read.
    """
    try:
        with h5py.File(path) as file:
            group = _group(file, path)
            place = group["position/value"]
            if place.ndim != 3 or place.shape[2] not in (2, 3):
                raise InputError(
                    f"{path.name} has positions of shape {place.shape}, not (snapshots, particles, "
                    f"2 or 3)."
                )
            plausible(place.shape[1], path)
            units, note = _units(group, path)
            edge = _edge(group.get("box/edges"), units)
            for number in range(len(place)):
                yield _snapshot(group, (units, edge), number, path)._replace(note=note)
    except (OSError, KeyError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path.name} cannot be read as H5MD: {error}") from error


def _group(file: h5py.File, path: Path) -> h5py.Group:
    found = {
        name: group
        for name, group in file.get("particles", {}).items()
        if isinstance(group, h5py.Group) and "position/value" in group
    }
    if len(found) != 1:
        what = f"several groups of particles, {', '.join(found)}" if found else "no positions"
        raise InputError(
            f"{path.name} holds {what} (particles/<group>/position/value): keep one group."
        )
    return next(iter(found.values()))


# What is stated, where, and the powers of length and time that it should have.
STATED = (
    ("lengths", ("position", "value"), (1, 0)),
    ("times", ("position", "time"), (0, 1)),
    ("velocities", ("velocity", "value"), (1, -1)),
)


def _units(group: h5py.Group, path: Path) -> tuple[FileUnits, str]:
    """The units that a group states, and a sentence on what is no unit."""
    found, strange = [], []
    for what, (element, name), powers in STATED:
        told = _unit(group.get(element, {}).get(name))
        unit = _one(measured(told), powers)
        if unit is None and told.lower() not in REDUCED:
            strange.append(f"{told[:40]!r} for its {what}")
        found.append(unit)
    note = (
        f"{path.name} states {' and '.join(strange)}, which is no unit known here: numbers were "
        f"taken as they are; give imported.length_unit and imported.time_unit."
    )
    return file_units(*found), note if strange else ""


def _one(unit: Measured | None, powers: tuple[int, int]) -> float | None:
    """Micrometres and seconds that make up a unit, if it is one of these powers of them."""
    return unit.factor if unit is not None and unit[1:] == powers else None


def _snapshot(group: h5py.Group, scales: tuple[FileUnits, float], number: int, path: Path) -> Frame:
    """One snapshot; scales are the units, and what makes edges of the box such."""
    units, edge = scales
    place = group["position"]
    D = place["value"].shape[2]
    lengths, periodic = _box(group.get("box"), number, D, path)
    identity = _rows(group.get("id"), group, number)
    order = slice(None) if identity is None else np.argsort(identity, kind="stable")
    velocity = _rows(group.get("velocity"), group, number)
    species, image = (_rows(group.get(key), group, number) for key in ("species", "image"))
    time, step = (_clock(place.get(key), number) for key in ("time", "step"))

    def vectors(values: np.ndarray) -> np.ndarray:
        return np.pad(np.asarray(values, float), ((0, 0), (0, 3 - D)))[order]

    return Frame(
        position=vectors(place["value"][number]) * units.place,
        velocity=None if velocity is None else vectors(velocity) * units.speed,
        lengths=None if lengths is None else lengths * edge,
        periodic=periodic,
        time=None if time is None else time * units.clock,
        step=None if step is None else int(step),
        identity=None if identity is None else identity[order],
        species=None if species is None else np.asarray(species, np.int32)[order],
        image=None if image is None else vectors(image),
        dimension=2 if D == 2 else None,
        length_unit=units.length,
        time_unit=units.time,
    )


def _rows(
    element: h5py.Group | h5py.Dataset | None, group: h5py.Group, number: int
) -> np.ndarray | None:
    """Values of the particles in a snapshot; None where the element lacks, or has other times."""
    if isinstance(element, h5py.Dataset):  # fixed in time
        return element[()]
    if element is None or "value" not in element:
        return None
    place = group["position"]
    if len(element["value"]) != len(place["value"]):
        return None
    if "step" in element and "step" in place and not _alike(element["step"], place["step"]):
        return None
    return element["value"][number]


def _alike(one: h5py.Dataset, other: h5py.Dataset) -> bool:
    return one == other or np.array_equal(one[()], other[()])


def _clock(values: h5py.Dataset | None, number: int) -> float | None:
    """A time or a step: one of each snapshot, or an interval and where it begins."""
    if values is None:
        return None
    if values.shape == ():
        return float(values.attrs.get("offset", 0)) + number * float(values[()])
    return float(values[number])


def _unit(values: h5py.Dataset | None) -> str:
    told = values.attrs.get("unit", "") if values is not None else ""
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


def _edge(edges: h5py.Group | h5py.Dataset | None, units: FileUnits) -> float:
    """What makes edges of a box such, which may have a unit of their own."""
    if edges is None:
        return units.place
    own = _unit(edges["value"] if isinstance(edges, h5py.Group) else edges)
    length = _one(measured(own), (1, 0))
    if length is None or units.length is None:
        return units.place
    return length / MICROMETRES[units.length.lower()]


def _box(
    box: h5py.Group | None, number: int, D: int, path: Path
) -> tuple[np.ndarray | None, tuple[bool, bool, bool] | None]:
    """Edges (3,), fixed or of a snapshot, and which faces are periodic."""
    if box is None or "edges" not in box:
        return None, None
    edges = box["edges"]
    if isinstance(edges, h5py.Group):
        value = edges["value"]
        found = np.asarray(value[number if len(value) > 1 else 0], float)
    else:
        found = np.asarray(edges[()], float)
    if found.shape not in ((D,), (D, D)):
        raise InputError(f"{path.name} has box edges of shape {found.shape}, not ({D},).")
    if found.ndim == 2:
        rectangular(found - np.diag(np.diag(found)), np.diag(found), path)
        found = np.diag(found)
    told = [
        word.decode() if isinstance(word, bytes) else str(word)
        for word in np.atleast_1d(box.attrs.get("boundary", ()))
    ]
    flags = tuple(word == "periodic" for word in told) + (False,) * (3 - D)
    lengths = np.pad(found, (0, 3 - D))
    return lengths, flags if len(told) == D else None  # type: ignore[return-value]
