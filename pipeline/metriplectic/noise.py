"""Noise of the pairs and its marginal covariance (paper, eq. 7 and C.1), by counted numbers.

Random numbers are counted: the same (key, counter) gives the same numbers everywhere. Philox
4x32-10 of Salmon et al., Proc. SC11, article 16 (2011). Nothing is remembered between calls, so
that a pair's noise does not depend on which process computes it, nor on the order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.bath import Contact
from pipeline.metriplectic.pair_tensor import PairTensor, apply, elements, root, symmetric
from pipeline.pairs import Pairs, Rates, dot, sum_mixed

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Random words (4, P) for counters (4, P), all of them 32-bit numbers kept as uint64.

    Args:
        counter: (4, P) words, least significant first.
        key: two words.
    """
    x0, x1, x2, x3 = np.asarray(counter, dtype=np.uint64)
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * x0, MULTIPLIERS[1] * x2
        x0, x2 = (p1 >> HALF) ^ x1 ^ np.uint64(k0), (p0 >> HALF) ^ x3 ^ np.uint64(k1)
        x1, x3 = p1 & LOW, p0 & LOW
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack((x0, x1, x2, x3))


def normals(words: np.ndarray) -> np.ndarray:
    """Independent N(0, 1) numbers (4, P) from random words (4, P) (Box and Muller 1958).

    With u = (word + 1/2) / 2^32 the largest possible one is 6.8.
    """
    u = (words + 0.5) * 2.0**-32
    radius = np.sqrt(-2.0 * np.log(u[0::2]))
    angle = 2.0 * np.pi * u[1::2]
    pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), 1)
    return pairs.reshape(words.shape)


def pair_normals(seed: int, step: int, tag_i: np.ndarray, tag_j: np.ndarray) -> np.ndarray:
    """Normals (4, P), antisymmetric in i and j, of pairs of particles at a time step.

    Drawn for the ordered pair and reversed where tag_i > tag_j: whichever way round a pair is
    listed, and wherever its images are, both particles get the same noise with opposite signs.

    Args:
        seed: below 2^64.
        step: number of the time step, below 2^64.
        tag_i, tag_j: (P,) labels of the particles, different, below 2^32.
    """
    low, high = np.minimum(tag_i, tag_j), np.maximum(tag_i, tag_j)
    counter = np.empty((4, len(low)), dtype=np.uint64)
    counter[0], counter[1] = low, high
    counter[2], counter[3] = step & 0xFFFFFFFF, step >> 32
    drawn = normals(philox(counter, (seed & 0xFFFFFFFF, seed >> 32)))
    return np.where(np.asarray(tag_i) > np.asarray(tag_j), -drawn, drawn)


class Increments(NamedTuple):
    """Wiener increments over a step dt: independent N(0, dt), one set per pair.

    With a bath there is another set per particle.
    """

    xi: Tensor  # (P, D) stands for the D x D matrix dW_ij acting on e_ij
    heat: Tensor  # (P,) dV_ij = -dV_ji
    bath_xi: Tensor | None = None  # (N, D) dW_i
    bath_heat: Tensor | None = None  # (N,) dV_i


class Constants(NamedTuple):
    """What turns sums over pairs into rates of velocity and entropy."""

    k_B: Tensor
    m: Tensor
    T: Tensor  # (N,) temperatures


class Exchange(NamedTuple):
    """What the noise of the bath gives each particle."""

    impulse: Tensor  # (N, D) m dv_i
    heat: Tensor  # (N,) T_i dS_i


def bath_fluctuation(contact: Contact, increments: Increments, k_B: Tensor) -> Exchange:
    """Impulse sqrt(2 k_B) g dW_i and heat sqrt(2 k_B) c dV_i of the bath's noise.

    Raises:
        ValueError: if the increments hold none for the bath.
    """
    if increments.bath_xi is None or increments.bath_heat is None:
        raise ValueError("This model has a bath, and its noise needs increments drawn for it.")
    strength = (2.0 * k_B) ** 0.5
    impulse = strength * contact.g2.sqrt()[:, None] * increments.bath_xi
    return Exchange(impulse, strength * contact.c2.sqrt() * increments.bath_heat)


class Covariance(NamedTuple):
    """Covariance of (dv_i, dS_i) of each particle per unit time, from all its partners."""

    vv: Tensor  # (N, D, D)
    vS: Tensor  # (N, D)
    SS: Tensor  # (N,)


def counted(
    pairs: Pairs, tags: np.ndarray, dt: float, seed: int, step: int, bath: bool = False
) -> Increments:
    """Increments N(0, dt) that depend on nothing but seed, step and the tags (n,) of a pair.

    Those of the bath are a particle's with the tag 0, which no particle has. The LAMMPS plugin
    draws the same ones, however its pairs are ordered or distributed.
    """
    i, j, D = pairs.i.numpy(), pairs.j.numpy(), pairs.e.shape[1]
    normal = torch.from_numpy(pair_normals(seed, step, tags[i], tags[j]) * dt**0.5)
    if not bath:
        return Increments(normal[:D].T, normal[3])
    own = torch.from_numpy(pair_normals(seed, step, np.zeros_like(tags), tags) * dt**0.5)
    return Increments(normal[:D].T, normal[3], own[:D].T, own[3])


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
