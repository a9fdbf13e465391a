"""Thermodynamic fields of the particles: volume, energy and its derivatives (paper, 5.1, 5.2)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.closures.bath import Contact
from pipeline.closures.energy import Energy
from pipeline.closures.friction import Amplitudes
from pipeline.closures.strain import Elasticity
from pipeline.closures.volume import Kernel
from pipeline.pairs import Pairs, Rates, sum_even, sum_odd


class Thermo(NamedTuple):
    """Thermodynamic state of N particles."""

    d: Tensor  # (N,) inverse volume [1/length^D]
    V: Tensor  # (N,) volume
    U: Tensor  # (N,) internal energy [m length^2 / time^2]
    T: Tensor  # (N,) temperature U_S
    P: Tensor  # (N,) pressure -U_V
    dTdS: Tensor  # (N,) U_SS


class Side(NamedTuple):
    """What a pair needs to know of one of its two particles, (P,) each."""

    T: Tensor
    V: Tensor
    pressure: Tensor  # P / d^2, the pressure per unit of kernel gradient
    theta: Tensor  # 1 / T
    kappa: Tensor  # 1 / (T C) = (dT/dS) / T^2 = -d theta / dS
    inverse_C: Tensor  # 1 / C = (dT/dS) / T


def inverse_volume(pairs: Pairs, kernel: Kernel, self_weight: Tensor | float) -> Tensor:
    """d_i = w(0) + sum_j w(r_ij) (N,) (paper, eq. 5).

    The self weight is added after the sums: `expand(n).index_add` is miscompiled by torch 2.13
    on CPU.
    """
    return sum_even(pairs, kernel.w) + self_weight


def thermodynamics(
    energy: Energy, d: Tensor, S: Tensor, elastic: Elasticity | None = None
) -> Thermo:
    """Fields at inverse volume d (N,) and entropy S (N,): dU = T dS - P dV [+ tau : d eps]."""
    V = 1.0 / d
    U, T, P, dTdS = energy(S, V)
    if elastic is not None:
        U, T, dTdS = U + elastic.U, T + elastic.T, dTdS + elastic.dTdS
    return Thermo(d, V, U, T, P, dTdS)


COOLED = 0.5  # of its temperature that heat taken from a particle may leave it at


def warmed(heat: Tensor, T: Tensor, dTdS: Tensor) -> Tensor:
    """Entropy (N,) that heat q (N,) brings at constant volume: C ln(1 + q / (C T)).

    Exact where C does not depend on S, and for any energy right to the second order in q, with a
    fifth of the third order left where C is learned. The series x - x^2 / (2 C) of x = q / T loses
    x^3 / (3 C^2) of T, and more often takes it than gives it: a kinetic energy and a half in 2 400
    steps where C is 15 k_B. Heat that would leave less than half of T goes on by the tangent there,
    so that no step is without a temperature.
    """
    x, inverse_C = heat / T, dTdS / T
    u = x * inverse_C
    ratio = torch.where(u == 0, torch.ones_like(u), u.clamp(min=-COOLED).log1p() / u)
    beyond = (u + COOLED).clamp(max=0.0) / (1 - COOLED)
    return x * (ratio + torch.where(u == 0, u, beyond / u))


def heat_of(dS: Tensor, T: Tensor, dTdS: Tensor) -> Tensor:
    """Heat (N,) that an entropy change takes, C T (exp(dS / C) - 1): the inverse of `warmed`."""
    u = dS * dTdS / T
    ratio = torch.where(u == 0, torch.ones_like(u), torch.expm1(u) / u)
    return T * dS * ratio


def sides(pairs: Pairs, thermo: Thermo) -> tuple[Side, Side]:
    """Particle fields gathered to the two ends of each pair."""
    columns = torch.stack((thermo.T, thermo.V, thermo.P * thermo.V.square(), thermo.dTdS), 1)
    return _side(columns.index_select(0, pairs.i)), _side(columns.index_select(0, pairs.j))


def _side(columns: Tensor) -> Side:
    T, V, pressure, dTdS = columns.unbind(1)
    theta = 1.0 / T
    inverse_C = dTdS * theta
    return Side(T, V, pressure, theta, inverse_C * theta, inverse_C)


class BathDrift(NamedTuple):
    """What the bath does to N particles per unit time, and the amplitudes of its noise."""

    contact: Contact  # squared amplitudes g^2, c^2
    T: Tensor  # temperature T_b, a scalar
    rate: Tensor  # (N,) gamma = g^2 / (m T_b)
    drag: Tensor  # (N, D) -gamma (v - u), part of dv/dt
    conduction: Tensor  # (N,) heat that each particle receives
    flow: Tensor | None  # (N, D) u, None where the medium rests


class Dynamics(NamedTuple):
    """Everything deterministic that one evaluation of the model yields."""

    pairs: Pairs
    v_ij: Tensor  # (P, D) relative velocities
    thermo: Thermo  # (N,) fields
    amplitudes: Amplitudes  # (P,) squared noise amplitudes
    thermal: Tensor  # (N,) sum_j (q_ij/4 + c_ij^2) [+ c_i^2 of the bath]
    drift: Rates  # dv/dt (N, D), dS/dt (N,)
    friction: Tensor  # (P, D) friction force of each pair, which i loses and j gains
    conduction: Tensor  # (P,) heat from j to i per unit time
    pressure: Tensor  # (P,) conservative force of j on i along e_ij
    bath: BathDrift | None = None  # its part of the drift; None without one
    external: Tensor | None = None  # (N, D) force -grad Phi; None without one


def reversible(dynamics: Dynamics) -> Tensor:
    """Forces of pairs and surroundings without friction (N, D), at unit mass."""
    force = dynamics.drift.dv + sum_odd(dynamics.pairs, dynamics.friction)
    return force if dynamics.bath is None else force - dynamics.bath.drag
