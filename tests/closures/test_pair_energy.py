"""Pair energies: their slopes as autograd has them."""

from __future__ import annotations

import pytest
import torch

from pipeline.closures import pair_energy, splines
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, distances, leaves, shaken


@pytest.mark.parametrize("kind", pair_energy.KINDS)
def test_slope_of_a_pair_energy(kind: str, scales: Scales) -> None:
    closure = shaken(pair_energy.KINDS[kind](scales))
    (r,) = leaves(distances())
    found = closure(splines.radial(r, scales.cutoff, scales.intervals))
    assert torch.allclose(derivative(found.psi, r), found.dpsidr, rtol=1e-10, atol=1e-12)
