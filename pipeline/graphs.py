"""Neighbour graphs of every snapshot, computed once and kept on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import h5py
import numpy as np
from tqdm import tqdm

from pipeline.arrays import Stored, loaded
from pipeline.errors import InputError
from pipeline.files import reading
from pipeline.hdf5 import left_open, opened, written
from pipeline.neighbours import search
from pipeline.trajectory import Trajectory
from pipeline.units import neighbour_distance


class Graphs(NamedTuple):
    """Pairs of present particles closer than the cutoff, snapshot after snapshot.

    The pairs may be `arrays.Stored`, see `on_disk`: then take a `window` before anything else.
    """

    cutoff: float  # h [length]
    neighbour_distance: float  # a [length]
    dt: float  # [time]
    offset: np.ndarray  # (T + 1,) int64: pairs of snapshot t are offset[t]:offset[t + 1]
    i: np.ndarray  # (P,) int32, columns of the trajectory
    j: np.ndarray  # (P,) int32
    shift: np.ndarray  # (P, D) int8: r_ij = r_i - r_j - shift * lengths
    mark: np.ndarray  # of the trajectory they were searched in

    def window(self, rows: slice) -> Graphs:
        """The neighbours in some successive snapshots."""
        first, last, _ = rows.indices(len(self.offset) - 1)
        links = slice(int(self.offset[first]), int(self.offset[last]))
        return self._replace(
            offset=self.offset[first : last + 1] - links.start,
            i=self.i[links],
            j=self.j[links],
            shift=self.shift[links],
        )


def build(trajectory: Trajectory, cutoff: float | None = None, ratio: float = 1.72) -> Graphs:
    """Searches the neighbours of every snapshot.

    Args:
        trajectory: T snapshots of N particles.
        cutoff: h in the trajectory's length unit; None takes ``ratio`` neighbour distances.
        ratio: default cutoff over mean neighbour distance; 1.72 is the paper's for its colloids
            (table 1: h = 0.11 at 1135 particles in a square of side 2).

    Raises:
        InputError: if the cutoff is too long for a periodic box, or nobody has a neighbour.
    """
    h, spacing = _reach(trajectory, cutoff, ratio)
    count, i, j, shift = (
        np.concatenate(column) for column in zip(*_found(trajectory, h), strict=True)
    )
    offset = np.concatenate([[0], np.cumsum(count)])
    return Graphs(h, spacing, trajectory.dt, offset, i, j, shift, mark(trajectory))


def build_file(path: str | os.PathLike[str], trajectory: Trajectory, ratio: float = 1.72) -> None:
    """Writes the file of what `build` finds, a few snapshots at a time: see `h5md.on_disk`."""
    h, spacing = _reach(trajectory, None, ratio)
    head = {"cutoff": h, "neighbour_distance": spacing, "dt": trajectory.dt}
    _write(path, {**head, "mark": mark(trajectory)}, _found(trajectory, h), trajectory.dimension)


def _reach(trajectory: Trajectory, cutoff: float | None, ratio: float) -> tuple[float, float]:
    """The cutoff h and the mean neighbour distance a [length]."""
    spacing = neighbour_distance(trajectory.number_density(), trajectory.dimension)
    h = ratio * spacing if cutoff is None else float(cutoff)
    if h >= max(trajectory.box.lengths):
        raise InputError(
            f"The cutoff {h:.3g} {trajectory.attributes['length_unit']} covers the whole box "
            f"({' x '.join(f'{x:.3g}' for x in trajectory.box.lengths)}): lower graph.cutoff in "
            f"the config; 1.5 to 3 neighbour distances are usual."
        )
    return h, spacing


# Of some snapshots: how many pairs each has (n,), and all i, j (P,) and shifts (P, D).
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _found(trajectory: Trajectory, h: float) -> Iterator[Pairs]:
    """The pairs of all snapshots, a few at a time."""
    space, total = trajectory.space, 0
    with tqdm(total=len(trajectory.time), desc="neighbours", unit="frame") as bar:
        for _, part in trajectory.blocks():
            found = []
            for t, time in enumerate(part.time):
                here = part.order(t)
                i, j, shift = search(part.position[t, here], space, h, float(time))
                found.append((here[i].astype("i4"), here[j].astype("i4"), shift.astype("i1")))
            bar.update(len(found))
            i, j, shift = (np.concatenate(column) for column in zip(*found, strict=True))
            total += len(i)
            yield np.array([len(one) for one, _, _ in found]), i, j, shift
    if total == 0:
        raise InputError(
            f"No two particles ever come closer than the cutoff {h:.3g} "
            f"{trajectory.attributes['length_unit']}: raise graph.cutoff in the config."
        )


def mark(trajectory: Trajectory) -> np.ndarray:
    """What tells a trajectory from others: its extent in time and number, and moments of three of
    its snapshots."""
    rows = [0, len(trajectory.time) // 2, -1]
    here = trajectory.position[rows][trajectory.present[rows]]
    counts = [len(trajectory.time), len(trajectory.particle), int(trajectory.present.sum())]
    moments = np.concatenate([here.sum(axis=0), np.square(here).sum(axis=0)])
    return np.concatenate([counts, trajectory.time[[0, -1]], moments])


def write(path: str | os.PathLike[str], graphs: Graphs) -> None:
    """Writes the graphs; the file appears whole or not at all."""
    head = {name: getattr(graphs, name) for name in ("cutoff", "neighbour_distance", "dt", "mark")}
    every = np.diff(graphs.offset), graphs.i, graphs.j, graphs.shift
    _write(path, head, [every], graphs.shift.shape[1])


CHUNK = 2**16  # pairs that are packed together


def _write(
    path: str | os.PathLike[str], head: dict[str, Any], parts: Iterable[Pairs], dimension: int
) -> None:
    packed: dict[str, Any] = {"compression": "lzf", "shuffle": True, "fletcher32": True}
    with written(path) as file:
        file.attrs.update(head)
        kinds = {"i": ((), "i4"), "j": ((), "i4"), "shift": ((dimension,), "i1")}
        stored = {
            name: file.create_dataset(
                name, (0, *row), kind, maxshape=(None, *row), chunks=(CHUNK, *row), **packed
            )
            for name, (row, kind) in kinds.items()
        }
        counts = []
        for count, *columns in parts:
            counts.append(count)
            for node, values in zip(stored.values(), columns, strict=True):
                before = len(node)
                node.resize(before + len(values), axis=0)
                node[before:] = values
        offset = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        file.create_dataset("offset", data=offset, **packed)


WHAT = "a file of neighbours"  # in the sentence on one that is none


def read(path: str | os.PathLike[str], trajectory: Trajectory) -> Graphs:
    """Reads what `write` wrote of the neighbours in a trajectory.

    Raises:
        InputError: naming the file, if it is damaged, its arrays contradict each other, or it is
            of another trajectory.
    """
    return on_disk(path, trajectory).window(slice(None))


def on_disk(path: str | os.PathLike[str], trajectory: Trajectory) -> Graphs:
    """The same, its pairs left in the file, which stays open: they are read by `Graphs.window`."""
    with reading(path, WHAT):
        file = left_open(path)
        names = ("cutoff", "neighbour_distance", "dt")
        h, spacing, dt = (float(file.attrs[name]) for name in names)
        offset = loaded(file["offset"])
        columns = trajectory.present.shape[1]

        def named(_: Any, numbers: np.ndarray) -> None:
            if numbers.size and (numbers.min() < 0 or numbers.max() >= columns):
                raise InputError(
                    f"a particle has a number below 0, or above {columns - 1}, the last column"
                )

        judges = {"i": named, "j": named, "shift": None}
        pairs: dict[str, Any]
        pairs = {name: Stored(file[name], path, WHAT, judge=its) for name, its in judges.items()}
        _check((h, spacing, dt), offset, **pairs)
        return Graphs(h, spacing, dt, offset, **pairs, mark=_own(file, trajectory))


def _own(file: h5py.File, trajectory: Trajectory) -> np.ndarray:
    """The mark in a file of neighbours, which must be that of the trajectory."""
    kept, own = file.attrs["mark"], mark(trajectory)
    if kept.shape != own.shape or not np.allclose(kept, own, rtol=1e-6, atol=0.0):
        raise InputError("it is of another trajectory than the one beside it")
    return own


def spacing(path: str | os.PathLike[str], trajectory: Trajectory) -> float:
    """The mean neighbour distance a of a file that `write` wrote [length].

    Raises:
        InputError: naming the file, if it is damaged, or of another trajectory.
    """
    with opened(path, WHAT) as file:
        _own(file, trajectory)
        return float(file.attrs["neighbour_distance"])


def _check(
    scales: tuple[float, ...], offset: np.ndarray, i: Stored, j: Stored, shift: Stored
) -> None:
    """Raises ValueError where these cannot be pairs of particles."""
    if not all(np.isfinite(scale) and scale > 0 for scale in scales):
        raise InputError(f"cutoff, neighbour_distance and dt must be above 0, got {scales}")
    if any(array.dtype.kind != "i" for array in (offset, i, j, shift)):
        raise InputError("offset, i, j and shift must be whole numbers")
    if i.ndim != 1 or j.shape != i.shape or shift.ndim != 2 or len(shift) != len(i):
        raise InputError(f"i, j, shift have shapes {i.shape}, {j.shape}, {shift.shape}")
    if offset.ndim != 1 or len(offset) < 2 or offset[0] != 0 or offset[-1] != len(i):
        raise InputError(f"offset does not run from 0 to the number of pairs, {len(i)}")
    if (np.diff(offset) < 0).any():
        raise InputError("offset falls")
