"""Entropies from a network: nothing for a particle without neighbours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipeline.closures import splines, teacher
from pipeline.closures.splines import Scales
from pipeline.pairs import find
from pipeline.space import free


def radial(r: Tensor, scales: Scales) -> splines.Radial:
    return splines.radial(r, scales.cutoff, scales.intervals)


@pytest.mark.parametrize("kind", teacher.KINDS)
def test_teacher_gives_a_lonely_particle_zero(kind: str) -> None:
    scales = Scales(2, 1.0, intervals=8)
    closure = teacher.KINDS[kind](scales)
    for parameter in closure.parameters():
        parameter.data.normal_()
    pairs = find(torch.tensor([[0.0, 0.0], [0.5, 0.0], [9.0, 9.0]]), free(2), 1.0)
    v = torch.randn(3, 2)
    S = closure(pairs, radial(pairs.r, scales), pairs.difference(v))
    assert S.shape == (3,)
    assert S[2] == 0.0
