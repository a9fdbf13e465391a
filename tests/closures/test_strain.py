"""Elastic energy: objective, zero at rest, forces that are its gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pipeline import pairs as neighbours
from pipeline import space
from pipeline.closures import strain
from pipeline.closures.reference import Reference
from pipeline.closures.reference import reference as undeformed
from pipeline.closures.splines import Scales

H = 1.9


def block(dimension: int) -> tuple[Tensor, Reference]:
    """A jittered lattice with its bonds."""
    torch.manual_seed(0)
    axis = torch.arange(4 if dimension == 2 else 3).double()
    r0 = torch.cartesian_prod(*[axis] * dimension)
    r0 = r0 + 0.1 * torch.randn_like(r0)
    box = space.free(dimension)
    return r0, undeformed(neighbours.find(r0, box, H), H, box)


def elastic(kind: str, dimension: int) -> torch.nn.Module:
    torch.manual_seed(1)
    closure = strain.KINDS[kind](Scales(dimension, H, temperature=0.4)).double()
    for parameter in closure.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return closure.requires_grad_(False)


def rotation(dimension: int, degrees: float) -> Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    R = torch.eye(dimension).double()
    R[0, 0], R[0, 1], R[1, 0], R[1, 1] = c, -s, s, c
    return R


@pytest.fixture(params=[2, 3], ids=["2D", "3D"])
def dimension(request: pytest.FixtureRequest) -> int:
    return request.param


def test_deformation_gradient_of_an_affine_map_is_exact(dimension: int) -> None:
    r0, reference = block(dimension)
    A = torch.eye(dimension).double() + 0.2 * torch.randn(dimension, dimension).double()
    F = strain.deformation(reference, reference.displacement(r0 @ A.T))
    assert torch.allclose(F, A.expand_as(F), rtol=0.0, atol=1e-12)


def test_rigid_rotation_stores_nothing(dimension: int) -> None:
    r0, reference = block(dimension)
    S = torch.zeros(len(r0)).double()
    closure = elastic("green", dimension)
    turned = closure(reference, reference.displacement(r0 @ rotation(dimension, 30.0).T), S)
    assert turned.U.abs().max() < 1e-28
    assert turned.force.abs().max() < 1e-13
    sheared = r0 + 0.1 * r0.roll(1, 1)
    assert closure(reference, reference.displacement(sheared), S).U.min() > 1e-4


def test_the_papers_strain_is_not_objective(dimension: int) -> None:
    r0, reference = block(dimension)
    S = torch.zeros(len(r0)).double()
    closure = elastic("paper", dimension)
    rest = closure(reference, reference.displacement(r0), S)
    turned = closure(reference, reference.displacement(r0 @ rotation(dimension, 30.0).T), S)
    assert (turned.U - rest.U).abs().max() > 1e-3


@pytest.mark.parametrize("kind", strain.KINDS)
def test_forces_are_the_gradient_and_conserve_momentum(kind: str, dimension: int) -> None:
    r0, reference = block(dimension)
    closure = elastic(kind, dimension)
    torch.manual_seed(2)
    r = (r0 + 0.15 * torch.randn_like(r0)).requires_grad_()
    S = torch.randn(len(r0)).double().requires_grad_()
    result = closure(reference, reference.displacement(r), S)
    (gradient,) = torch.autograd.grad(result.U.sum(), r, retain_graph=True)
    assert torch.allclose(result.force, -gradient, rtol=1e-9, atol=1e-12)
    assert result.force.sum(0).abs().max() < 1e-12 * result.force.abs().sum()
    if kind == "paper":
        (T,) = torch.autograd.grad(result.U.sum(), S, create_graph=True)
        (dTdS,) = torch.autograd.grad(T.sum(), S)
        assert torch.allclose(result.T, T, rtol=1e-10, atol=1e-13)
        assert torch.allclose(result.dTdS, dTdS, rtol=1e-10, atol=1e-13)


def test_green_strain_conserves_angular_momentum(dimension: int) -> None:
    r0, reference = block(dimension)
    r = r0 + 0.15 * torch.randn_like(r0)
    S = torch.zeros(len(r0)).double()
    f = elastic("green", dimension)(reference, reference.displacement(r), S).force
    moment = torch.einsum("na,nb->ab", r, f)
    assert (moment - moment.T).abs().max() < 1e-12 * moment.abs().max()


def test_shear_volume_and_zigzag_are_stored_apart(dimension: int) -> None:
    r0, reference = block(dimension)
    S = torch.zeros(len(r0)).double()
    closure = elastic("green", dimension)

    def energy(r: Tensor, **off: float) -> Tensor:
        kept = {name: p.data.clone() for name, p in closure.named_parameters()}
        for name in off:
            getattr(closure, name).data.fill_(-80.0)
        U = closure(reference, reference.displacement(r), S).U
        closure.load_state_dict(kept, strict=False)
        return U.abs().max()

    grown, sheared = 1.2 * r0, r0.clone()
    sheared[:, 0] += 0.3 * r0[:, 1]
    zigzag = r0 + 0.1 * torch.randn_like(r0)
    assert energy(grown) > 1e-3
    assert energy(grown, log_b=0.0) < 1e-24  # no shear, and affine
    assert energy(sheared) > 1e-3
    assert energy(sheared, log_c=0.0) < 1e-24  # no volume, and affine
    assert energy(zigzag, log_c=0.0, log_b=0.0) > 1e-4
    assert energy(zigzag, log_c=0.0, log_b=0.0, log_s=0.0) < 1e-24


def test_the_cofactor_is_that_of_the_inverse(dimension: int) -> None:
    F = torch.randn(5, dimension, dimension).double()
    expected = torch.linalg.det(F)[:, None, None] * torch.linalg.inv(F).transpose(1, 2)
    assert torch.allclose(strain.cofactor(F), expected)


def test_copies_of_a_solid_side_by_side_are_independent(dimension: int) -> None:
    r0, reference = block(dimension)
    closure = elastic("green", dimension)
    both = torch.cat((1.1 * r0, r0 + 0.1 * torch.randn_like(r0)))
    S = torch.zeros(len(both)).double()
    pair = reference.repeated(2)
    together = closure(pair, pair.displacement(both), S)
    for k, r in enumerate(both.chunk(2)):
        alone = closure(reference, reference.displacement(r), S[: len(r)])
        assert torch.allclose(together.force.chunk(2)[k], alone.force, atol=1e-14)
        assert torch.allclose(together.U.chunk(2)[k], alone.U, atol=1e-14)


def test_a_particle_without_enough_bonds_stores_nothing() -> None:
    r0 = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [9.0, 9.0]]).double()
    box = space.free(2)
    reference = undeformed(neighbours.find(r0, box, H), H, box)
    S = torch.zeros(4).double()
    result = elastic("green", 2)(reference, reference.displacement(r0 + torch.randn(4, 2)), S)
    assert torch.equal(result.U, torch.zeros(4).double())
    assert torch.equal(result.force, torch.zeros(4, 2).double())


def test_a_sheared_box_has_no_reference() -> None:
    box = space.lees_edwards((9.0, 9.0), 0.1)
    r0 = 9.0 * torch.rand(20, 2)
    with pytest.raises(ValueError, match=r"shear rate 0\.1"):
        undeformed(neighbours.find(r0, box, H), H, box)


def test_forces_are_linear_in_the_moduli(dimension: int) -> None:
    r0, reference = block(dimension)
    torch.manual_seed(3)
    closure = strain.GreenStrain(Scales(dimension, H, temperature=0.4), terms=1).double()
    stiffness = torch.tensor([0.7, 1.9, 0.3]).double()
    closure.start(stiffness)
    r_ij = reference.displacement(r0 + 0.2 * torch.randn_like(r0))
    force = closure(reference, r_ij, torch.zeros(len(r0)).double()).force
    by_unit = strain.GreenStrain.responses(reference, r_ij) @ stiffness
    torch.testing.assert_close(force, by_unit, rtol=1e-12, atol=1e-12)
