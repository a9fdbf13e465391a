"""Steps of the stochastic particle dynamics, with the random numbers passed in."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.metriplectic.model import Dynamics, Metriplectic
from pipeline.metriplectic.noise import Increments
from pipeline.metriplectic.pair_tensor import pair_tensor, project, root
from pipeline.pairs import sum_even, sum_odd
from pipeline.state import Rates, State


def semi_implicit_euler(state: State, increment: Rates, dt: float) -> State:
    """v' = v + dv, r' = r + v' dt, S' = S + dS (paper, appendix C).

    Args:
        state: r (N, D), v (N, D), S (N,) at time t.
        increment: dv (N, D) and dS (N,) over the step: drift times dt plus fluctuation.
        dt: length of the step [time].
    """
    v = state.v + increment.dv
    return State(r=state.r + v * dt, v=v, S=state.S + increment.dS)


def euler(
    model: Metriplectic, dynamics: Dynamics, state: State, noise: Increments, dt: float
) -> State:
    """The paper's step: drift times dt plus fluctuation.

    Each step creates energy of the order of (dv)^2, which a rollout of many steps of one snapshot
    interval cannot afford; see `balanced`.
    """
    drift, fluctuation = dynamics.drift, model.fluctuation(dynamics, noise)
    dv, dS = drift.dv * dt + fluctuation.dv, drift.dS * dt + fluctuation.dS
    return semi_implicit_euler(state, Rates(dv, dS), dt)


def balanced(
    model: Metriplectic, dynamics: Dynamics, state: State, noise: Increments, dt: float
) -> State:
    """The same velocities and positions, with the heat that balances energy pair by pair.

    Friction and noise give pair ij the impulse p_ij = f_ij - G dt between two halves of the
    forces' kick (velocities live half a step before positions, as in leapfrog). It changes the
    kinetic energy by p_ij . (v_ij + v'_ij) / 2, and the two heats take up this, half each,
    beside the conduction q_ij:

        v'   = v + F dt / m + sum_j p_ij / m
        x_i  = [ sum_j q_ij - 1/2 sum_j p_ij . (v_ij + v'_ij) / 2 ] / T_i
        S_i' = S_i + x_i - x_i^2 / (2 C_i)

    The midpoint brings in Ito's terms of `pipeline.metriplectic.divergence` by itself, the square
    those of U(S); as dt -> 0 this is Euler's step. What remains is the bounded error of leapfrog
    and the cube of x; momentum is kept to round-off (compare Stoltz, J. Comput. Phys. 340, 451
    (2017), for dissipative particle dynamics with energy conservation).

    Args:
        model: gives k_B and m.
        dynamics: evaluation at ``state``.
        state: at the beginning of the step.
        noise: Wiener increments N(0, dt).
        dt: length of the step.
    """
    pairs, A, thermo = dynamics.pairs, dynamics.amplitudes, dynamics.thermo
    D = state.v.shape[1]
    strength = (2.0 * model.k_B) ** 0.5
    f = strength * root(pair_tensor(A.a2, A.b2, D), pairs.e, noise.xi)
    p = f - dynamics.friction * dt
    q = dynamics.conduction * dt + strength * A.c2.sqrt() * noise.heat
    sums = sum_odd(pairs, torch.cat((f, q[:, None]), 1))
    v = state.v + dynamics.drift.dv * dt + sums[:, :D] / model.m
    middle = pairs.difference(0.5 * (state.v + v))
    dissipated = sum_even(pairs, -0.5 * project(p, middle))
    x = (sums[:, D] + dissipated) / thermo.T
    S = state.S + _entropy(x, thermo.dTdS / thermo.T)
    return State(state.r + v * dt, v, S)


def _entropy(x: Tensor, inverse_C: Tensor) -> Tensor:
    """Entropy gained by a body that takes up the heat x T: the second order of ln(1 + x/C) C."""
    return x - 0.5 * inverse_C * x * x


STEPS = {"balanced": balanced, "euler": euler}
