"""The trajectory: what every later stage reads, as H5MD that MDAnalysis and VMD open.

H5MD: de Buyl, Colberg and Hofling, Comput. Phys. Commun. 185, 1546 (2014).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from pipeline.units import H5MD_UNITS, H5MD_VELOCITY_UNITS

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


class Box(NamedTuple):
    """The box of a trajectory; on open axes, the field of view."""

    lengths: np.ndarray  # (D,) [length]
    periodic: tuple[bool, ...]  # (D,)
    origin: np.ndarray  # (D,) lower corner [length]

    @property
    def volume(self) -> float:
        """Area or volume [length^D]."""
        return float(np.prod(self.lengths))


class Trajectory(NamedTuple):
    """T snapshots of N particles in D dimensions, some of them absent, some of them driven.

    Positions of absent particles are finite but meaningless: mask with ``present``. The velocity
    of tracked data is the backward difference (r[t] - r[t-1]) / dt, which is what the
    integrator v' = v + dv, r' = r + v' dt makes of it.
    """

    position: np.ndarray  # (T, N, D) [length]
    velocity: np.ndarray  # (T, N, D) [length / time]
    present: np.ndarray  # (T, N) bool
    driven: np.ndarray  # (T, N) bool: neighbours, but out of loss and statistics
    time: np.ndarray  # (T,) [time]
    run: np.ndarray  # (T,) int32, which video
    particle: np.ndarray  # (N,) int64 labels
    species: np.ndarray  # (N,) int32, -1 where unknown
    box: Box
    attributes: dict[str, Any]  # JSON-able; always the keys of REQUIRED
    extra: dict[str, np.ndarray]  # (T, N) each, e.g. entropy, filled

    @property
    def dt(self) -> float:
        """Snapshot interval [time]."""
        return float(self.attributes["dt"])

    @property
    def dimension(self) -> int:
        return self.position.shape[2]

    @property
    def free(self) -> np.ndarray:
        """(T, N) present and not driven: what loss and statistics are about."""
        return self.present & ~self.driven

    def number_density(self) -> float:
        """Mean number of present particles per area or volume of the box [1 / length^D]."""
        return float(self.present.sum(axis=1).mean()) / self.box.volume

    def successive(self) -> np.ndarray:
        """(T - 1,) bool: snapshot t + 1 follows t by one interval in the same run."""
        step = np.diff(self.time)
        return (np.diff(self.run) == 0) & (np.abs(step - self.dt) < 1e-3 * self.dt)

    def window(self, rows: slice) -> Trajectory:
        """The snapshots in ``rows``, all particles kept."""
        return self._replace(
            position=self.position[rows],
            velocity=self.velocity[rows],
            present=self.present[rows],
            driven=self.driven[rows],
            time=self.time[rows],
            run=self.run[rows],
            extra={name: value[rows] for name, value in self.extra.items()},
        )


def blocks(trajectory: Trajectory, train: float, validation: float) -> dict[str, slice]:
    """Contiguous blocks of time for training, validation and test; never shuffled frames.

    Where a video is so short that the fractions would leave a block without a step, validation
    gets two snapshots, and training and test half of the rest each: see `too_short`.

    Args:
        trajectory: the whole data set.
        train: fraction of the snapshots used for training, from the first one on.
        validation: fraction that follows; the test block is the rest.

    Raises:
        ValueError: if a block would still be shorter than two snapshots.
    """
    count, start = len(trajectory.time), _first(trajectory)
    first, second = round(count * train), round(count * (train + validation))
    if too_short(trajectory, train, validation):
        first = start + (count - start - 1) // 2
        second = first + 2
    parts = {
        "train": slice(0, first),
        "validation": slice(first, second),
        "test": slice(second, count),
    }
    if min(first - start, count - second) < 2:
        raise ValueError(
            f"The video has {count} snapshots, {count - start} of them with velocities, and at "
            f"least 6 of these are needed, two each to train, to validate and to test: record "
            f"more frames, or link with a larger search_range or memory."
        )
    return parts


def too_short(trajectory: Trajectory, train: float, validation: float) -> bool:
    """Whether these fractions would leave one of the three blocks without a step."""
    count, start = len(trajectory.time), _first(trajectory)
    first, second = round(count * train), round(count * (train + validation))
    return min(first - start, second - first, count - second) < 2


def _first(trajectory: Trajectory) -> int:
    """The first snapshot with a velocity: the first frame of a video has none."""
    return int(trajectory.present.any(axis=1).argmax())


def evaluation(trajectory: Trajectory, rows: slice, frames: int | None = None) -> slice:
    """The part of the test block on which models are rolled out and everything is measured.

    A rollout needs particles that can be followed from its first snapshot to its last. Where
    tracks are short the window is shortened until at least half of the particles that are free
    in its first snapshot are free throughout.

    Args:
        trajectory: the whole data set.
        rows: the test block.
        frames: longest window wanted; None takes the block.

    Raises:
        ValueError: if no two successive snapshots share a free particle.
    """
    stop = min(rows.stop, rows.start + (frames or rows.stop))
    breaks = np.flatnonzero(~trajectory.successive()[rows.start : stop - 1])
    stop = rows.start + int(breaks[0]) + 1 if len(breaks) else stop
    surviving = np.logical_and.accumulate(trajectory.free[rows.start : stop]).sum(axis=1)
    if surviving[0] == 0 or len(surviving) < 2 or surviving[1] == 0:
        raise ValueError(
            "No particle is free and tracked over two successive snapshots at the start of the "
            "test block: check the linking (search_range, memory) or lower trajectory.edge_band."
        )
    enough = np.flatnonzero(surviving >= 0.5 * surviving[0])
    return slice(rows.start, rows.start + max(int(enough[-1]) + 1, 2))


def write(path: str | os.PathLike[str], trajectory: Trajectory) -> None:
    """Writes a trajectory as H5MD; the file appears whole or not at all.

    Lengths in micrometres are stored in nm. Two-dimensional positions get z = 0, since readers
    of H5MD expect three columns.

    Raises:
        ValueError: if an attribute is missing or the arrays do not fit each other.
    """
    _check(trajectory)
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    length, unit = H5MD_UNITS[trajectory.attributes["length_unit"]]
    time_unit = trajectory.attributes["time_unit"]
    speed, speed_unit = H5MD_VELOCITY_UNITS.get(
        (trajectory.attributes["length_unit"], time_unit), (length, "")
    )
    with h5py.File(partial, "w") as file:
        _write_header(file, trajectory)
        group = file.create_group(GROUP)
        clock = "s" if time_unit == "s" else ""
        _write_box(group, trajectory, length, unit, clock)
        _element(group, "position", _columns(trajectory.position * length), unit, trajectory, clock)
        velocity = _columns(trajectory.velocity * speed)
        _element(group, "velocity", velocity, speed_unit, trajectory, clock)
        flags = {"present": trajectory.present, "driven": trajectory.driven}
        for name, value in {**flags, **trajectory.extra}.items():
            _element(group, name, value, "", trajectory, clock)
        group["id"] = trajectory.particle
        group["species"] = trajectory.species
    os.replace(partial, path)


def read(path: str | os.PathLike[str]) -> Trajectory:
    """Reads what `write` wrote, back in the units of its attributes.

    Raises:
        ValueError: if the file is not a trajectory of this project.
    """
    with h5py.File(path, "r") as file:
        if GROUP not in file or "parameters/metriplex" not in file:
            raise ValueError(
                f"{path} is not a metriplex trajectory (no {GROUP}): was it written by another "
                f"program? Convert it at the trajectory stage."
            )
        note = file["parameters/metriplex"].attrs
        attributes = json.loads(note["attributes"])
        dimension = int(note["dimension"])
        length, _ = H5MD_UNITS[attributes["length_unit"]]
        key = (attributes["length_unit"], attributes["time_unit"])
        speed, _ = H5MD_VELOCITY_UNITS.get(key, (length, ""))
        group = file[GROUP]
        known = {"position", "velocity", "present", "driven", "box", "id", "species"}
        box = Box(
            group["box/edges/value"][0, :dimension] / length,
            tuple(bool(k) for k in note["periodic"]),
            note["origin"] / length,
        )
        return Trajectory(
            position=group["position/value"][..., :dimension] / length,
            velocity=group["velocity/value"][..., :dimension] / speed,
            present=group["present/value"][:],
            driven=group["driven/value"][:],
            time=group["position/time"][:],
            run=file["parameters/metriplex/run"][:],
            particle=group["id"][:],
            species=group["species"][:],
            box=box,
            attributes=attributes,
            extra={name: group[name]["value"][:] for name in group if name not in known},
        )


def _check(trajectory: Trajectory) -> None:
    missing = [key for key in REQUIRED if key not in trajectory.attributes]
    if missing:
        raise ValueError(f"The trajectory lacks the attributes {', '.join(missing)}.")
    shape = trajectory.present.shape
    for name in ("position", "velocity"):
        value = getattr(trajectory, name)
        if value.shape[:2] != shape or value.shape[2] not in (2, 3):
            raise ValueError(f"{name} has shape {value.shape}, expected {shape} x 2 or 3.")
        if not np.isfinite(value[trajectory.present]).all():
            raise ValueError(f"{name} of a present particle is not finite.")


def _columns(vectors: np.ndarray) -> np.ndarray:
    if vectors.shape[2] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*vectors.shape[:2], 1))], axis=2)


def _write_header(file: h5py.File, trajectory: Trajectory) -> None:
    head = file.create_group("h5md")
    head.attrs["version"] = np.array([1, 1], dtype=np.int32)
    head.create_group("author").attrs["name"] = "metriplex"
    creator = head.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "metriplex", "1"
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


def _element(
    group: h5py.Group, name: str, value: np.ndarray, unit: str, source: Trajectory, clock: str
) -> None:
    node = group.create_group(name)
    # gzip level 1 with shuffle halves the file; masks shrink to nothing.
    node.create_dataset("value", data=value, compression="gzip", compression_opts=1, shuffle=True)
    node["step"] = np.arange(len(source.time))
    node["time"] = source.time
    if unit:
        node["value"].attrs["unit"] = unit
    if clock:
        node["time"].attrs["unit"] = clock
