"""Neighbourhood closures: their slopes as autograd has them, and where they start."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import neighbourhood, splines
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, distances, leaves, shaken


@pytest.mark.parametrize("kind", neighbourhood.KINDS)
def test_slopes_of_messages_and_weights(kind: str, scales: Scales) -> None:
    closure = shaken(neighbourhood.KINDS[kind](scales))
    (r,) = leaves(distances())
    found = closure(splines.radial(r, scales.cutoff, scales.intervals))
    for u, dudr in zip(found.u.T, found.dudr.T, strict=True):
        assert torch.allclose(derivative(u, r), dudr, rtol=1e-10, atol=1e-12)
    (rho,) = leaves(3.0 * torch.rand(50, found.u.shape[1]))
    weight = closure.weight(rho)
    assert torch.allclose(derivative(weight.a.log(), rho), weight.slope, rtol=1e-9, atol=1e-12)
    assert weight.slope.abs().max() > 1e-3


@pytest.mark.parametrize("kind", neighbourhood.KINDS)
def test_a_model_starts_as_one_without(kind: str, scales: Scales) -> None:
    closure = neighbourhood.KINDS[kind](scales)
    weight = closure.weight(torch.rand(20, closure.coefficients.shape[0]))
    assert torch.equal(weight.a, torch.ones(20))
    assert not weight.slope.any()


def test_weights_are_bounded(scales: Scales) -> None:
    """However strange the neighbourhood."""
    closure = shaken(neighbourhood.MessagePassing(scales, limit=0.5))
    strange = 1e6 * torch.rand((20, 3), dtype=torch.float64)
    assert closure.weight(strange).a.log().abs().max() <= 0.5
