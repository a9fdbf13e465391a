"""Friction amplitudes: Newton's fluid, their derivatives as autograd has them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.closures import (
    friction,
    splines,
    volume,
)
from pipeline.closures.friction import RevengaFriction
from pipeline.closures.splines import Scales
from tests.closures.autograd import derivative, distances, leaves, shaken


def radial(r: Tensor, scales: Scales) -> splines.Radial:
    return splines.radial(r, scales.cutoff, scales.intervals)


def ball(dimension: int, h: float) -> tuple[Tensor, Tensor, Tensor]:
    """r (Q,), e (Q, D) and weights that integrate over a ball, exact for our polynomials."""
    x, w = (torch.from_numpy(y) for y in np.polynomial.legendre.leggauss(12))
    if dimension == 2:
        angle = torch.arange(8).double() * math.pi / 4
        e = torch.stack((angle.cos(), angle.sin()), 1)
    else:  # vertices of the icosahedron, a 5-design
        g = (1 + 5**0.5) / 2
        edge = torch.cartesian_prod(*torch.tensor([[-1.0, 1.0], [-g, g]], dtype=torch.float64))
        corner = torch.cat((torch.zeros(4, 1).double(), edge), 1)
        e = torch.cat([corner.roll(k, 1) for k in range(3)]) / (1 + g * g) ** 0.5
    r = 0.5 * h * (x + 1)
    shell = 0.5 * h * w * r ** (dimension - 1) * volume.sphere(dimension) / len(e)
    return r.repeat_interleave(len(e)), e.repeat(len(r), 1), shell.repeat_interleave(len(e))


@pytest.mark.parametrize(("dimension", "zeta"), [(2, 0.05), (3, 0.1), (3, 0.0)])
def test_revenga_friction_is_a_newtonian_fluid(dimension: int, zeta: float) -> None:
    """Sums over neighbours become eta lap v + (zeta + (1 - 2/D) eta) grad div v, kappa lap T.

    In quadratic fields v_a = H_abc r_b r_c / 2 and T = 1 + small K_bc r_b r_c / 2, density one.
    """
    eta, kappa, D = 0.1, 0.3, dimension
    scales = Scales(D, cutoff=1.3)
    closure = RevengaFriction(scales, eta=eta, zeta=zeta, kappa=kappa).double()
    r, e, weight = ball(D, scales.cutoff)
    one = torch.ones_like(r)
    A = closure(radial(r, scales), one, one, one).value
    torch.manual_seed(0)
    H, K = torch.randn(D, D, D).double(), torch.randn(D, D).double()
    H, K = H + H.transpose(1, 2), K + K.T
    r_j = r[:, None] * e
    v_ij = -0.5 * torch.einsum("abc,pb,pc->pa", H, r_j, r_j)
    lateral = A.a2 / 2
    along = (lateral + (A.b2 - A.a2) / D) * (e * v_ij).sum(1)
    force = -((lateral[:, None] * v_ij + along[:, None] * e) * weight[:, None]).sum(0)
    expected = eta * torch.einsum("abb->a", H)
    expected = expected + (zeta + (1 - 2 / D) * eta) * torch.einsum("bab->a", H)
    assert torch.allclose(force, expected, rtol=1e-10)
    T_j = 0.5 * torch.einsum("bc,pb,pc->p", K, r_j, r_j)  # 1/T_i - 1/T_j to first order
    assert torch.allclose((A.c2 * T_j * weight).sum(), kappa * K.trace(), rtol=1e-10)


def test_revenga_friction_refuses_too_much_bulk_viscosity() -> None:
    with pytest.raises(ValueError, match="zeta must not exceed"):
        RevengaFriction(Scales(3, 1.0), eta=0.1, zeta=0.2)


@pytest.mark.parametrize("kind", [kind for kind in friction.KINDS if kind != "none"])
def test_amplitudes(kind: str, scales: Scales) -> None:
    """Temperature derivatives, positivity, and symmetry in i and j."""
    closure = shaken(friction.KINDS[kind](scales))
    torch.manual_seed(3)
    r = distances()
    T_i, T_j = leaves(0.3 + 2.0 * torch.rand(200), 0.3 + 2.0 * torch.rand(200))
    VV = 0.1 + torch.rand(200, dtype=torch.float64)
    basis = splines.radial(r, scales.cutoff, scales.intervals)
    f, swapped = closure(basis, T_i, T_j, VV), closure(basis, T_j, T_i, VV)
    for k, value in enumerate(f.value):
        assert (value > 0.0).all()
        assert torch.allclose(derivative(value, T_i), f.in_T_i[k], rtol=1e-10, atol=1e-13)
        assert torch.allclose(derivative(value, T_j), f.in_T_j[k], rtol=1e-10, atol=1e-13)
        assert torch.allclose(value, swapped.value[k], rtol=1e-12, atol=0.0)
        assert torch.allclose(f.in_T_i[k], swapped.in_T_j[k], rtol=1e-12, atol=1e-14)
