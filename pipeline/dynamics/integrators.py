"""Steps of the stochastic particle dynamics, with the random numbers passed in.

The step of the paper (appendix C) is v' = v + dv, r' = r + v' dt, S' = S + dS with drift and noise
evaluated at the beginning. Velocities and positions are kept so; for the entropies there is the
choice between the paper's increment and one that balances energy, `heat`.

The friction of a bath alone is taken at the mean of the velocities before and after (compare
Gronbech-Jensen and Farago, Mol. Phys. 111, 983 (2013)), velocities half a step before positions:

    v' = alpha v + b (F dt + noise) / m,   alpha = (1 - gamma dt/2) b,   b = 1 / (1 + gamma dt/2)

It keeps <v^2> = T_b / m per component and diffuses with T_b / (m gamma) whatever gamma dt is. In a
harmonic trap <r^2> and <v^2> are those of leapfrog, T/k and T/m over 1 - (omega dt)^2 / 4. At
gamma dt = 2 the velocity is forgotten and the step is Brownian dynamics.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Exchange, Increments, bath_fluctuation
from pipeline.metriplectic.pair_tensor import pair_tensor, root
from pipeline.metriplectic.thermo import BathDrift, Dynamics, warmed
from pipeline.pairs import State, dot, sum_even, sum_odd


class Kick(NamedTuple):
    """What one step does to velocities, and the parts of it that turn into heat."""

    dv: Tensor  # (N, D) force, friction and noise of the step over m
    p: Tensor  # (P, D) impulse of friction and noise that i gains and j loses
    q: Tensor  # (P,) heat that i gains and j loses
    bath: Exchange | None = None  # impulse and heat (N, ...) from the bath; None without one


def kick(model: Metriplectic, dynamics: Dynamics, noise: Increments, dt: float) -> Kick:
    """Velocity increment of a step, and the dissipative impulse and conduction of every pair.

    Args:
        model: gives k_B and m.
        dynamics: evaluation at the beginning of the step.
        noise: Wiener increments N(0, dt), those of the bath too where there is one.
        dt: length of the step.
    """
    A, strength = dynamics.amplitudes, (2.0 * model.k_B) ** 0.5
    K = pair_tensor(A.a2, A.b2, dynamics.v_ij.shape[1])
    f = strength * root(K, dynamics.pairs.e, noise.xi)
    dv = dynamics.drift.dv * dt + sum_odd(dynamics.pairs, f) / model.m
    p, q = (
        f - dynamics.friction * dt,
        dynamics.conduction * dt + strength * A.c2.sqrt() * noise.heat,
    )
    if dynamics.bath is None:
        return Kick(dv, p, q)
    return _with_bath(model, dynamics.bath, noise, dt, Kick(dv, p, q))


def _with_bath(
    model: Metriplectic, bath: BathDrift, noise: Increments, dt: float, given: Kick
) -> Kick:
    """The kick with the noise of the bath, its friction at the mean velocity of the step.

    Where ``given.dv`` holds the friction of the velocity before, -gamma (v - u) dt, that of the
    mean one makes it b (given.dv + noise / m).
    """
    drawn = bath_fluctuation(bath.contact, noise, model.k_B)
    b = 1.0 / (1.0 + 0.5 * dt * bath.rate)
    dv = b[:, None] * (given.dv + drawn.impulse / model.m)
    impulse = model.m * (dv - given.dv + bath.drag * dt)
    return given._replace(dv=dv, bath=Exchange(impulse, bath.conduction * dt + drawn.heat))


def heat(dynamics: Dynamics, given: Kick, v: Tensor, v_next: Tensor) -> Tensor:
    """Entropy increment (N,) that balances the kinetic energy of a step, pair by pair.

    Friction and noise give pair ij the impulse p_ij between two halves of the forces' kick
    (velocities live half a step before positions, as in leapfrog). It changes the kinetic energy
    by p_ij . (v_ij + v'_ij) / 2, and the two heats take up this, half each, beside conduction (q of
    the bath is one of the q_ij; its friction heats the bath):

        x_i  = [ sum_j q_ij - 1/2 sum_j p_ij . (v_ij + v'_ij) / 2 ] / T_i
        S_i' = S_i + C_i ln(1 + x_i / C_i)

    The midpoint brings in Ito's terms of `pipeline.metriplectic.drift` by itself, the logarithm
    those of U(S); as dt -> 0 this is the paper's increment. What remains is the bounded error of
    leapfrog, and of x^3 what C changes by (compare Faure and Stoltz, Appl. Math. Mech. 39, 83
    (2018), for smoothed dissipative particle dynamics). The paper's increment creates energy of
    the order of dv^2 in every step, which rollouts in steps of one frame do not survive.

    Args:
        dynamics: evaluation at the beginning of the step.
        given: impulses and conduction of the step.
        v, v_next: (N, D) velocities before and after it, those of driven particles as led.
    """
    pairs, thermo = dynamics.pairs, dynamics.thermo
    middle = pairs.difference(0.5 * (v + v_next))
    dissipated = sum_even(pairs, -0.5 * dot(given.p, middle))
    received = sum_odd(pairs, given.q) + dissipated
    received = received if given.bath is None else received + given.bath.heat
    return warmed(received, thermo.T, thermo.dTdS)


def euler_heat(model: Metriplectic, dynamics: Dynamics, noise: Increments, dt: float) -> Tensor:
    """The paper's entropy increment (N,): drift times dt plus fluctuation."""
    return dynamics.drift.dS * dt + model.fluctuation(dynamics, noise).dS


def move(state: State, v: Tensor, dS: Tensor, dt: float) -> State:
    """r' = r + v' dt, v' = v, S' = S + dS."""
    return State(state.r + v * dt, v, state.S + dS)
