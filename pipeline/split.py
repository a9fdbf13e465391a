"""Blocks of a data set in time: what is learned from, what a model is chosen on, and the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.schema import Section, key
from pipeline.trajectory import Trajectory, temperature


class Shares(NamedTuple):
    """Of the snapshots, a fraction, or from 1 on their number."""

    train: float
    validation: float


USUAL, DROWNED = Shares(0.375, 0.125), Shares(0.75, 0.1)  # the second of overdamped films


class Split(Section):
    """Blocks of the snapshots, contiguous in time."""

    train: float | None = key(
        "Fractions of the snapshots, or from 1 on their numbers, contiguous in time; the test "
        "block is the rest and is never looked at in training. null: 0.375 and 0.125; 0.75 and 0.1 "
        "of an overdamped film, whose forces drown in noise, where neither is given.",
        default=None,
        unit="a fraction below 1 or a number of snapshots",
        above=0,
        most=1e9,
    )
    validation: float | None = key(
        "",
        default=None,
        unit="a fraction below 1 or a number of snapshots",
        above=0,
        most=1e9,
    )

    def of(self, trajectory: Trajectory) -> Shares:
        """The two shares of a data set."""
        given = self.train, self.validation
        if given == (None, None) and trajectory.attributes.get("regime") == "overdamped":
            return DROWNED
        return self._given()

    def _given(self) -> Shares:
        return Shares(self.train or USUAL.train, self.validation or USUAL.validation)

    def contradictions(self) -> Iterator[str]:
        """No room for the test block."""
        shares = [part for part in self._given() if part < 1]
        if len(shares) == 2 and sum(shares) >= 1:
            yield (
                f"split.train + split.validation must leave room for the test block (sum below 1), "
                f"got {sum(shares):g}."
            )


def blocks(trajectory: Trajectory, train: float, validation: float) -> dict[str, slice]:
    """Contiguous blocks of time for training, validation and test; never shuffled frames.

    Where a video is so short that the fractions would leave a block without a step, validation
    gets two snapshots, and training and test half of the rest each: see `too_short`.

    Args:
        trajectory: the whole data set.
        train: the snapshots used for training, from the first one on: a fraction of all, or, from
            1 on, their number.
        validation: the same of those that follow; the test block is the rest.

    Raises:
        InputError: if a block would still be shorter than two snapshots.
    """
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    if too_short(trajectory, train, validation):
        first = start + (count - start - 1) // 2
        second = first + 2
    parts = {
        "train": slice(0, first),
        "validation": slice(first, second),
        "test": slice(second, count),
    }
    if min(first - start, count - second) < 2:
        raise InputError(
            f"The video has {count} snapshots, {count - start} of them with velocities, and at "
            f"least 6 of these are needed, two each to train, to validate and to test: record "
            f"more frames, or link with a larger search_range or memory."
        )
    return parts


def too_short(trajectory: Trajectory, train: float, validation: float) -> bool:
    """Whether these fractions would leave one of the three blocks without a step."""
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    return min(first - start, second - first, count - second) < 2


def _cuts(count: int, train: float, validation: float) -> tuple[int, int]:
    """First snapshots of the validation and the test block, of ``count`` in all."""
    first = train if train >= 1 else count * train
    return round(first), round(first + (validation if validation >= 1 else count * validation))


def _first(trajectory: Trajectory) -> int:
    """The first snapshot with a velocity: the first frame of a video has none."""
    return int(trajectory.present.any(axis=1).argmax())


def rows(trajectory: Trajectory, block: slice, frames: int | None = None) -> slice:
    """The part of the test block on which models are rolled out and everything is measured.

    A rollout needs particles that can be followed from its first snapshot to its last. Where
    tracks are short the window is shortened until at least half of the particles that are free
    in its first snapshot are free throughout. In a closed container, whose particles stay, it
    begins where nobody is out of sight who is seen mostly.

    Args:
        trajectory: the whole data set.
        block: the test block.
        frames: longest window wanted; None takes the block.

    Raises:
        InputError: if no two successive snapshots share a free particle.
    """
    start = block.start + (_complete(trajectory, block) if trajectory.closed else 0)
    stop = min(block.stop, start + (frames or block.stop))
    breaks = np.flatnonzero(~trajectory.successive()[start : stop - 1])
    stop = start + int(breaks[0]) + 1 if len(breaks) else stop
    surviving = trajectory.window(slice(start, stop)).lasting.sum(axis=1)
    if surviving[0] == 0 or len(surviving) < 2 or surviving[1] == 0:
        raise InputError(
            "No particle is free and tracked over two successive snapshots at the start of the "
            "test block: check the linking (search_range, memory) or lower trajectory.edge_band."
        )
    enough = np.flatnonzero(surviving >= 0.5 * surviving[0])
    return slice(start, start + max(int(enough[-1]) + 1, 2))


def _complete(trajectory: Trajectory, block: slice) -> int:
    """How many snapshots of a block pass before as many particles are seen as mostly are."""
    seen = trajectory.present[block].sum(axis=1)
    return int((seen >= np.median(seen)).argmax())


def judged(trajectory: Trajectory, split: Split, frames: int | None) -> slice:
    """The snapshots of the evaluation window, see `rows`."""
    return rows(trajectory, blocks(trajectory, *split.of(trajectory))["test"], frames)


def evaluation(
    trajectory: Trajectory, split: Split, frames: int | None
) -> tuple[Trajectory, float]:
    """The evaluation window of a data set, with a column for each of its particles, and the
    temperature of the particles up to it.

    Args:
        trajectory: the whole data set.
        split: into blocks.
        frames: see `rows`.

    Returns:
        the window, and `temperature` before it [length^2 / time^2], also its attribute
        ``temperature_before``.
    """
    judging = judged(trajectory, split, frames)
    before = temperature(trajectory, judging.start)
    return trajectory.followed(judging).noting(temperature_before=before), before
