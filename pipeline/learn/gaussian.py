"""The Gaussian score of velocities, localisation error in its inputs corrected for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


def cholesky(vv: Tensor) -> list[list[Tensor]]:
    """Lower Cholesky factor of (n, D, D), column by column: far faster than LAPACK for D <= 4."""
    size = vv.shape[-1]
    L: list[list[Tensor]] = [[vv[:, 0, 0]] * size for _ in range(size)]
    for k in range(size):
        pivot = vv[:, k, k]
        for q in range(k):
            pivot = pivot - L[k][q] ** 2
        L[k][k] = torch.sqrt(pivot)
        for row in range(k + 1, size):
            entry = vv[:, row, k]
            for q in range(k):
                entry = entry - L[row][q] * L[k][q]
            L[row][k] = entry / L[k][k]
    return L


def solve(L: list[list[Tensor]], x: Tensor) -> Tensor:
    """L^-1 x for vectors x (n, D)."""
    columns: list[Tensor] = []
    for k in range(x.shape[1]):
        value = x[:, k]
        for q in range(k):
            value = value - L[k][q] * columns[q]
        columns.append(value / L[k][k])
    return torch.stack(columns, dim=1)


class Velocity(NamedTuple):
    """Score of velocities, see `Scores`."""

    value: Tensor
    z: Tensor
    echo: Tensor | None
    L: list[list[Tensor]]


def velocity_scores(
    residual: Tensor, vv: Tensor, noisier: Tensor | None, excess: Tensor | float
) -> Velocity:
    """Gaussian score of velocity residuals (n, D) of covariance vv (n, D, D).

    Args:
        residual: v' - mu_v.
        vv: covariance of v'.
        noisier: (n, D) echo of a simulated localisation error, see `pipeline.learn.twin`, or None.
        excess: variance of that echo per component, contained in vv.
    """
    L = cholesky(vv)
    z = solve(L, residual)
    half_log = sum(torch.log(L[k][k]) for k in range(z.shape[1]))
    square, echo = z.square().sum(1), None
    if noisier is not None:
        # What the echo takes off on average, the trace puts back: the value stays that of a
        # likelihood, only its gradient loses the bias of noisy inputs.
        echo = solve(L, noisier)
        unit_vectors = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
        trace = sum(solve(L, e.expand_as(z)).square().sum(1) for e in unit_vectors)
        square = square - echo.square().sum(1) + excess * trace
    return Velocity(half_log + 0.5 * square, z, echo, L)
