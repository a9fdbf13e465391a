"""Kernels: normalised at the start, their slopes as autograd has them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline.closures import (
    splines,
    volume,
)
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, distances, leaves, shaken


def radial(r: Tensor, scales: Scales) -> splines.Radial:
    return splines.radial(r, scales.cutoff, scales.intervals)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("kind", ["splines", "lucy"])
def test_kernels_start_normalised(kind: str, dimension: int) -> None:
    scales = Scales(dimension, 1.7, intervals=10)
    r = torch.linspace(0.0, 1.7, 20001).double()
    kernel = volume.KINDS[kind](scales).double()(radial(r, scales))
    shell = 2 * math.pi * r if dimension == 2 else 4 * math.pi * r * r
    assert torch.trapezoid(kernel.w * shell, r).item() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("kind", volume.KINDS)
def test_kernel_slope(kind: str, scales: Scales) -> None:
    closure = shaken(volume.KINDS[kind](scales))
    (r,) = leaves(distances())
    kernel = closure(splines.radial(r, scales.cutoff, scales.intervals))
    assert torch.allclose(derivative(kernel.w, r), kernel.dwdr, rtol=1e-10, atol=1e-12)
    assert (kernel.w > 0.0).all()
    assert float(closure.self_weight()) > 0.0
