"""Whether the films of a folder are parts of one, that go on where others end or overlap."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from typing import NamedTuple

import numpy as np

from pipeline.video.frames import Video
from pipeline.video.order import Trace
from pipeline.video.scenes import difference

GOES_ON = 1.5  # times the usual change from frame to frame, at most, from one part to the next
CHANGES = 1.5  # times that, at least, the change from the first frame of a part to its last


class Film(NamedTuple):
    """The runs of one film, in order, and its trace, whose numbers are those of the film."""

    runs: list[Video]
    trace: Trace


def said(films: list[Film]) -> list[str]:
    """Words on films that overlap, or go on where others end, in the order of their names."""
    found, joined = [], []
    for one, other in combinations(films, 2):
        if (shared := overlap(one, other)) is not None:
            earlier, later, number = shared
            name, following = (film.runs[0].source.name for film in (earlier, later))
            found.append(
                f"{following} begins with frame {number} of {name}, and what both show counts "
                f"twice: take the frames from there on out of {name} (video.frames counts in every "
                f"film alike)."
            )
    for one, other in pairwise(films):
        name, following = one.runs[0].source.name, other.runs[0].source.name
        if overlap(one, other) is None and _goes_on(one.runs[-1], other.runs[0]):
            joined.append(f"{following} seems to go on where {name} ends")
    if joined:
        more = f", and {len(joined) - 1} more so" if len(joined) > 1 else ""
        found.append(
            f"{joined[0]}{more}: are they parts of one film? Each is a run of its own here, and "
            "tracks end with it; join them into one stack if no time is lost between them."
        )
    return found


def overlap(one: Film, other: Film) -> tuple[Film, Film, int] | None:
    """Which of two films begins within the other one, pixel by pixel: that one, it, and where."""
    for earlier, later in permutations((one, other)):
        if (number := _begins(earlier, later)) is not None:
            return earlier, later, number
    return None


def _begins(one: Film, other: Film) -> int | None:
    """Which frame of one film the other one begins with, pixel by pixel."""
    second = other.runs[0]
    start = int(np.argmax(second.seen))
    row = np.flatnonzero(other.trace.number == second.first + start)
    if not len(row):
        return None
    alike = (one.trace.digest == other.trace.digest[row[0]]).all(axis=1)
    for number in one.trace.number[alike].tolist():
        for run in one.runs:
            t = number - run.first
            if 0 <= t < len(run) and np.array_equal(run[t], second[start]):
                return int(number)
    return None


def _goes_on(one: Video, other: Video) -> bool:
    """Whether one run begins as if it came after another one, by what changes from frame to frame.

    Not where nothing ever goes far: there all frames are as near.
    """
    before, after = np.flatnonzero(one.seen), np.flatnonzero(other.seen)
    if min(len(before), len(after)) < 2:
        return False
    usual = max(
        difference(one[int(before[-2])], one[int(before[-1])]),
        difference(other[int(after[0])], other[int(after[1])]),
    )
    far = difference(one[int(before[0])], one[int(before[-1])])
    step = difference(one[int(before[-1])], other[int(after[0])])
    return step < GOES_ON * usual and far > CHANGES * step
