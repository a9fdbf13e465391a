"""Contact with a bath: derivatives as autograd has them."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import bath
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, leaves, shaken


@pytest.mark.parametrize("kind", bath.KINDS)
def test_contact_with_a_bath(kind: str, scales: Scales) -> None:
    """g^2 > 0, gamma between -2 and 2 per step, negative only if active, and the slope of c^2."""
    closure = shaken(bath.KINDS[kind](scales))
    torch.manual_seed(5)
    V, T = leaves(0.1 + torch.rand(50), 0.3 + 2.0 * torch.rand(50))
    found = closure(V, T)
    assert (found.g2 > 0.0).all()
    rate = found.g2 / closure.temperature()
    assert (rate.abs() <= 2.0 + 1e-12).all()
    assert closure.active or (rate > 0.0).all()
    assert torch.allclose(derivative(found.c2 + 0.0 * T, T), found.c2_in_T, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("rate", [-0.3, 1e-3, 0.8])
def test_an_active_bath_starts_with_what_was_measured(rate: float, scales: Scales) -> None:
    """Friction of either sign, and a noise that does not follow from it."""
    closure = bath.Active(scales).double()
    closure.start(rate, noise=0.2)
    V = torch.ones(3, dtype=torch.float64)
    found = closure(V, V)
    assert torch.allclose(found.g2, torch.full_like(V, 0.1), rtol=1e-6)
    assert float(found.g2[0] / closure.temperature()) == pytest.approx(rate, rel=1e-6)
