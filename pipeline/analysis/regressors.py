"""The design matrix of the pair force regression, one snapshot at a time."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from pipeline.trajectory import Trajectory


def pairs(
    trajectory: Trajectory, t: int, lengths: np.ndarray, cutoff: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Present pairs closer than cutoff: i, j (P,), distance (P,), e_ij from j to i (P, D)."""
    here = np.flatnonzero(trajectory.present[t])
    r = trajectory.position[t, here]
    periodic = np.asarray(trajectory.box.periodic)
    # cKDTree wants wrapped positions on periodic axes; 0 marks an open one.
    wrapped = np.where(periodic, r % lengths, r)
    index = cKDTree(wrapped, boxsize=np.where(periodic, lengths, 0.0)).query_pairs(
        cutoff, output_type="ndarray"
    )
    i, j = here[index[:, 0]], here[index[:, 1]]
    difference = trajectory.position[t, i] - trajectory.position[t, j]
    difference -= np.where(periodic, lengths * np.round(difference / lengths), 0.0)
    distance = np.linalg.norm(difference, axis=1)
    return i, j, distance, difference / distance[:, None]


def regressors(
    trajectory: Trajectory, t: int, lengths: np.ndarray, grid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The design matrix (N, D, 3 K) of snapshot t, and the pairs counted at each knot (K,)."""
    i, j, distance, e = pairs(trajectory, t, lengths, grid[-1])
    v = trajectory.velocity[t, i] - trajectory.velocity[t, j]
    place = np.clip((distance - grid[0]) / (grid[1] - grid[0]), 0.0, len(grid) - 1 - 1e-9)
    _, number, dimension = trajectory.position.shape
    x = np.zeros((number, dimension, 3, len(grid)))
    fill(x, i, j, e, v, place)
    count = np.bincount(place.astype(int), 1.0 - place % 1.0, len(grid))
    count += np.bincount(place.astype(int) + 1, place % 1.0, len(grid))
    return x.reshape(number, dimension, -1), count


@njit(cache=True)
def fill(x, i, j, e, v, place):
    """Adds the hat functions of every pair to x (N, D, 3, K), with opposite signs for i and j."""
    for p in range(i.size):
        knot = int(place[p])
        upper = place[p] - knot
        along = np.sum(v[p] * e[p])
        for d in range(e.shape[1]):
            parallel = along * e[p, d]
            terms = (e[p, d], -parallel, parallel - v[p, d])
            for column in range(3):
                x[i[p], d, column, knot] += (1.0 - upper) * terms[column]
                x[j[p], d, column, knot] -= (1.0 - upper) * terms[column]
                x[i[p], d, column, knot + 1] += upper * terms[column]
                x[j[p], d, column, knot + 1] -= upper * terms[column]
