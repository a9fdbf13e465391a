"""Noise of the pairs and its marginal covariance (paper, eq. 7 and C.1)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.metriplectic.pair_tensor import PairTensor, apply, elements, root, symmetric
from pipeline.pairs import Pairs, Rates, dot, sum_mixed
from pipeline.philox import pair_normals


class Increments(NamedTuple):
    """Wiener increments of P pairs over a step dt: independent N(0, dt), one set per pair."""

    xi: Tensor  # (P, D) stands for the D x D matrix dW_ij acting on e_ij
    heat: Tensor  # (P,) dV_ij = -dV_ji


class Constants(NamedTuple):
    """What turns sums over pairs into rates of velocity and entropy."""

    k_B: Tensor
    m: Tensor
    T: Tensor  # (N,) temperatures


class Covariance(NamedTuple):
    """Covariance of (dv_i, dS_i) of each particle per unit time, from all its pairs."""

    vv: Tensor  # (N, D, D)
    vS: Tensor  # (N, D)
    SS: Tensor  # (N,)


def draw(pairs: Pairs, dt: float, generator: torch.Generator | None = None) -> Increments:
    """Increments N(0, dt) for every pair, from the given generator only."""
    shape = (len(pairs.r), pairs.e.shape[1] + 1)
    options: dict[str, Any] = {
        "dtype": pairs.r.dtype,
        "device": pairs.r.device,
        "generator": generator,
    }
    normal = torch.randn(shape, **options) * dt**0.5
    return Increments(normal[:, :-1], normal[:, -1])


def counted(pairs: Pairs, tags: np.ndarray, dt: float, seed: int, step: int) -> Increments:
    """Increments N(0, dt) that depend on nothing but seed, step and the tags (n,) of a pair.

    The LAMMPS plugin draws the same ones, however its pairs are ordered or distributed.
    """
    i, j = pairs.i.numpy(), pairs.j.numpy()
    normal = torch.from_numpy(pair_normals(seed, step, tags[i], tags[j]) * dt**0.5)
    return Increments(normal[: pairs.e.shape[1]].T, normal[3])


def fluctuation(
    pairs: Pairs,
    v_ij: Tensor,
    K: PairTensor,
    c2: Tensor,
    increments: Increments,
    constants: Constants,
) -> Rates:
    """dv_i, dS_i of the noise for given increments; one draw per pair, opposite signs.

        m dv_i   = sum_j f_ij,   f_ij = sqrt(2 k_B) K^(1/2) xi = -f_ji
        T_i dS_i = -1/2 sum_j f_ij.v_ij + sqrt(2 k_B) sum_j c dV_ij

    Momentum and kinetic + thermal energy balance pair by pair.

    Args:
        pairs: geometry.
        v_ij: (P, D) relative velocities.
        K: pair tensor of (a^2, b^2).
        c2: (P,) squared heat amplitude.
        increments: Wiener increments of the step.
        constants: k_B, m and the temperatures T (N,).
    """
    k_B, m, T = constants
    strength = (2.0 * k_B) ** 0.5
    f = strength * root(K, pairs.e, increments.xi)
    heat = strength * c2.sqrt() * increments.heat
    work = -0.5 * dot(f, v_ij)
    sums = sum_mixed(pairs, (*f.unbind(1), heat), (work,))
    D = f.shape[1]
    return Rates(sums[:, :D] / m, (sums[:, D] + sums[:, D + 1]) / T)


def marginal_covariance(
    pairs: Pairs,
    v_ij: Tensor,
    K: PairTensor,
    thermal: Tensor,
    constants: Constants,
) -> Covariance:
    """Sigma_ii per unit time (paper, C.1): what one particle's noise is, neighbours forgotten.

        Sigma_vv = 2 k_B/m^2  sum_j K_ij
        Sigma_vS = -k_B/(m T) sum_j G(v_ij)
        Sigma_SS = 2 k_B/T^2  sum_j (q/4 + c^2)

    Args:
        pairs: geometry.
        v_ij: (P, D) relative velocities.
        K: pair tensor of (a^2, b^2).
        thermal: (N,) sum_j (q/4 + c^2).
        constants: k_B, m and the temperatures T (N,).
    """
    k_B, m, T = constants
    D = v_ij.shape[1]
    odd, even = apply(K, pairs.e, v_ij).unbind(1), elements(K, pairs.e)
    sums = sum_mixed(pairs, odd, even)
    return Covariance(
        (2.0 * k_B / (m * m)) * symmetric(sums[:, D:], D),
        (-k_B / m) * sums[:, :D] / T[:, None],
        2.0 * k_B * thermal / T.square(),
    )
