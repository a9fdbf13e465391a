"""Pair force and friction by binned regression: what a record of positions and velocities says.

A law measured from snapshots a finite interval apart is not the bare law, even without noise.
Learned curves are therefore compared with the truth measured here, in the same discrete way:

    v_i(t+1) - v_i(t) = sum_j [ f(r_ij) e_ij - g(r_ij) (e_ij . v_ij) e_ij
                                             - q(r_ij) (v_ij - (e_ij . v_ij) e_ij) ] + noise

with f, g and q piecewise linear in r and fitted by least squares, or by instrumental variables
(Bowden and Turkington, Instrumental Variables, 1984) where noise in the positions would bias the
regressors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.analysis.regressors import pairs, regressors
from pipeline.trajectory import Trajectory


def binned_pair_force(
    trajectory: Trajectory,
    a: float,
    cutoff: float = 1.72,
    knots: int | np.ndarray = 12,
    instruments: int = 0,
    frames: int = 400,
) -> dict[str, Any]:
    """Fits pair force and friction to the changes of velocity of the free particles.

    Args:
        trajectory: its velocities are taken as they are; driven particles count as neighbours.
        a: mean neighbour distance in the trajectory's length unit.
        cutoff: reach of force and friction in a.
        knots: of each piecewise linear curve, evenly spaced up to the cutoff: their number, or
            their places in a.
        instruments: 0 for least squares; k > 0 takes the regressors of k snapshots earlier as
            instruments. Two make them independent of localisation errors in the equation for
            backward-difference velocities, since that one reaches from t - 1 to t + 1.
        frames: at most so many snapshots are used, evenly spaced.

    Returns:
        r (K,) in a; force (K,) in a/dt^2 along e_ij (positive: repulsive), friction_along (g)
        and friction_across (q) (K,) in 1/dt, mass 1; count (K,) pairs seen at each knot.

    Raises:
        ValueError: if fewer than two successive snapshots carry the instruments.
    """
    scale = trajectory._replace(
        position=trajectory.position / a, velocity=trajectory.velocity * trajectory.dt / a
    )
    rows = usable(trajectory, instruments)
    if len(rows) < 2:
        raise ValueError(
            f"Only {len(rows)} snapshots have a successor and {instruments} predecessors, at "
            f"least 2 are needed: use a longer record."
        )
    rows = rows[np.linspace(0, len(rows) - 1, min(frames, len(rows))).astype(int)]
    lengths = trajectory.box.lengths / a
    grid = np.asarray(
        knots
        if isinstance(knots, np.ndarray)
        else np.linspace(nearest(scale, rows, lengths, cutoff), cutoff, knots)
    )
    normal, right, count = equations(scale, rows, lengths, grid, instruments)
    fit = np.linalg.lstsq(normal, right, rcond=1e-10)[0].reshape(3, -1)
    return {
        "r": grid,
        "force": fit[0],
        "friction_along": fit[1],
        "friction_across": fit[2],
        "count": count,
    }


def equations(
    trajectory: Trajectory,
    rows: np.ndarray,
    lengths: np.ndarray,
    grid: np.ndarray,
    instruments: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The normal equations Z^T X (3 K, 3 K) and Z^T y (3 K,) summed over rows; pairs per knot."""
    size = 3 * len(grid)
    normal, right, count = np.zeros((size, size)), np.zeros(size), np.zeros(len(grid))
    present, velocity = trajectory.present, trajectory.velocity
    for t in rows:
        x, seen = regressors(trajectory, t, lengths, grid)
        keep = present[t] & ~trajectory.driven[t] & present[t + 1]
        z = x
        if instruments:
            z, _ = regressors(trajectory, t - instruments, lengths, grid)
            keep &= present[t - instruments]
        z = z[keep].reshape(-1, size)
        normal += z.T @ x[keep].reshape(-1, size)
        right += z.T @ (velocity[t + 1, keep] - velocity[t, keep]).reshape(-1)
        count += seen
    return normal, right, count


def usable(trajectory: Trajectory, instruments: int) -> np.ndarray:
    """Rows t whose successor and ``instruments`` predecessors follow each other in one run."""
    follows = trajectory.successive()
    rows = np.flatnonzero(follows)
    for k in range(1, instruments + 1):
        rows = rows[rows - k >= 0]
        rows = rows[follows[rows - k]]
    return rows


def nearest(trajectory: Trajectory, rows: np.ndarray, lengths: np.ndarray, cutoff: float) -> float:
    """The distance below which lie one in a thousand of the pairs, where the first knot stands."""
    distances = [pairs(trajectory, t, lengths, cutoff)[2] for t in rows[:: max(1, len(rows) // 20)]]
    return float(np.quantile(np.concatenate(distances), 1e-3))
