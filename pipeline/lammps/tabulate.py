"""Functions tabulated as splines on uniform knots, as finely as a wanted accuracy takes.

A spline of degree p on n equal intervals is kept, here and in the potential file, as its n + p
B-spline coefficients; number k belongs to the basis function that is centred (p - 1) / 2 knots left
of knot k.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.interpolate import BSpline

from pipeline.errors import InputError


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


TOLERANCE = 1e-7  # of the largest value, between the knots; of slopes ten times as much
EXACT = 1e-11  # of closed forms that are to be followed for hundreds of steps
FINEST = (1280, 256)


class Domain(NamedTuple):
    """Where closures are tabulated; beyond it the plugin evaluates networks themselves."""

    h: float  # cutoff, tables start at distance zero
    S: tuple[float, float]  # entropy [k_B]
    V: tuple[float, float]  # volume [a^D]
    T: tuple[float, float]  # temperature


class Axis(NamedTuple):
    """Equal intervals of one variable."""

    low: float
    high: float
    intervals: int

    def points(self, x: np.ndarray) -> np.ndarray:
        """Values of the variable at ``x`` in units of intervals."""
        return self.low + (self.high - self.low) * x / self.intervals


def line(
    f: Callable[[np.ndarray], np.ndarray],
    high: float,
    tolerance: float = TOLERANCE,
    intervals: int = 20,
) -> np.ndarray:
    """Coefficients (n + 3,) of a cubic spline of f on [0, high].

    Args:
        f: of an array of points.
        high: end of the interval.
        tolerance: of the largest value, between the knots.
        intervals: to start from; doubled until the tolerance is met.

    Raises:
        InputError: if even the finest table misses it.
    """
    while intervals <= FINEST[0]:
        axis = Axis(0.0, high, intervals)
        coefficients = interpolate(f(axis.points(np.arange(intervals + 1.0))), 3)
        x = _between(intervals)
        if _misses(basis(x, intervals, 3) @ coefficients, f(axis.points(x))) < tolerance:
            return coefficients
        intervals *= 2
    raise _too_rough(high, tolerance)


def sheet(
    f: Callable[[np.ndarray, np.ndarray], np.ndarray],
    axes: tuple[Axis, Axis],
    degree: int,
    derivatives: tuple[tuple[int, int], ...],
) -> tuple[np.ndarray, tuple[Axis, Axis]]:
    """Coefficients (n_x + p, n_y + p, ...) of a tensor spline of f, and the axes it took.

    Args:
        f: of arrays x, y (P,), with values (P, ...).
        axes: to start from; the coarser one is refined until all derivatives converge.
        degree: p, 3 or 5.
        derivatives: orders in x and y that must be accurate, e.g. (0, 0) and (0, 1).

    Raises:
        InputError: if even the finest table misses the tolerance.
    """
    while axes[0].intervals <= FINEST[0] and axes[1].intervals <= FINEST[1]:
        coefficients = _fit(f, axes, degree)
        finer = [
            tuple(a._replace(intervals=a.intervals * (1 + (k == m))) for m, a in enumerate(axes))
            for k in (0, 1)
        ]
        errors = [
            _change(coefficients, _fit(f, other, degree), (axes, other), degree, derivatives)
            for other in finer
        ]
        if max(errors) < 1.0:
            return coefficients, axes
        worst = int(np.argmax(errors))
        axes = finer[worst][0], finer[worst][1]
    raise _too_rough(axes[0].high)


def _fit(f, axes, degree: int) -> np.ndarray:
    x, y = (axis.points(np.arange(axis.intervals + 1.0)) for axis in axes)
    grid = np.meshgrid(x, y, indexing="ij")
    values = f(*(g.ravel() for g in grid))
    values = values.reshape(*grid[0].shape, *values.shape[1:])
    first = interpolate(values, degree)
    return np.moveaxis(interpolate(np.moveaxis(first, 1, 0), degree), 0, 1)


def _change(coarse, fine, grids, degree, derivatives) -> float:
    """Largest change of the derivatives by refining, over what each is allowed."""
    worst = 0.0
    points = [_between(axis.intervals, 61) / axis.intervals for axis in grids[0]]
    for orders in derivatives:
        results = []
        for coefficients, axes in zip((coarse, fine), grids, strict=True):
            for axis, order, t in zip(axes, orders, points, strict=True):
                matrix = basis(t * axis.intervals, axis.intervals, degree, order)
                scale = (axis.intervals / (axis.high - axis.low)) ** order
                coefficients = np.moveaxis(np.tensordot(matrix, coefficients, (1, 0)) * scale, 0, 1)
            results.append(coefficients)
        allowed = TOLERANCE * 10.0 ** sum(orders)
        worst = max(worst, _misses(results[0], results[1]) / allowed)
    return worst


def _between(intervals: int, count: int = 997) -> np.ndarray:
    """Points off the knots, in units of intervals."""
    return (np.arange(count) + 0.5) * intervals / count


def _misses(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1e-300))


def _too_rough(high: float, tolerance: float = TOLERANCE) -> InputError:
    return InputError(
        f"A closure is too rough to be tabulated to {tolerance:g} on an axis that ends at "
        f"{high:g}: narrow the range of its table."
    )
