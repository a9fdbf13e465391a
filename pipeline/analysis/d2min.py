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

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from pipeline.analysis.runs import Run, minimum_image, sides, wrapped
from pipeline.trajectory import Box

NORMALISATIONS = ("mean", "sum")


class Bonds(NamedTuple):
    """Neighbours in a reference configuration, each pair once."""

    i: np.ndarray  # (P,)
    j: np.ndarray  # (P,)
    r0: np.ndarray  # (P, D) from i to j, nearest image [length]


def bonds(position: np.ndarray, seen: np.ndarray, cutoff: float, box: Box) -> Bonds:
    """Pairs of seen particles closer than the cutoff.

    Args:
        position: (N, D) [length].
        seen: (N,) bool.
        cutoff: [length], below half of every periodic length.
        box: geometry.

    Raises:
        ValueError: if the cutoff exceeds half a periodic length.
    """
    lengths = np.asarray(box.lengths, float)
    shortest = np.min(np.where(box.periodic, lengths, np.inf))
    if cutoff > shortest / 2:
        raise ValueError(
            f"The D2min cutoff {cutoff:g} is more than half the periodic length {shortest:g}: "
            f"lower it."
        )
    who = np.flatnonzero(seen)
    place = wrapped(position[who], box)
    tree = cKDTree(place, boxsize=sides(box))
    pair = tree.query_pairs(cutoff, output_type="ndarray")
    r0 = minimum_image(place[pair[:, 1]] - place[pair[:, 0]], box)
    return Bonds(who[pair[:, 0]], who[pair[:, 1]], r0)


def d2min(
    near: Bonds, displacement: np.ndarray, seen: np.ndarray, normalisation: str = "mean"
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
    fields, count, dimension = displacement.shape
    square = dimension**2
    both = (seen[:, near.i] & seen[:, near.j])[..., None]
    change = np.where(both, displacement[:, near.j] - displacement[:, near.i], 0.0)
    r0 = np.where(both, near.r0, 0.0)
    terms = [
        both.astype(float),
        (change**2).sum(axis=2, keepdims=True),
        (change[..., :, None] * r0[..., None, :]).reshape(*change.shape[:2], square),
        (r0[..., :, None] * r0[..., None, :]).reshape(*change.shape[:2], square),
    ]
    # Every term is even in the pair, so each bond adds the same to both of its ends.
    ends = _incidence(near, count)
    per_bond = np.concatenate(terms, axis=2).transpose(1, 0, 2)
    total = ends @ per_bond.reshape(len(near.i), fields * (2 + 2 * square))
    total = total.reshape(count, fields, 2 + 2 * square).transpose(1, 0, 2)
    number, energy = total[..., 0], total[..., 1]
    cross = total[..., 2 : 2 + square].reshape(fields, count, dimension, dimension)
    shape = total[..., 2 + square :].reshape(fields, count, dimension, dimension)
    valid = seen & (number > dimension) & _spans(shape)
    residual = np.full((fields, count), np.nan)
    solved = np.linalg.solve(shape[valid], cross[valid].transpose(0, 2, 1))
    affine = np.einsum("nab,nba->n", cross[valid], solved)
    residual[valid] = np.maximum(energy[valid] - affine, 0.0)
    return residual / np.where(valid, number, np.nan) if normalisation == "mean" else residual


def _incidence(near: Bonds, count: int) -> sparse.csr_array:
    rows = np.concatenate([near.i, near.j])
    columns = np.tile(np.arange(len(near.i)), 2)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), (count, len(near.i)))


def _spans(shape: np.ndarray) -> np.ndarray:
    """(...,) bool: neighbours span all directions, from (..., D, D) sums of r0 r0^T."""
    dimension = shape.shape[-1]
    size = np.trace(shape, axis1=-2, axis2=-1) / dimension
    return np.linalg.det(shape) > 1e-6 * np.maximum(size, 1e-300) ** dimension


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
    """
    later = origin + np.asarray(lag)
    near = bonds(part.position[origin], part.seen[origin], cutoff, part.box)
    displacement = part.position[later] - part.position[origin]
    value = d2min(near, displacement, part.seen[later] & part.seen[origin], normalisation)
    return np.where(part.free[later] & part.free[origin], value, np.nan)
