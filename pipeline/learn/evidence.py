"""Closures fitted to the sums of a linear regression, as smooth as the evidence says.

The force of pair and external potentials is linear in splines fine enough, so their normal
equations hold all that the data say of it, whatever functions of fewer numbers x describe it:

    -ln p(data | x) = theta(x).A theta(x) / 2 - q.theta(x) + const

With a roughness penalty lambda_k x_k.B_k x_k / 2 on each closure, the negative logarithm of a
normal prior, x is found by Gauss and Newton, and lambda_k where the data are likeliest, x
integrated out: at the maximum of Laplace's approximation

    lambda_k = [rank B_k - lambda_k tr((H^-1)_kk B_k)] / x_k.B_k x_k,   H = J.A J + lambda B

(MacKay, Neural Comput. 4, 415 (1992); for splines Wood and Fasiolo, Biometrics 73, 1071 (2017)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

STEPS = 60
FIRST = 8  # steps before the smoothness is touched
SMOOTH = 100.0  # the smoothness to begin with: from rough curves on the way may end halfway
LARGEST = 1.0  # change of any number in a step
RIDGE = 0.01  # precision of the prior about the start, for what the data leave open
LEAST, MOST = 1e-4, 1e6  # smoothness


class Part(NamedTuple):
    """A closure in the fit."""

    start: Tensor  # (K,) its numbers to begin with
    bends: Tensor  # (K, K) its roughness is x.B x
    response: Callable[[Tensor], tuple[Tensor, Tensor]]  # x -> its theta (M,), dtheta/dx (M, K)


class Fit(NamedTuple):
    """A fit of K numbers in all."""

    values: list[Tensor]  # of every part
    smoothness: list[float]  # lambda of every part
    theta: Tensor  # (M,)
    slopes: Tensor  # (M, K) dtheta/dx
    prior: Tensor  # (K, K) curvature of the penalties


def fit(A: Tensor, q: Tensor, parts: Sequence[Part]) -> Fit:
    """Gauss-Newton steps, the smoothness chosen along the way.

    Args:
        A: (M, M) Fisher information of the coefficients theta of the linear regression.
        q: (M,) gradient of the likelihood at theta = 0.
        parts: whose thetas add.
    """
    start = torch.cat([part.start for part in parts])
    sizes = [len(part.start) for part in parts]
    ranks = [int(torch.linalg.matrix_rank(part.bends)) for part in parts]
    x, smoothness = start, [SMOOTH] * len(parts)

    def prior() -> Tensor:
        blocks = [s * part.bends for s, part in zip(smoothness, parts, strict=True)]
        return torch.block_diag(*blocks)

    def value(at: Tensor) -> float:
        theta = _response(parts, at, sizes)[0]
        far = at - start
        return float(theta @ (0.5 * A @ theta - q) + 0.5 * (at @ P @ at + RIDGE * far @ far))

    for step in range(STEPS):
        theta, J = _response(parts, x, sizes)
        P = prior()
        H = J.T @ A @ J + P + RIDGE * torch.eye(len(x), dtype=x.dtype)
        change = torch.linalg.solve(H, J.T @ (q - A @ theta) - P @ x - RIDGE * (x - start))
        change = change * min(1.0, LARGEST / float(change.abs().max().clamp(min=1e-12)))
        before = value(x)
        for _ in range(10):
            if value(x + change) <= before:
                x = x + change
                break
            change = 0.5 * change
        if step >= FIRST:
            smoothness = _smoother(torch.linalg.inv(H), x, parts, sizes, ranks, smoothness)
    theta, J = _response(parts, x, sizes)
    ridge = RIDGE * torch.eye(len(x), dtype=x.dtype)
    return Fit(list(x.split(sizes)), smoothness, theta, J, prior() + ridge)


def _response(parts: Sequence[Part], x: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
    found = [part.response(own) for part, own in zip(parts, x.split(sizes), strict=True)]
    return torch.stack([theta for theta, _ in found]).sum(0), torch.cat([J for _, J in found], 1)


def _smoother(
    covariance: Tensor,
    x: Tensor,
    parts: Sequence[Part],
    sizes: list[int],
    ranks: list[int],
    smoothness: list[float],
) -> list[float]:
    """The next lambda of every part."""
    found, first = [], 0
    for part, size, rank, old in zip(parts, sizes, ranks, smoothness, strict=True):
        own = slice(first, first + size)
        spent = rank - old * float((covariance[own, own] * part.bends).sum())
        rough = float(x[own] @ part.bends @ x[own])
        found.append(min(max(max(spent, 1e-3) / max(rough, 1e-9), LEAST), MOST))
        first += size
    return found
