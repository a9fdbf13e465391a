"""The pair tensor K_ij, through which every dissipative term acts: written once.

    K = lateral I + axial e e^T,   lateral = a^2/2,   axial = a^2/2 + (b^2 - a^2)/D

It is the covariance of one pair's noise [A dW-bar + B (I/D) tr dW] e per unit time (paper, lemma
A.1.4 contracted with e e^T). G(v) = K v is the friction force, q = v.K v its dissipation.

    symbol    variable      shape    meaning
    e_ij      e             (P, D)   unit vector
    a^2/2     K.lateral     (P,)     eigenvalue across e (D - 1 times)
              K.axial       (P,)     eigenvalue along e, less the one across
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.pairs import dot


class PairTensor(NamedTuple):
    """K_ij = lateral I + axial e e^T of P pairs; linear in (a^2, b^2)."""

    lateral: Tensor  # (P,)
    axial: Tensor  # (P,)


def pair_tensor(a2: Tensor, b2: Tensor, dimension: int) -> PairTensor:
    """K[a^2, b^2]; the same expression takes derivatives or weighted sums of (a^2, b^2)."""
    lateral = 0.5 * a2
    return PairTensor(lateral, lateral + (b2 - a2) / dimension)


def apply(K: PairTensor, e: Tensor, v: Tensor) -> Tensor:
    """G(v) = K v (P, D)."""
    return K.lateral[:, None] * v + (K.axial * dot(e, v))[:, None] * e


def quadratic(K: PairTensor, e: Tensor, v: Tensor) -> Tensor:
    """q(v) = v.K v (P,)."""
    return K.lateral * dot(v, v) + K.axial * dot(e, v).square()


def trace(K: PairTensor, dimension: int) -> Tensor:
    """tr K (P,) = (D + 1) a^2/2 + (b^2 - a^2)/D."""
    return dimension * K.lateral + K.axial


def root(K: PairTensor, e: Tensor, xi: Tensor) -> Tensor:
    """K^(1/2) xi (P, D): a vector with covariance K where xi (P, D) has the unit one.

    Has the law of the paper's D x D Wiener matrix applied to e, with D numbers instead of D^2.
    """
    across = K.lateral.sqrt()
    along = (K.lateral + K.axial).sqrt()
    return across[:, None] * xi + ((along - across) * dot(e, xi))[:, None] * e


def elements(K: PairTensor, e: Tensor) -> list[Tensor]:
    """The upper triangle of K, row by row: D (D + 1) / 2 tensors (P,)."""
    parts = e.unbind(1)
    rows = [(a, b) for a in range(len(parts)) for b in range(a, len(parts))]
    return [
        K.axial * parts[a] * parts[b] + K.lateral if a == b else K.axial * parts[a] * parts[b]
        for a, b in rows
    ]


def symmetric(elements: Tensor, dimension: int) -> Tensor:
    """Matrices (N, D, D) from their upper triangles (N, D (D + 1) / 2)."""
    order = {2: (0, 1, 1, 2), 3: (0, 1, 2, 1, 3, 4, 2, 4, 5)}[dimension]
    columns = elements.unbind(1)
    return torch.stack([columns[k] for k in order], 1).unflatten(1, (dimension, dimension))


def outer(K: PairTensor, e: Tensor) -> Tensor:
    """K as matrices (P, D, D)."""
    return symmetric(torch.stack(elements(K, e), 1), e.shape[1])
