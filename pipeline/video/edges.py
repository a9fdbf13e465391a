"""Whether the edge of a view is open or the wall of a container: who crosses it, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.trajectory import Box

CROSSED = 0.05  # share of the expected crossings below which a container is closed
ENOUGH = 40.0  # expected crossings from which that can be told
GONE = 10  # snapshots without a particle, after which it has left; fewer may be missed ones
NEAR = 3.0  # rms steps from a face, where a track that begins or ends has crossed it
OPEN = ", so the edge is taken for an open one"
SHUT = ", and nobody is free where the edge is led: it is taken for closed"
AT_ONCE = 1_500_000  # entries of arrays that are looked at together


class Faces(NamedTuple):
    """What becomes of the faces, and why.

    Fields:
        closed: whether nobody enters or leaves.
        why: a sentence with the numbers.
        entries, exits: tracks that begin or end at a face in the middle of a run.
        expected: of each, were the view cut from a larger sample.
        told: whether the settings say so, or tracks that suffice.
    """

    closed: bool
    why: str
    entries: int
    exits: int
    expected: float
    told: bool


def faces(
    position: np.ndarray,
    present: np.ndarray,
    run: np.ndarray,
    box: Box,
    edge: str = "auto",
    occupant: np.ndarray | None = None,
) -> Faces:
    """Whether the open faces of a box are crossed.

    A field of view cut from a larger sample is crossed all the time: of n particles per area whose
    steps along the normal of a face are u, n L <|u|> / 2 cross a face of length L in each direction
    per frame. Where next to nobody does, the faces are the walls of a container (or nobody comes
    near them), no particle needs to be led, and the whole view counts.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool. run: (T,).
        box: field of view; its periodic axes have no faces.
        edge: auto decides by the tracks; open and closed are taken as they are, and the sentence
            says where the tracks disagree.
        occupant: (T, M) who holds a column, see `pipeline.slots`.
    """
    faced = ~np.array(box.periodic)
    step = _rms_step(position, present, run)
    low, high = box.origin + NEAR * step, box.origin + box.lengths - NEAR * step
    entries = exits = 0
    for part in _columns(present):
        held = None if occupant is None else occupant[:, part]
        ends = _at_faces(position[:, part], present[:, part], run, (low, high, faced), held)
        entries, exits = entries + ends[0], exits + ends[1]
    # <|u|> of a Gaussian; a face of each open axis at both ends.
    rate = np.sqrt(2 / np.pi) * step / 2 * 2 * box.volume / box.lengths
    density = present.sum(axis=1).mean() / box.volume
    frames = len(run) - len(np.unique(run))
    expected = float(density * rate[faced].sum() * frames)
    crossed, closed = entries + exits, False
    numbers = (
        f"{entries} tracks begin and {exits} end at the edge of the view, where some "
        f"{expected:.0f} of each would if it were cut from a larger sample"
    )
    if 2 * expected < ENOUGH:
        why = f"{numbers}: too few to tell a container{OPEN}"
    elif crossed <= CROSSED * 2 * expected:
        closed, why = True, f"{numbers}: nobody enters or leaves, so the container is closed"
    else:
        why = f"{numbers}: the edge is open"
    told = edge != "auto" or 2 * expected >= ENOUGH
    if edge != "auto":
        doubt = "" if closed == (edge == "closed") or 2 * expected < ENOUGH else ", which disagrees"
        why = f"the edge is {edge} by the settings (trajectory.edge); {numbers}{doubt}"
        closed = edge == "closed"
    return Faces(closed, why, entries, exits, expected, told)


def shut(edge: Faces) -> Faces:
    """Faces taken for closed where nobody was seen to cross them, though it cannot be told."""
    if edge.closed or edge.told or edge.entries + edge.exits:
        return edge
    return edge._replace(closed=True, why=edge.why.removesuffix(OPEN) + SHUT)


def _columns(present: np.ndarray) -> Iterator[slice]:
    """Some columns after others of arrays (T, M), of at most AT_ONCE entries each."""
    step = max(AT_ONCE // len(present), 1)
    yield from (slice(k, k + step) for k in range(0, present.shape[1], step))


def _at_faces(
    position: np.ndarray,
    present: np.ndarray,
    run: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray, np.ndarray],
    occupant: np.ndarray | None,
) -> tuple[int, int]:
    """How many tracks begin and end at a face in the middle of a run, or stop there for long.

    Args:
        bounds: (D,) of the middle, and (D,) bool, along which axes there are faces.
    """
    low, high, faced = bounds
    at_face = (((position < low) | (position > high)) & faced).any(axis=2) & present
    row, column = np.nonzero(present)
    label = column if occupant is None else occupant[row, column]
    near, turn = at_face[row, column], np.diff(run) != 0
    # A particle in two runs is two tracks, and so is one that was gone for long.
    track = run[row] * (label.max(initial=0) + np.int64(1)) + label
    order = np.lexsort((row, track))
    new = (np.diff(track[order]) != 0) | (np.diff(row[order]) > GONE)
    first, last = order[np.r_[True, new]], order[np.r_[new, True]]
    entries = int((near[first] & ~np.r_[True, turn][row[first]]).sum())
    exits = int((near[last] & ~np.r_[turn, True][row[last]]).sum())
    return entries, exits


def _rms_step(position: np.ndarray, present: np.ndarray, run: np.ndarray) -> np.ndarray:
    """(D,) rms step of the particles, along each axis [length]."""
    square, count = np.zeros(position.shape[2]), 0
    for part in _columns(present):
        here = present[:, part]
        both = here[1:] & here[:-1] & (run[1:] == run[:-1])[:, None]
        step = np.diff(position[:, part], axis=0)[both]
        square, count = square + (step**2).sum(axis=0), count + len(step)
    return np.sqrt(square / max(count, 1))
