"""Radial distribution function, exact at the open edges of a field of view.

    g(r) = sum_i n_i(r) / sum_i rho |shell(r) around i, inside the window|

The centres i are free particles; n_i counts all particles seen, driven ones too. The expected
number is taken around each centre where it stands, so g = 1 for an ideal gas whichever particles
are the centres: near an edge, in the middle, or picked by hand. (With every particle a centre, its
mean over a homogeneous sample is the rectangle formula w h / ((w - |dx|)(h - |dy|)).) rho is
(n - 1) / |window|: the centre cannot be its own neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.analysis.metric import (
    Compared,
    Counting,
    Metric,
    Plot,
    Sample,
    Statistic,
    added,
    curve,
    missing,
)
from pipeline.analysis.runs import WHOLE, Run, Share
from pipeline.analysis.uncertainty import gather
from pipeline.errors import InputError
from pipeline.trajectory import Box, evenly

FEWEST_PAIRS = 100
MANY_PAIRS = 100_000_000  # that are looked at: 0.1 % or so of every shell, half a minute
CENTRES = 4096  # looked at together: bounds memory
HEIGHTS = 24  # Gauss-Legendre nodes over the height of a spherical shell


def shell_volumes(edges: np.ndarray, dimension: int) -> np.ndarray:
    """(K,) areas of rings or volumes of shells between (K + 1,) radii."""
    unit = np.pi if dimension == 2 else 4 * np.pi / 3
    return unit * np.diff(edges**dimension)


def mean_radius(edges: np.ndarray, dimension: int) -> np.ndarray:
    """(K,) mean distance of the points of each ring or shell between (K + 1,) radii."""
    moment = np.diff(edges ** (dimension + 1)) / np.diff(edges**dimension)
    return dimension / (dimension + 1) * moment


def visible(local: np.ndarray, r: np.ndarray, frame: Box) -> np.ndarray:
    """Fraction of the circle or sphere of radius r around each point that lies in the window.

    Args:
        local: (C, D) points, from the lower corner of the window [length].
        r: (K,) radii [length].
        frame: the window; periodic axes have no edge.

    Returns:
        (C, K) fractions between 0 and 1.
    """
    side = np.stack([local, frame.lengths - local], axis=2)
    side = np.where(np.asarray(frame.periodic)[None, :, None], np.inf, side)
    fraction = np.ones((len(local), len(r)))
    cut = (side < r.max()).any(axis=(1, 2))  # few of a large sample
    if cut.any():
        fraction[cut] = _within(side[cut], r)
    return fraction


def _within(side: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(C, K) part of circles or spheres inside a box, from (C, D, 2) distances to its sides."""
    radius = np.broadcast_to(r, (len(side), len(r)))
    if side.shape[1] == 2:
        return _arc(side, radius)
    # Archimedes: equal heights of a sphere have equal areas, so the mean runs over the height.
    nodes, weights = np.polynomial.legendre.leggauss(HEIGHTS)
    lower = -np.minimum(side[:, 2, 0, None] / radius, 1.0)
    upper = np.minimum(side[:, 2, 1, None] / radius, 1.0)
    total = np.zeros(radius.shape)
    for node, weight in zip(nodes, weights, strict=True):
        height = (upper + lower) / 2 + (upper - lower) / 2 * node
        total += weight * _arc(side[:, :2], radius * np.sqrt(1 - height**2))
    return total * (upper - lower) / 4


def _arc(side: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(C, K) part of circles inside a rectangle, from (C, 2, 2) distances to its sides.

    Each side cuts off an arc of 2 acos(d / r); at a corner inside the circle two of them overlap.
    """
    radius = np.broadcast_to(r[:, None, None, :], (*side.shape, r.shape[1]))
    distance = np.broadcast_to(side[..., None], radius.shape)
    half = np.zeros(radius.shape)
    cut = distance < radius  # most circles are cut by no side
    half[cut] = np.arccos(np.maximum(distance[cut] / radius[cut], 0.0))
    corner = np.maximum(half[:, 0, :, None] + half[:, 1, None, :] - np.pi / 2, 0.0)
    return 1 - (2 * half.sum(axis=(1, 2)) - corner.sum(axis=(1, 2))) / (2 * np.pi)


class Counts(NamedTuple):
    """Neighbours counted and expected in K shells, per patch of centres."""

    found: np.ndarray  # (U, K)
    expected: np.ndarray  # (U, K), of an ideal gas of the same density


def rdf(
    parts: Sequence[Run],
    frame: Box,
    edges: np.ndarray,
    label: np.ndarray,
    snapshots: int,
    share: Share = WHOLE,
) -> Counts:
    """Neighbours counted and expected, averaged over snapshots spread over all runs.

    Args:
        parts: runs on their clocks.
        frame: the window, see `runs.window`; particles outside it are left out.
        edges: (K + 1,) evenly spaced edges of the shells from 0 [length].
        label: (N,) patch of each particle.
        snapshots: how many snapshots to average over at most; fewer of a sample so large that they
            would hold more than a hundred million pairs.
        share: the block of time that counts, of these snapshots.

    Returns:
        sums per patch; `uncertainty.interval` makes the curve of them.

    Raises:
        InputError: if the largest radius exceeds half a periodic length.
    """
    shortest = np.min(np.where(frame.periodic, frame.lengths, np.inf))
    if edges[-1] > shortest / 2 * (1 + 1e-9):
        raise InputError(
            f"g(r) is asked for up to r = {edges[-1]:g}, more than half the shortest periodic "
            f"length {shortest:g}: lower r_max."
        )
    units, shells = int(label.max()) + 1, len(edges) - 1
    found, expected = np.zeros((units, shells)), np.zeros((units, shells))
    spread = _spread(parts, _enough(parts, frame, edges[-1], snapshots))
    for part, row in share.among(spread):
        one = _snapshot(part, row, frame, edges, label)
        found += one.found
        expected += one.expected
    return Counts(found, expected)


def _enough(parts: Sequence[Run], frame: Box, reach: float, snapshots: int) -> int:
    """How many snapshots hold `MANY_PAIRS`, at most as many as asked for and at least two."""
    seen = sum(int(part.seen.sum()) for part in parts) / sum(len(part.time) for part in parts)
    ball = float(shell_volumes(np.array([0.0, reach]), len(frame.lengths))[0])
    pairs = seen**2 / 2 * min(ball / frame.volume, 1.0)
    return min(snapshots, max(int(MANY_PAIRS / max(pairs, 1.0)), 2))


def _spread(parts: Sequence[Run], snapshots: int) -> list[tuple[Run, int]]:
    usable = [
        (part, row)
        for part in parts
        for row in range(len(part.time))
        if part.free[row].any() and part.seen[row].sum() > 1
    ]
    return [usable[k] for k in evenly(np.arange(len(usable)), snapshots)]


def _snapshot(part: Run, row: int, frame: Box, edges: np.ndarray, label: np.ndarray) -> Counts:
    lengths, closed = np.asarray(frame.lengths, float), np.asarray(frame.periodic)
    local, _ = part.space.wrap(part.position[row] - frame.origin, float(part.time[row]))
    within = closed | ((local >= 0) & (local <= lengths))
    inside = part.seen[row] & within.all(axis=1)
    centre = inside & part.free[row]
    # Rounding can make half a box a little less than it is.
    near = part.neighbours(row, min(edges[-1], min(part.space.lengths) / 2)).among(inside)
    units, shells = int(label.max()) + 1, len(edges) - 1
    shell = shell_of(near.distance, edges)
    found = np.zeros(units * shells)
    for one in (near.i, near.j):
        counts = centre[one] & (shell < shells)
        found += np.bincount(label[one[counts]] * shells + shell[counts], minlength=len(found))
    density = (inside.sum() - 1) / np.prod(lengths)
    expected = np.zeros((units, shells))
    middle = mean_radius(edges, len(lengths))
    who = np.flatnonzero(centre)
    for some in np.split(who, range(CENTRES, len(who), CENTRES)):
        expected += gather(visible(local[some], middle, frame), label[some], units)
    expected *= density * shell_volumes(edges, len(lengths))
    return Counts(found.reshape(units, shells), expected)


def shell_of(distance: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(P,) the last of the evenly spaced edges, from 0, that is no longer than each distance."""
    shell = (distance * (1 / edges[1])).astype(np.int64)
    # Rounding can put what stands at an edge on its other side.
    shell -= distance < edges[np.minimum(shell, len(edges) - 1)]
    shell += distance >= edges[np.minimum(shell + 1, len(edges) - 1)]
    return shell


def count(sample: Sample) -> dict[str, np.ndarray]:
    """Of a source, the fields of `Counts`."""
    plan, label, share = sample.settings, sample.label, sample.share
    return rdf(sample.parts, plan.window, plan.r_edges, label, plan.snapshots, share)._asdict()


COUNTING = Counting("rdf", count, added)


def measure(sample: Sample) -> dict[str, Metric]:
    """Group rdf."""
    edges = sample.settings.r_edges
    found, expected = Counts(**COUNTING.of(sample))
    if found.sum() < FEWEST_PAIRS:
        reason = (
            f"g(r) rests on {found.sum():.0f} pairs below {edges[-1]:.3g}, fewer than "
            f"{FEWEST_PAIRS}: more particles or more frames are needed."
        )
        return {"rdf": missing(reason)}
    return {"rdf": curve(found, expected, r=(edges[1:] + edges[:-1]) / 2)}


RDF = Statistic(
    measure,
    {"rdf": Compared("Radial distribution")},
    Plot(
        name="rdf",
        title="Radial distribution function",
        section="structure",
        x="r",
        across=("Distance r", "length"),
        up=("Radial distribution g(r)", ""),
        level=1.0,
        caption="Where the lines lie on each other the model keeps the structure: the height of "
        "the first peak, the splitting of the second, the approach to one.",
    ),
    COUNTING,
)
