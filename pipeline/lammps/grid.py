"""Interpolation by splines on uniform knots, as the potential file stores them.

A spline of degree p on n equal intervals is kept as its n + p B-spline coefficients; number k
belongs to the basis function that is centred (p - 1) / 2 knots left of knot k.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline


def basis(x: np.ndarray, intervals: int, degree: int, derivative: int = 0) -> np.ndarray:
    """Basis functions (len(x), intervals + degree) at x in [0, intervals], knots at integers."""
    knots = np.arange(-degree, intervals + degree + 1, dtype=np.float64)
    return BSpline(knots, np.eye(intervals + degree), degree)(x, nu=derivative)


def interpolate(values: np.ndarray, degree: int) -> np.ndarray:
    """Coefficients (n + p, ...) of the spline through values (n + 1, ...) at the knots.

    The p - 1 conditions that are missing continue the outermost polynomials over one knot more
    ("not a knot").
    """
    n = len(values) - 1
    extra = (degree - 1) // 2
    ends = np.zeros((2 * extra, n + degree))
    difference = np.diff(np.eye(degree + 2), n=degree + 1, axis=0)[0]
    for k in range(extra):
        ends[k, k : k + degree + 2] = difference
        ends[-1 - k, n + degree - k - degree - 2 : n + degree - k] = difference
    system = np.concatenate((basis(np.arange(n + 1.0), n, degree), ends))
    right = np.concatenate((values, np.zeros((2 * extra, *values.shape[1:]))))
    return np.linalg.solve(system, right.reshape(len(right), -1)).reshape(right.shape)
