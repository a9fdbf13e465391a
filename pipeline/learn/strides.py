"""Steps of training longer than a snapshot interval, for motion that remembers.

Where what is left out (the beads of a molecule, the liquid) forgets within several snapshots, the
velocity changes of one interval are smooth: their variance over the interval, which is the noise,
comes out too small, and so does friction. Over a stride of k snapshots the noise is white, and its
variance per time no longer depends on k. Every snapshot still serves, k sequences interleaved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.arrays import release, room, stretches
from pipeline.errors import InputError
from pipeline.graphs import Graphs
from pipeline.learn.loss_mask import UNKNOWN
from pipeline.learn.order import Order
from pipeline.trajectory import Trajectory

BLOCKS = ("train", "validation")


class Strided(NamedTuple):
    """What training looks at: the interleaved snapshots of its blocks."""

    trajectory: Trajectory  # its interval is that of the stride
    graphs: Graphs
    parts: dict[str, slice]  # train and validation
    order: Order  # of its snapshots in the film


def strided(
    trajectory: Trajectory, graphs: Graphs, parts: dict[str, slice], stride: int
) -> Strided:
    """The training and the validation block in steps of ``stride`` snapshots.

    Args:
        trajectory: the whole data set.
        graphs: its neighbours.
        parts: slices of the blocks ``train`` and ``validation``.
        stride: snapshots per step; 1 leaves everything as it is.

    Raises:
        InputError: if a block has no step so long, or velocities at the time of the positions
            cannot be had half a step earlier.
    """
    if stride == 1:
        return Strided(trajectory, graphs, parts, Order(np.arange(len(trajectory.time))))
    measured = trajectory.attributes["velocity"] == "measured"
    if measured and stride % 2:
        raise InputError(
            f"train.stride must be 1 or even where velocities are measured at the time of the "
            f"positions, got {stride}: choose {stride + 1}."
        )
    early = stride // 2 if measured else stride - 1
    sequences = {name: _sequences(trajectory, parts[name], early, stride) for name in BLOCKS}
    for name, found in sequences.items():
        if not found:
            rows = parts[name]
            raise InputError(
                f"train.stride of {stride} snapshots leaves no step in the {name} block of "
                f"{rows.stop - rows.start} snapshots: lower it, or enlarge the block."
            )
    lists = [one for name in BLOCKS for one in sequences[name]]
    order = np.concatenate(lists)
    velocity, known = _earlier(trajectory, order, stride, measured)
    length = sum(len(one) for one in sequences["train"])
    present, who = trajectory.present[order], trajectory.occupant
    return Strided(
        trajectory._replace(
            position=_taken(trajectory.position, order),
            velocity=velocity,
            present=present,
            driven=trajectory.driven[order] | (present & ~known),
            time=trajectory.time[order],
            occupant=None if who is None else _taken(who, order),
            extra={
                **{name: _taken(value, order) for name, value in trajectory.extra.items()},
                UNKNOWN: ~known,
            },
            run=np.repeat(np.arange(len(lists), dtype=np.int32), [len(one) for one in lists]),
            attributes={**trajectory.attributes, "dt": stride * trajectory.dt},
        ),
        _ordered(graphs, order)._replace(dt=stride * graphs.dt),
        {"train": slice(0, length), "validation": slice(length, len(order))},
        Order(order, stride),
    )


def _sequences(trajectory: Trajectory, rows: slice, early: int, stride: int) -> list[np.ndarray]:
    """Snapshots ``stride`` apart within one stretch of a block, all that have a velocity."""
    found = []
    for stretch in trajectory.window(rows).stretches():
        first, last = rows.start + stretch.start + early, rows.start + stretch.stop
        found += [np.arange(first + k, last, stride) for k in range(stride)]
    return [one for one in found if len(one) > 1]


def _earlier(
    trajectory: Trajectory, order: np.ndarray, stride: int, measured: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities (K, M, D) half a stride before the positions, and (K, M) where they are known."""
    if measured:
        before = order - stride // 2
        known = trajectory.present[before]
        if trajectory.occupant is not None:
            known = known & (trajectory.occupant[before] == trajectory.occupant[order])
        return _taken(trajectory.velocity, before), known
    # Backward differences over the stride are means of those over an interval.
    velocity = _taken(trajectory.velocity, order, stride)
    return velocity, np.all([trajectory.present[order - k] for k in range(stride)], axis=0)


def _taken(values: np.ndarray, order: np.ndarray, last: int = 1) -> np.ndarray:
    """(K, M, ...) means of the ``last`` rows of (T, M, ...) up to those in ``order``.

    In `arrays.room`, a few rows at a time, since values may lie in a file.
    """
    out = room((len(order), *values.shape[1:]), values.dtype)
    for some in stretches(out.shape, out.dtype):
        rows = order[some]
        taken = values[rows] if last == 1 else np.mean([values[rows - k] for k in range(last)], 0)
        out[some] = taken
        release(out)
    return out


def _ordered(graphs: Graphs, order: np.ndarray) -> Graphs:
    """The graphs of the given snapshots, in their order."""
    offset = np.concatenate([[0], np.cumsum(np.diff(graphs.offset)[order])])
    columns = [
        room((int(offset[-1]), *x.shape[1:]), x.dtype) for x in (graphs.i, graphs.j, graphs.shift)
    ]
    for k, t in enumerate(order.tolist()):
        found = graphs.window(slice(t, t + 1))
        for out, values in zip(columns, (found.i, found.j, found.shift), strict=True):
            out[offset[k] : offset[k + 1]] = values
            release(out)
    i, j, shift = columns
    return graphs._replace(offset=offset, i=i, j=j, shift=shift)
