"""The pair tensor against its definition by D x D Wiener matrices."""

from __future__ import annotations

import pytest
import torch

from pipeline.metriplectic.pair_tensor import apply, outer, pair_tensor, quadratic, root, trace


@pytest.mark.parametrize("D", [2, 3])
def test_pair_tensor_is_the_covariance_of_the_ansatz(D: int) -> None:
    torch.manual_seed(0)
    a2, b2 = torch.rand(2, 5).double()
    e = torch.nn.functional.normalize(torch.randn(5, D).double(), dim=1)
    unit = torch.eye(D).double()
    expected = torch.zeros(5, D, D).double()
    for alpha in range(D):
        for beta in range(D):
            dW = unit[alpha][:, None] * unit[beta]
            isotropic = unit * dW.trace() / D
            traceless = 0.5 * (dW + dW.T) - isotropic
            force = torch.einsum("p,ab,pb->pa", a2.sqrt(), traceless, e)
            force = force + torch.einsum("p,ab,pb->pa", b2.sqrt(), isotropic, e)
            expected += force[:, :, None] * force[:, None, :]
    K = pair_tensor(a2, b2, D)
    matrix = outer(K, e)
    assert torch.allclose(matrix, expected, rtol=0.0, atol=1e-14)
    v = torch.randn(5, D).double()
    assert torch.allclose(apply(K, e, v), (matrix @ v[:, :, None])[:, :, 0])
    assert torch.allclose(quadratic(K, e, v), (v * apply(K, e, v)).sum(1))
    assert torch.allclose(trace(K, D), matrix.diagonal(dim1=1, dim2=2).sum(1))
    half = torch.stack([root(K, e, x.expand(5, D)) for x in unit], 2)
    assert torch.allclose(half @ half.transpose(1, 2), matrix, rtol=0.0, atol=1e-14)
