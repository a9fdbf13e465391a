"""Uniform cubic B-splines in the pair distance, and the cutoff factor of every pair closure."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Scales(NamedTuple):
    """What every closure is built with: dimension, range and the units that make numbers O(1)."""

    dimension: int  # D
    cutoff: float  # h, range of every pair interaction [length]
    temperature: float = 1.0  # T0 [m length^2 / time^2 / k_B]
    volume: float = 1.0  # V0, of the order of the volume per particle [length^D]
    intervals: int = 20  # spline intervals between 0 and h


class Radial(NamedTuple):
    """Pair distances with the spline basis at them: computed once, read by every closure.

    In training distances are data, so it could be kept with the graph; but it holds 2 K numbers a
    pair and takes a tenth of the time of the dynamics: cheap to compute again.
    """

    r: Tensor  # (P,) distance [length]
    basis: Tensor  # (K, P) B_k(r), K = intervals + 2
    slope: Tensor  # (K, P) dB_k/dr [1/length]


def radial(r: Tensor, h: float, intervals: int) -> Radial:
    """Cubic B-spline basis on ``intervals`` equal intervals of [0, h], even about r = 0.

    The coefficient left of zero mirrors the one right of it, so that every spline has zero slope
    at contact and no cusp (paper B.1 assumes grad W(0) = 0). Two of the K = intervals + 2 splines
    reach beyond h. The basis is dense, pairs last: one product (functions, K) @ (K, P) evaluates
    several splines, with contiguous rows; gathers and the other layout are 6 to 10 times slower.

    Args:
        r: (P,) distances; those beyond h are read as h.
        h: range [length].
        intervals: number of knot intervals.
    """
    x = (r * (intervals / h)).clamp(0.0, float(intervals))
    cell = x.detach().floor().clamp(max=intervals - 1)
    value, slope = _pieces(x - cell)
    row = cell.long() + torch.arange(-1, 3, device=r.device)[:, None]
    row = row.abs()  # the mirror
    size = (intervals + 2, r.shape[0])
    return Radial(
        r,
        r.new_zeros(size).scatter_add_(0, row, value / 6.0),
        r.new_zeros(size).scatter_add_(0, row, slope * (0.5 * intervals / h)),
    )


class Line(NamedTuple):
    """A coordinate with the spline basis of an interval at it."""

    basis: Tensor  # (K, N) B_k(x), K = intervals + 3
    slope: Tensor  # (K, N) dB_k/dx [1/length]


def line(x: Tensor, low: float, high: float, intervals: int) -> Line:
    """Cubic B-spline basis on ``intervals`` equal intervals of [low, high], straight on outside.

    Beyond the ends every spline continues as the tangent it has there, so that what was learned
    within a field of view goes on steadily outside of it.

    Args:
        x: (N,) coordinates.
        low, high: ends of the interval [length].
        intervals: number of knot intervals.
    """
    inside = x.clamp(low, high)
    width = (high - low) / intervals
    place = (inside - low) / width
    cell = place.detach().floor().clamp(0, intervals - 1)
    value, slope = _pieces(place - cell)
    row = cell.long() + torch.arange(4, device=x.device)[:, None]
    size = (intervals + 3, x.shape[0])
    slopes = x.new_zeros(size).scatter_(0, row, slope * (0.5 / width))
    basis = x.new_zeros(size).scatter_(0, row, value / 6.0)
    return Line(basis + slopes * (x - inside), slopes)


def _pieces(t: Tensor) -> tuple[Tensor, Tensor]:
    """The four cubics that meet in a knot interval, times 6, and their slopes, times 2 (4, N)."""
    u, t2 = 1.0 - t, t * t
    t3 = t2 * t
    value = torch.stack((u * u * u, 3.0 * t3 - 6.0 * t2 + 4.0, 3.0 * (t + t2 - t3) + 1.0, t3))
    slope = torch.stack((-u * u, 3.0 * t2 - 4.0 * t, 2.0 * t - 3.0 * t2 + 1.0, t2))
    return value, slope


def bends(count: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """(K, K) B such that c.B c sums the squared second differences of K coefficients."""
    second = torch.eye(count, dtype=dtype).diff(n=2, dim=0)
    return second.T @ second


def roughness(coefficients: Tensor) -> Tensor:
    """Sum of squared second differences of spline coefficients (..., K): the P-spline penalty.

    Zero for straight lines, so where there are no data a spline continues straight on
    (Eilers and Marx 1996).
    """
    mirrored = torch.cat((coefficients[..., 1:2], coefficients), -1)
    return mirrored.diff(n=2).square().sum()


def taper(r: Tensor, h: float) -> tuple[Tensor, Tensor]:
    """Cutoff factor (1 - x^2)^2, x = r/h, and its derivative in r: both vanish at h and beyond.

    The paper's (1 - x^2) leaves a force that jumps when a neighbour enters; this one does not.
    """
    x = r / h
    u = (1.0 - x * x).clamp(min=0.0)
    return u * u, u * x * (-4.0 / h)


def fit(r: Tensor, target: Tensor, h: float, intervals: int) -> Tensor:
    """Coefficients (K,) of the smooth spline through ``target`` at r; straight on outside."""
    basis = radial(r, h, intervals).basis.T
    normal = basis.T @ basis + 1e-2 * bends(basis.shape[1], r.dtype)
    return torch.linalg.solve(normal, basis.T @ target)
