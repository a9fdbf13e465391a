"""Whether the films of a folder are parts of one, that go on where others end or overlap."""

from __future__ import annotations

from itertools import pairwise
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


class Overlap(NamedTuple):
    """Two films, by their places among all, of which one begins within the other."""

    earlier: int
    later: int
    number: int  # frame of the earlier one that the later one begins with

    @property
    def pair(self) -> tuple[int, int]:
        """Both, in the order of the films."""
        return min(self[:2]), max(self[:2])


def said(films: list[Film], shared: list[Overlap]) -> list[str]:
    """Words on films that overlap, or go on where others end, in the order of their names.

    Args:
        shared: `overlaps` of the films.
    """
    found, joined = [], []
    names = [film.runs[0].source.name for film in films]
    for earlier, later, number in shared:
        found.append(
            f"{names[later]} begins with frame {number} of {names[earlier]}, and what both show "
            f"counts twice: take the frames from there on out of {names[earlier]} (video.frames "
            f"counts in every film alike)."
        )
    known = {one.pair for one in shared}
    for k, (one, other) in enumerate(pairwise(films)):
        name, following = names[k : k + 2]
        if (k, k + 1) not in known and _goes_on(one.runs[-1], other.runs[0]):
            joined.append(f"{following} seems to go on where {name} ends")
    if joined:
        more = f", and {len(joined) - 1} more so" if len(joined) > 1 else ""
        found.append(
            f"{joined[0]}{more}: are they parts of one film? Each is a run of its own here, and "
            "tracks end with it; join them into one stack if no time is lost between them."
        )
    return found


def overlaps(films: list[Film]) -> list[Overlap]:
    """Which of some films begin within another one, pixel by pixel; of two, once.

    The digests of all frames are looked up among those that films begin with.
    """
    begins: dict[bytes, list[int]] = {}
    for k, film in enumerate(films):
        row = np.flatnonzero(film.trace.number == film.runs[0].first + _start(film))
        if len(row):
            begins.setdefault(film.trace.digest[row[0]].tobytes(), []).append(k)
    found: dict[tuple[int, int], int] = {}
    for earlier, film in enumerate(films):
        for digest, number in zip(film.trace.digest, film.trace.number.tolist(), strict=True):
            for later in begins.get(digest.tobytes(), []):
                new = later != earlier and (earlier, later) not in found
                if new and _shows(film, number, films[later]):
                    found[earlier, later] = number
    every = [Overlap(*pair, number) for pair, number in found.items()]
    # Of two that both begin within each other, the one that comes first.
    once = {one.pair: one for one in sorted(every, reverse=True)}
    return [once[pair] for pair in sorted(once)]


def _start(film: Film) -> int:
    """The first frame of a film that was seen, counted in its first run."""
    return int(np.argmax(film.runs[0].seen))


def _shows(film: Film, number: int, other: Film) -> bool:
    """Whether a frame of a film is the one that another one begins with."""
    first = other.runs[0][_start(other)]
    runs = (run for run in film.runs if 0 <= number - run.first < len(run))
    return any(np.array_equal(run[number - run.first], first) for run in runs)


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
