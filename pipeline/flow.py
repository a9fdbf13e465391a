"""Mean flow and what is left of velocities without it: the kinetic temperature."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from pipeline.trajectory import Trajectory

MOST = 200  # snapshots looked at, evenly spread


def monomials(r: np.ndarray, degree: int) -> np.ndarray:
    """(n, k) all products of coordinates of r (n, D) up to the total degree, centred and scaled."""
    x = (r - r.mean(axis=0)) / np.maximum(np.ptp(r, axis=0), 1e-12)
    columns = [np.ones(len(x))]
    for power in range(1, degree + 1):
        for axes in combinations_with_replacement(range(x.shape[1]), power):
            columns.append(np.prod(x[:, axes], axis=1))
    return np.stack(columns, axis=1)


def mean_flow(r: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, int]:
    """Polynomial flow (n, D) fitted to one snapshot, and the number of coefficients spent.

    Cubic where there are at least ten particles per coefficient, of lower degree where not. A
    field fitted over the whole view is used rather than an average over neighbours, since the
    velocities of neighbours in a dense system are themselves correlated by sound.
    """
    for degree in (3, 2, 1, 0):
        basis = monomials(r, degree)
        if len(r) >= 10 * basis.shape[1] or degree == 0:
            break
    coefficients, *_ = np.linalg.lstsq(basis, v, rcond=None)
    return basis @ coefficients, basis.shape[1]


def fluctuation(r: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Sums of squares (v - flow)^2, as if no coefficient had been fitted, and (flow - mean)^2."""
    field, spent = mean_flow(r, v)
    freedom = max(len(r) - spent, 1) / max(len(r), 1)
    flow = float(((field - field.mean(axis=0)) ** 2).sum())
    return float(((v - field) ** 2).sum()) / freedom, flow


def temperature(trajectory: Trajectory) -> float:
    """Kinetic temperature: variance of v per component, flow and localisation error taken off.

    Returns:
        T [length^2 / time^2] of the free particles, mass 1; 0 where error is all there is, and
        where there are none.
    """
    times = np.linspace(0, len(trajectory.time) - 1, min(len(trajectory.time), MOST))
    total, count = 0.0, 0
    for t in np.unique(times.astype(int)):
        free = trajectory.free[t]
        if free.any():
            total += fluctuation(trajectory.position[t, free], trajectory.velocity[t, free])[0]
            count += trajectory.dimension * int(free.sum())
    sigma = float(trajectory.attributes["localisation_error"])
    known = trajectory.attributes["velocity"] == "measured"
    error = 0.0 if known else 2 * (sigma / trajectory.dt) ** 2
    return max(total / max(count, 1) - error, 0.0)
