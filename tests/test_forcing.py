"""The body force: its shape, its units, what it does to a particle."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.forcing import TaylorGreen, external
from pipeline.units import ReducedUnits

WAVE = (2 * math.pi, 2 * math.pi, -4 * math.pi)
ATTRIBUTES = {"force": {"kind": "taylor_green", "amplitude": 3.0, "wave": list(WAVE)}}


def jacobian(force: TaylorGreen, r: torch.Tensor) -> torch.Tensor:
    return torch.autograd.functional.jacobian(lambda x: force(x[None])[0], r)


def test_the_vortices_are_solenoidal_and_stir() -> None:
    r = torch.tensor([0.13, 0.31, 0.07], dtype=torch.float64)
    gradient = jacobian(TaylorGreen(3.0, WAVE), r)
    assert abs(float(gradient.trace())) < 1e-12
    assert float((gradient - gradient.T).abs().max()) > 1.0
    still = jacobian(TaylorGreen(3.0, (2 * math.pi,) * 3), r)
    assert torch.allclose(still, still.T)  # a potential


def test_reduced_units_scale_the_force() -> None:
    r = torch.rand((5, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    units = ReducedUnits(0.25, 0.5)
    reduced, plain = external(ATTRIBUTES, units), external(ATTRIBUTES, ReducedUnits(1.0, 1.0))
    assert reduced is not None
    assert plain is not None
    assert torch.allclose(reduced(r / 0.25), plain(r) * 0.5**2 / 0.25)
    assert external({}, units) is None


def test_an_unknown_force_is_refused() -> None:
    with pytest.raises(ValueError, match="no external force 'gravity'"):
        external({"force": {"kind": "gravity"}}, ReducedUnits(1.0, 1.0))
