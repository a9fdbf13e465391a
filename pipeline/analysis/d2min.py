"""Non-affine squared displacement D2min of Falk and Langer, Phys. Rev. E 57, 7192 (1998).

    D2min_i = min_J  sum_j | u_ij - J r0_ij |^2

    r0_ij   (P, D)  vector from i to its neighbour j in the reference configuration
    u_ij    (P, D)  how much it changes over the lag
    J       (D, D)  the affine strain that explains most of it
    j               particles within the cutoff of i in the reference configuration

The published form fits J + 1 to the vectors themselves: the same minimum, but more cancellation.
With A = sum u r0^T and B = sum r0 r0^T the minimum is sum |u|^2 - tr(A B^-1 A^T).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from pipeline.analysis.rdf import shell_of
from pipeline.analysis.runs import WHOLE, Run, Share
from pipeline.analysis.uncertainty import gather
from pipeline.errors import InputError
from pipeline.neighbours import Neighbours
from pipeline.trajectory import evenly

NORMALISATIONS = ("mean", "sum")
NORMALISATION = "mean"  # that of the statistics


def d2min(
    near: Neighbours, displacement: np.ndarray, seen: np.ndarray, normalisation: str = "mean"
) -> np.ndarray:
    """D2min of every particle for several displacement fields from one reference.

    Args:
        near: neighbours in the reference configuration.
        displacement: (L, N, D) r(t + lag) - r(t), unwrapped [length].
        seen: (L, N) bool, present at both times; others are no neighbours.
        normalisation: "mean" over neighbours, or "sum".

    Returns:
        (L, N) [length^2]; NaN for absent particles and for those whose neighbours (fewer than
        D + 1, or all on a line) any affine map would fit.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation is {normalisation!r}: choose mean or sum.")
    dimension = displacement.shape[2]
    known = seen.T.astype(float)  # (N, L), as everything that follows
    u = _fluctuation(displacement, seen)
    square = (u**2).sum(axis=0)
    bonds = _Bonds(near, len(known))
    number, moved, *others = bonds.sums(np.ones(len(near.i)), 1, [known, square, *u])
    # sum |u_i - u_j|^2, of the neighbours that are seen; it is 0 for who is not seen.
    energy = square * number + known * moved
    energy -= 2 * sum(mine * theirs for mine, theirs in zip(u, others, strict=True))
    number *= known
    cross, shape = np.empty((2, dimension, dimension, *known.shape))
    for b in range(dimension):
        first, *others = bonds.sums(near.r[:, b], -1, [known, *u])
        for a in range(dimension):
            cross[a, b] = u[a] * first - known * others[a]
        for a in range(b + 1):
            (second,) = bonds.sums(near.r[:, a] * near.r[:, b], 1, [known])
            shape[a, b] = shape[b, a] = known * second
    inverse, spans = _inverse(shape)
    valid = seen.T & (number > dimension) & spans
    affine = np.einsum("ac...,cb...,ab...->...", cross, inverse, cross)
    residual = np.where(valid, np.maximum(energy - affine, 0.0), np.nan)
    return (residual / np.maximum(number, 1.0) if normalisation == "mean" else residual).T


def _fluctuation(displacement: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(D, N, L) displacements about the mean of each field, 0 where unseen.

    D2min knows no common motion, and its sums are taken particle by particle: they must not
    cancel large numbers.
    """
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    mean = np.einsum("lnd,ln->ld", displacement, seen) / count
    u = np.where(seen[..., None], displacement - mean[:, None], 0.0)
    return np.ascontiguousarray(u.transpose(2, 1, 0))


class _Bonds:
    """Sums over the neighbours of every particle."""

    def __init__(self, near: Neighbours, count: int) -> None:
        ends = np.concatenate([near.i, near.j]), np.concatenate([near.j, near.i])
        places = np.arange(len(ends[0]))
        self._matrix = sparse.csr_array((places, ends), (count, count))
        self._order = self._matrix.data  # of the bonds in the matrix

    def sums(
        self, weight: np.ndarray, parity: int, fields: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """sum_j w_ij f_j (N, L) of each field, with weights w_ij (P,) = parity * w_ji."""
        self._matrix.data = np.concatenate([weight, parity * weight])[self._order]
        return np.split(self._matrix @ np.concatenate(fields, axis=1), len(fields), axis=1)


def _inverse(shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of matrices (D, D, ...), and where neighbours span all directions (...,) bool.

    Closed forms: LAPACK takes a microsecond for each of millions of small matrices.
    """
    dimension = len(shape)
    if dimension == 2:
        (a, b), (c, d) = shape
        adjugate = np.array([[d, -b], [-c, a]])
    else:
        a, b, c = shape
        pairs = ((b, c), (c, a), (a, b))
        adjugate = np.stack([np.cross(*pair, axis=0) for pair in pairs], axis=1)
    determinant = (shape[0] * adjugate[:, 0]).sum(axis=0)
    size = np.trace(shape) / dimension
    spans = determinant > 1e-6 * np.maximum(size, 1e-300) ** dimension
    return adjugate / np.where(spans, determinant, 1.0), spans


def field(
    part: Run, origin: int, lag: np.ndarray, cutoff: float, normalisation: str = "mean"
) -> np.ndarray:
    """D2min of the free particles between a snapshot and later ones.

    Args:
        part: one run on its clock.
        origin: row of the reference configuration.
        lag: (L,) integer lags with origin + lag < T.
        cutoff: range of the neighbours [length].
        normalisation: "mean" over neighbours, or "sum".

    Returns:
        (L, N) [length^2], NaN where undefined or not free at both times.

    Raises:
        ValueError: if the cutoff exceeds half a periodic length.
    """
    shortest = min(part.space.lengths)
    if cutoff > shortest / 2:
        raise InputError(
            f"The D2min cutoff {cutoff:g} is more than half the periodic length {shortest:g}: "
            f"lower it."
        )
    later = origin + np.asarray(lag)
    near = part.neighbours(origin, cutoff)
    displacement = part.position[later] - part.position[origin]
    value = d2min(near, displacement, part.seen[later] & part.seen[origin], normalisation)
    return np.where(part.free[later] & part.free[origin], value, np.nan)


class NonAffine(NamedTuple):
    """D2min of N particles from O origins over L lags."""

    lag: np.ndarray  # (L,) intervals
    run: np.ndarray  # (O,) index of the run of each origin
    origin: np.ndarray  # (O,) row of the reference configuration within its run
    value: np.ndarray  # (O, L, N) [length^2], NaN where undefined


def against_lag(
    parts: Sequence[Run], lag: np.ndarray, cutoff: float, origins: int, share: Share = WHOLE
) -> NonAffine:
    """D2min over many origins, evenly spread over all runs; the first row is always one of them.

    Args:
        parts: runs on their clocks.
        lag: (L,) increasing integer lags from 1.
        cutoff: range of the neighbours [length].
        origins: how many origins at most.
        share: the block of time that is measured, of these origins.
    """
    rows = [
        (k, row)
        for k, part in enumerate(parts)
        for row in range(len(part.time) - int(lag[0]))
        if part.free[row].any()
    ]
    rows = list(share.among([rows[k] for k in evenly(np.arange(len(rows)), origins)]))
    value = np.full((len(rows), len(lag), parts[0].free.shape[1]), np.nan)
    for out, (k, row) in zip(value, rows, strict=True):
        fits = row + lag < len(parts[k].time)
        out[fits] = field(parts[k], row, lag[fits], cutoff, NORMALISATION)
    run, origin = np.array(rows, dtype=int).reshape(-1, 2).T
    return NonAffine(np.asarray(lag), run, origin, value)


def sums(value: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and numbers of the defined values of each patch.

    Args:
        value: (O, L, N), NaN where undefined.
        label: (N,) patch of each particle.

    Returns:
        (U, L) sums and (U, L) numbers.
    """
    known = np.isfinite(value)
    units = int(label.max()) + 1
    total = gather(np.where(known, value, 0.0).sum(axis=0).T, label, units)
    return total, gather(known.sum(axis=0).T, label, units)


def histogram(value: np.ndarray, edges: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How often D2min falls between the edges; values outside count in the end bins.

    Args:
        value: (O, N) at one lag, NaN where undefined.
        edges: (K + 1,) increasing.
        label: (N,) patch of each particle.

    Returns:
        (U, K) numbers.
    """
    units, bins = int(label.max()) + 1, len(edges) - 1
    row, particle = np.nonzero(np.isfinite(value))
    place = np.searchsorted(edges, value[row, particle], side="right") - 1
    flat = label[particle] * bins + np.clip(place, 0, bins - 1)
    return np.bincount(flat, minlength=units * bins).reshape(units, bins).astype(float)


class Correlation(NamedTuple):
    """Spatial correlation of D2min in K shells, NaN where no pair was met."""

    weighted: np.ndarray  # (K,) < D_i D_j > / < D >^2: RDF weighted by D2min over the plain one
    pearson: np.ndarray  # (K,) correlation coefficient of D_i and D_j


def correlation(
    parts: Sequence[Run], measured: NonAffine, index: int, edges: np.ndarray, origins: int = 12
) -> Correlation:
    """How D2min of two particles at distance r in the reference configuration goes together.

    Args:
        parts: runs on their clocks.
        measured: from `against_lag`.
        index: which of its lags.
        edges: (K + 1,) evenly spaced edges of the shells from 0 [length].
        origins: how many origins to average over at most.
    """
    shells = len(edges) - 1
    rows = np.flatnonzero(np.isfinite(measured.value[:, index]).any(axis=1))
    rows = evenly(rows, origins)
    product, number = np.zeros((2, shells))
    everyone = measured.value[rows, index]
    mean, spread = np.nanmean(everyone), np.nanvar(everyone)
    for row in rows:
        part, origin = parts[measured.run[row]], measured.origin[row]
        value = measured.value[row, index]
        near = part.neighbours(origin, edges[-1]).among(np.isfinite(value))
        shell = shell_of(near.distance, edges)
        inside = shell < shells
        weight = (value[near.i] * value[near.j])[inside]
        product += np.bincount(shell[inside], weight, shells)
        number += np.bincount(shell[inside], minlength=shells)
    with np.errstate(divide="ignore", invalid="ignore"):
        joint = product / number
        return Correlation(joint / mean**2, (joint - mean**2) / spread)
