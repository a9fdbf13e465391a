"""Bases of the splines: scipy's, their slopes, what is rough."""

from __future__ import annotations

import numpy as np
import torch
from scipy.interpolate import BSpline

from pipeline.closures import (
    splines,
)
from tests.closures.autograd import derivative, distances, leaves


def test_basis_is_scipys_folded_at_zero() -> None:
    h, n = 1.7, 8
    r = torch.linspace(1e-3, h - 1e-3, 50, dtype=torch.float64)
    knots = h / n * np.arange(-4, n + 5)
    expected = np.array(
        [
            BSpline.basis_element(knots[k : k + 5], extrapolate=False)(r.numpy())
            for k in range(n + 4)
        ]
    )
    expected = np.nan_to_num(expected)[1:]  # centred on knots -1 .. n + 1
    folded = expected[1:].copy()
    folded[1] += expected[0]
    assert np.allclose(splines.radial(r, h, n).basis.numpy(), folded, rtol=0.0, atol=1e-13)


def test_splines_of_constants_are_constant_and_flat_at_zero() -> None:
    basis = splines.radial(torch.tensor([0.0, 0.4, 1.7]).double(), 1.7, 8)
    one, coefficients = torch.ones(10).double(), torch.randn(10).double()
    assert torch.allclose(one @ basis.basis, torch.ones(3).double())
    assert abs((coefficients @ basis.slope)[0]) < 1e-14


def test_straight_lines_are_not_rough() -> None:
    assert splines.roughness(torch.full((3, 12), 2.0)) == 0.0
    bent = torch.zeros(12)
    bent[5] = 1.0
    assert splines.roughness(bent) == 6.0  # 1 + 4 + 1


def test_spline_basis_slopes() -> None:
    (r,) = leaves(distances())
    basis = splines.radial(r, 1.7, 9)
    for value, slope in zip(basis.basis, basis.slope, strict=True):
        assert torch.allclose(derivative(value, r), slope, rtol=0.0, atol=1e-12)


def test_taper_slope() -> None:
    (r,) = leaves(distances())
    value, slope = splines.taper(r, 1.7)
    assert torch.allclose(derivative(value, r), slope, rtol=1e-12, atol=1e-14)


def test_line_basis() -> None:
    """Slopes are those of the values, which sum to one, and go on straight beyond the ends."""
    (x,) = leaves(3.0 * torch.rand(200, dtype=torch.float64) - 0.5)
    at = splines.line(x, 0.0, 2.0, 7)
    for value, slope in zip(at.basis, at.slope, strict=True):
        assert torch.allclose(derivative(value, x), slope, rtol=0.0, atol=1e-12)
    assert torch.allclose(at.basis.sum(0), torch.ones_like(x), rtol=0.0, atol=1e-12)
    ends = splines.line(torch.tensor([2.0, 2.5]), 0.0, 2.0, 7)
    straight = ends.basis[:, 0] + 0.5 * ends.slope[:, 0]
    assert torch.allclose(ends.basis[:, 1], straight, rtol=0.0, atol=1e-6)
