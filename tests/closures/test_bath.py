"""Contact with a bath: derivatives as autograd has them."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import bath
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, leaves, shaken


@pytest.mark.parametrize("kind", bath.KINDS)
def test_contact_with_a_bath(kind: str, scales: Scales) -> None:
    """g^2 > 0, gamma at most 2 per step, and the slope of c^2."""
    closure = shaken(bath.KINDS[kind](scales))
    torch.manual_seed(5)
    V, T = leaves(0.1 + torch.rand(50), 0.3 + 2.0 * torch.rand(50))
    found = closure(V, T)
    assert (found.g2 > 0.0).all()
    assert (found.g2 <= 2.0 * closure.temperature()).all()
    assert torch.allclose(derivative(found.c2 + 0.0 * T, T), found.c2_in_T, rtol=1e-12, atol=0.0)
