"""Rearrangements of a whole recording: D2min against lag, its distribution and its correlation.

Paper: figures 7B, 7C, 7D and 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.analysis.d2min import bonds, field
from pipeline.analysis.runs import Run
from pipeline.analysis.uncertainty import gather


class NonAffine(NamedTuple):
    """D2min of N particles from O origins over L lags."""

    lag: np.ndarray  # (L,) intervals
    run: np.ndarray  # (O,) index of the run of each origin
    origin: np.ndarray  # (O,) row of the reference configuration within its run
    value: np.ndarray  # (O, L, N) [length^2], NaN where undefined


def against_lag(
    parts: Sequence[Run], lag: np.ndarray, cutoff: float, origins: int, normalisation: str = "mean"
) -> NonAffine:
    """D2min over many origins, evenly spread over all runs; the first row is always one of them.

    Args:
        parts: runs on their clocks.
        lag: (L,) increasing integer lags from 1.
        cutoff: range of the neighbours [length].
        origins: how many origins at most.
        normalisation: "mean" over neighbours, or "sum".
    """
    rows = [
        (k, row)
        for k, part in enumerate(parts)
        for row in range(len(part.time) - int(lag[0]))
        if part.free[row].any()
    ]
    if len(rows) > origins:
        rows = [rows[k] for k in np.linspace(0, len(rows) - 1, origins).astype(int)]
    value = np.full((len(rows), len(lag), parts[0].free.shape[1]), np.nan)
    for out, (k, row) in zip(value, rows, strict=True):
        fits = row + lag < len(parts[k].time)
        out[fits] = field(parts[k], row, lag[fits], cutoff, normalisation)
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
    if len(rows) > origins:
        rows = rows[np.linspace(0, len(rows) - 1, origins).astype(int)]
    product, number = np.zeros((2, shells))
    everyone = measured.value[rows, index]
    mean, spread = np.nanmean(everyone), np.nanvar(everyone)
    for row in rows:
        part, origin = parts[measured.run[row]], measured.origin[row]
        value = measured.value[row, index]
        near = bonds(part.position[origin], np.isfinite(value), edges[-1], part.box)
        shell = np.searchsorted(edges, np.linalg.norm(near.r0, axis=1), side="right") - 1
        inside = shell < shells
        weight = (value[near.i] * value[near.j])[inside]
        product += np.bincount(shell[inside], weight, shells)
        number += np.bincount(shell[inside], minlength=shells)
    with np.errstate(divide="ignore", invalid="ignore"):
        joint = product / number
        return Correlation(joint / mean**2, (joint - mean**2) / spread)
