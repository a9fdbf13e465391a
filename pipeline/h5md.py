"""Trajectories as H5MD files that MDAnalysis and VMD open.

H5MD: de Buyl, Colberg and Hofling, Comput. Phys. Commun. 185, 1546 (2014).
"""

from __future__ import annotations

import json
import math
import os
from importlib import metadata
from typing import Any

import h5py
import numpy as np

from pipeline.arrays import Stored, loaded, stretches
from pipeline.errors import InputError
from pipeline.files import reading
from pipeline.hdf5 import left_open, require, written
from pipeline.trajectory import Box, Trajectory
from pipeline.units import H5MD_TIMES, H5MD_UNITS, H5MD_VELOCITY_UNITS, TIMES

GROUP = "particles/all"
REQUIRED = (
    "dataset",
    "length_unit",
    "time_unit",
    "dt",
    "velocity",
    "localisation_error",
    "synthetic",
)


def write(path: str | os.PathLike[str], trajectory: Trajectory) -> None:
    """Writes a trajectory as H5MD; the file appears whole or not at all.

    Lengths in micrometres are stored in nm. Two-dimensional positions get z = 0, since readers
    of H5MD expect three columns.

    Raises:
        InputError: if an attribute is missing or the arrays do not fit each other.
    """
    with written(path) as file:
        fill(file, trajectory)


def fill(file: h5py.File, trajectory: Trajectory) -> None:
    """Writes a trajectory, as `write` does, to an open file, to which more may be added."""
    check(trajectory)
    length, unit = H5MD_UNITS[trajectory.attributes["length_unit"]]
    time_unit = trajectory.attributes["time_unit"]
    speed, speed_unit = H5MD_VELOCITY_UNITS.get(
        (trajectory.attributes["length_unit"], time_unit), (length, "")
    )
    _write_header(file, trajectory)
    group = file.create_group(GROUP)
    clock = time_unit if time_unit in H5MD_TIMES else ""
    _write_box(group, trajectory, length, unit, clock)
    vectors = {
        "position": (trajectory.position, length, unit),
        "velocity": (trajectory.velocity, speed, speed_unit),
    }
    for name, (value, scale, its) in vectors.items():
        _element(group, name, value, its, trajectory, clock, scale)
    flags = {"present": trajectory.present, "driven": trajectory.driven}
    for name, value in {**flags, **trajectory.extra}.items():
        _element(group, name, value, "", trajectory, clock)
    if trajectory.occupant is not None:
        _element(group, "occupant", trajectory.occupant, "", trajectory, clock)
    if trajectory.reference is not None:
        group["reference"] = _columns(trajectory.reference * length)
        group["reference"].attrs["unit"] = unit
    group["id"] = trajectory.particle
    group["species"] = trajectory.species


WHAT = "a trajectory"  # in the sentence on a file that is none


def read(path: str | os.PathLike[str], **expected: str) -> Trajectory:
    """Reads what `write` wrote, back in the units of its attributes.

    Args:
        expected: attributes that it must have, such as dataset and source.

    Raises:
        InputError: naming the file, if it is not a trajectory of this project, is damaged, is of
            something else than was expected, or holds what `write` would have refused.
    """
    return on_disk(path, **expected).window(slice(None))


def extent(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Snapshots and columns (T, M) of what `write` wrote, looking at nothing else.

    Raises:
        InputError: naming the file, if it cannot be read or holds no positions.
    """
    with reading(path, WHAT), h5py.File(path, "r") as file:
        snapshots, columns = file[f"{GROUP}/position/value"].shape[:2]
        return int(snapshots), int(columns)


def on_disk(path: str | os.PathLike[str], **expected: str) -> Trajectory:
    """The same, of which only times, labels and flags are in memory: rows are read by `window`.

    Its positions, velocities, extras and occupants are `arrays.Stored` and the file stays open.
    """
    with reading(path, WHAT):
        file = left_open(path)
        if GROUP not in file or "parameters/metriplex" not in file:
            raise InputError(
                f"{path} is not a metriplex trajectory (no {GROUP}): was it written by another "
                f"program? Convert it at the trajectory stage."
            )
        note = file["parameters/metriplex"].attrs
        attributes = json.loads(note["attributes"])
        _check_attributes(attributes)
        require(attributes, expected)
        dimension = int(note["dimension"])
        length, unit = H5MD_UNITS[attributes["length_unit"]]
        key = (attributes["length_unit"], attributes["time_unit"])
        speed, speed_unit = H5MD_VELOCITY_UNITS.get(key, (length, ""))
        group = file[GROUP]
        for name, its in (("position", unit), ("velocity", speed_unit), ("box/edges", unit)):
            _check_unit(group[f"{name}/value"], its)
        known = {"position", "velocity", "present", "driven", "box", "occupant"}
        known |= {"id", "species", "reference"}
        box = Box(
            group["box/edges/value"][0, :dimension] / length,
            tuple(bool(k) for k in note["periodic"]),
            note["origin"] / length,
        )
        present, particle = loaded(group["present/value"]), group["id"][:]

        def rows_of(name: str, *form: Any) -> Any:
            return Stored(group[f"{name}/value"], path, WHAT, *form)

        def vectors(name: str, scale: float) -> Any:
            return rows_of(name, dimension, scale, lambda t, v: _check_finite(name, v, present[t]))

        def named(t: Any, occupant: np.ndarray) -> None:
            _check_named(occupant, present[t], len(particle))

        trajectory = Trajectory(
            position=vectors("position", length),
            velocity=vectors("velocity", speed),
            present=present,
            driven=loaded(group["driven/value"]),
            time=group["position/time"][:],
            run=file["parameters/metriplex/run"][:],
            particle=particle,
            species=group["species"][:],
            box=box,
            attributes=attributes,
            extra={name: rows_of(name) for name in group if name not in known},
            reference=group["reference"][:, :dimension] / length if "reference" in group else None,
            occupant=rows_of("occupant", None, None, named) if "occupant" in group else None,
        )
        _check_shapes(trajectory)
        return trajectory


def check(trajectory: Trajectory) -> None:
    """Refuses what is no trajectory.

    Raises:
        InputError: if an attribute is missing or makes no sense, the arrays do not fit each other,
            or a number of a present particle is not finite.
    """
    _check_attributes(trajectory.attributes)
    _check_shapes(trajectory)
    present = trajectory.present
    for rows in stretches(trajectory.position.shape, trajectory.position.dtype):
        for name in ("position", "velocity"):
            _check_finite(name, getattr(trajectory, name)[rows], present[rows])
        if trajectory.occupant is not None:
            _check_named(trajectory.occupant[rows], present[rows], len(trajectory.particle))


def _check_finite(name: str, vectors: np.ndarray, present: np.ndarray) -> None:
    # Most are: where all of them are, no copy of those present is needed.
    if not np.isfinite(vectors).all() and not np.isfinite(vectors[present]).all():
        raise InputError(f"{name} of a present particle is not finite.")


def _check_named(occupant: np.ndarray, present: np.ndarray, count: int) -> None:
    if occupant.size and (
        occupant.min() < -1 or occupant.max() >= count or (occupant[present] < 0).any()
    ):
        raise InputError(f"occupant must name one of {count} particles wherever one is present.")


def _check_shapes(trajectory: Trajectory) -> None:
    """Raises InputError where arrays do not fit each other."""
    shape = trajectory.present.shape
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"present has shape {shape}, expected snapshots x columns.")
    for name in ("present", "driven"):
        if getattr(trajectory, name).dtype != bool:
            raise InputError(f"{name} must hold true or false.")
    _check_vectors(trajectory, shape)
    T, N = shape[0], _check_occupant(trajectory)
    fields = {"driven": trajectory.driven, **trajectory.extra}
    wanted: dict[str, tuple[np.ndarray, tuple[int, ...]]]
    wanted = {name: (value, shape) for name, value in fields.items()}
    wanted |= {name: (getattr(trajectory, name), (T,)) for name in ("time", "run")}
    wanted |= {name: (getattr(trajectory, name), (N,)) for name in ("particle", "species")}
    for name, (value, expected) in wanted.items():
        if value.shape != expected:
            raise InputError(f"{name} has shape {value.shape}, expected {expected}.")
    if not np.isfinite(trajectory.time).all():
        raise InputError("time is not finite in every snapshot.")
    _check_box(trajectory.box, trajectory.dimension)


def _check_occupant(trajectory: Trajectory) -> int:
    """The number of particles; raises InputError where slots are not held by one of them each."""
    occupant, present = trajectory.occupant, trajectory.present
    if occupant is None:
        return present.shape[1]
    count = len(trajectory.particle)
    if occupant.shape != present.shape or occupant.dtype.kind != "i":
        raise InputError(
            f"occupant has shape {occupant.shape} of {occupant.dtype}, expected whole numbers of "
            f"shape {present.shape}."
        )
    if trajectory.reference is not None:
        raise InputError("The particles of a solid stay: they hold no slots after one another.")
    return count


def _check_attributes(attributes: dict[str, Any]) -> None:
    missing = [key for key in REQUIRED if key not in attributes]
    if missing:
        raise InputError(f"The trajectory lacks the attributes {', '.join(missing)}.")
    for name, known in (("length_unit", tuple(H5MD_UNITS)), ("time_unit", TIMES)):
        if attributes[name] not in known:
            raise InputError(f"{name} must be one of {', '.join(known)}, got {attributes[name]!r}.")
    dt, error = attributes["dt"], attributes["localisation_error"]
    if not _number(dt) or not dt > 0:
        raise InputError(f"dt, the time between snapshots, must be above 0, got {dt!r}.")
    if not _number(error) or error < 0:
        raise InputError(f"localisation_error must be 0 or above, got {error!r}.")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_unit(values: h5py.Dataset, expected: str) -> None:
    unit = values.attrs.get("unit", "")
    if unit != expected:
        raise InputError(f"{values.name} has the unit {unit!r}, expected {expected!r}.")


def _check_vectors(trajectory: Trajectory, shape: tuple[int, ...]) -> None:
    for name in ("position", "velocity"):
        value = getattr(trajectory, name)
        if value.ndim != 3 or value.shape[:2] != shape or value.shape[2] not in (2, 3):
            raise InputError(f"{name} has shape {value.shape}, expected {shape} x 2 or 3.")
        if value.dtype.kind != "f":
            raise InputError(f"{name} must hold real numbers, got {value.dtype}.")
    if trajectory.velocity.shape != trajectory.position.shape:
        raise InputError("position and velocity differ in dimension.")
    expected = trajectory.position.shape[1:]
    if trajectory.reference is not None and trajectory.reference.shape != expected:
        raise InputError(
            f"reference has shape {trajectory.reference.shape}, expected {expected}: give one "
            f"undeformed position per particle."
        )


def _check_box(box: Box, dimension: int) -> None:
    for name in ("lengths", "periodic", "origin"):
        if len(getattr(box, name)) != dimension:
            raise InputError(f"The box has {len(getattr(box, name))} {name} in {dimension}-D.")
    lengths = np.asarray(box.lengths)
    if not (np.isfinite(lengths).all() and (lengths > 0).all() and np.isfinite(box.origin).all()):
        raise InputError(f"The edges of the box must be above 0, got {lengths.tolist()}.")


def _columns(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) vectors (..., D), z = 0 in two dimensions."""
    if vectors.shape[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*vectors.shape[:-1], 1))], axis=-1)


def _write_header(file: h5py.File, trajectory: Trajectory) -> None:
    head = file.create_group("h5md")
    head.attrs["version"] = np.array([1, 1], dtype=np.int32)
    head.create_group("author").attrs["name"] = "metriplex"
    creator = head.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "metriplex", metadata.version("metriplex")
    note = file.create_group("parameters/metriplex")
    note.attrs["attributes"] = json.dumps(trajectory.attributes)
    note.attrs["dimension"] = trajectory.dimension
    note.attrs["periodic"] = np.array(trajectory.box.periodic, dtype=bool)
    length, _ = H5MD_UNITS[trajectory.attributes["length_unit"]]
    note.attrs["origin"] = np.asarray(trajectory.box.origin, dtype=float) * length
    note["run"] = trajectory.run


def _write_box(group: h5py.Group, source: Trajectory, length: float, unit: str, clock: str) -> None:
    # MDAnalysis asks for the edges of every frame, and for three of them.
    edges = np.ones(3) * length
    edges[: source.dimension] = np.asarray(source.box.lengths) * length
    node = group.create_group("box")
    node.attrs["dimension"] = 3
    kinds = ["periodic" if on else "none" for on in source.box.periodic]
    node.attrs["boundary"] = (kinds + ["none"] * 3)[:3]
    _element(node, "edges", np.tile(edges, (len(source.time), 1)), unit, source, clock)


CHUNK = 2**19  # bytes of a chunk, of whole snapshots


def _element(
    group: h5py.Group,
    name: str,
    value: np.ndarray,
    unit: str,
    source: Trajectory,
    clock: str,
    scale: float | None = None,
) -> None:
    """Writes values as they are, or, with a scale, vectors (T, M, D) times it in three columns."""
    node = group.create_group(name)
    shape = value.shape if scale is None else (*value.shape[:2], 3)
    row = int(np.prod(shape[1:])) * value.dtype.itemsize
    chunk = (int(np.clip(CHUNK // max(row, 1), 1, shape[0])), *shape[1:])
    # gzip level 1 with shuffle halves the file; masks shrink to nothing. With checksums.
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
    data = node.create_dataset("value", shape, value.dtype, chunks=chunk, **packed)
    for rows in stretches(shape, value.dtype):
        data[rows] = value[rows] if scale is None else _columns(value[rows] * scale)
    node["step"] = np.arange(len(source.time))
    node["time"] = source.time
    if unit:
        node["value"].attrs["unit"] = unit
    if clock:
        node["time"].attrs["unit"] = clock
