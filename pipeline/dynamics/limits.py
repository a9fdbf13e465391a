"""When a rollout has left what training saw."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import stats
from torch import Tensor

from pipeline.metriplectic.pair_tensor import pair_tensor, trace
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import dot, sum_even


class Limits(NamedTuple):
    """Ranges met in training, in reduced units; a rollout may leave them by some margin."""

    S: tuple[float, float]  # entropy [k_B]
    V: tuple[float, float]  # volume [a^D]
    T: tuple[float, float]  # temperature
    speed: float  # largest |v| [a / dt]
    heat_capacity: float  # mean C [k_B], which says how far entropies fluctuate


UNLIMITED = Limits((-1e30, 1e30), (0.0, 1e30), (0.0, 1e30), 1e30, 1.0)
NOT_FINITE = "the state became non-finite"
FLUCTUATION = 6.0  # standard deviations of equilibrium that are no cause for alarm
RARE = 1e-12  # chance of a colder particle that is


@functools.cache
def coldest(heat_capacity: float) -> float:
    """Temperature over the mean one, below which equilibrium hardly ever takes a particle.

    A particle of constant C exchanges energy with the others: its entropy has the density
    exp(S - U(S) / k T), so that T has a gamma distribution of shape C. Small heat capacities have
    a tail that standard deviations do not tell of: of 15 k_B one in a million is at a fifth of T.
    """
    return float(stats.gamma.ppf(RARE, heat_capacity)) / heat_capacity


def leaves(limits: Limits, S: Tensor, V: Tensor, T: Tensor, v: Tensor) -> str:
    """A sentence saying what went out of bounds, or "" where nothing did.

    A model is trusted a little beyond its data: volumes may leave their range by a factor of 3,
    speeds may triple, entropies leave theirs by its width. The teacher narrows entropies, while
    in equilibrium S of a particle fluctuates by sqrt(k_B C) and ln T by sqrt(k_B / C) even in a
    perfect model: FLUCTUATION times that is allowed in any case, and as much entropy as takes the
    temperature to its own bound. Downwards small heat capacities go farther, see `coldest`.
    """
    if len(S) == 0:
        return ""
    columns = [x.numpy() for x in (S, V, T, dot(v, v))]
    low, high = ([float(end(x)) for x in columns] for end in (np.min, np.max))
    if not all(x - x == 0 for x in low + high):
        return NOT_FINITE
    spread = FLUCTUATION * limits.heat_capacity**0.5
    factor = max(3.0, math.exp(min(spread / limits.heat_capacity, 50.0)))
    reach = max(limits.S[1] - limits.S[0], spread, limits.heat_capacity * math.log(factor))
    cold = min(coldest(limits.heat_capacity), 1 / factor)
    deep = max(reach, -limits.heat_capacity * math.log(cold))
    bounds = {
        "entropy": (limits.S[0] - deep, limits.S[1] + reach),
        "volume": (limits.V[0] / 3, limits.V[1] * 3),
        "temperature": (limits.T[0] * cold, limits.T[1] * factor),
    }
    for k, (name, (least, most)) in enumerate(bounds.items()):
        for value, out in ((low[k], low[k] < least), (high[k], high[k] > most)):
            if out:
                seen = getattr(limits, {"entropy": "S", "volume": "V", "temperature": "T"}[name])
                return (
                    f"the {name} of a particle reached {value:.3g}, far outside the "
                    f"{seen[0]:.3g} to {seen[1]:.3g} seen in training"
                )
    return _too_fast(high[3], limits.speed)


def outruns(v: Tensor, speed: float) -> str:
    """A sentence where velocities v (n, D) are no numbers or over three times ``speed``, or ""."""
    if len(v) == 0:
        return ""
    highest = float(dot(v, v).max())
    return _too_fast(highest, speed) if highest - highest == 0 else NOT_FINITE


def _too_fast(highest: float, speed: float) -> str:
    if highest <= 9 * speed**2:
        return ""
    return (
        f"a particle reached the speed {highest**0.5:.3g} a/dt, over three times the largest "
        f"in the training data, {speed:.3g}"
    )


def friction_rate(dynamics: Dynamics) -> Tensor:
    """gamma_i = sum_j tr K_ij / (D m T_i) (N,), m = 1: the rate at which friction stops i.

    The explicit step v' = (1 - gamma dt) v is stable below gamma dt = 2.
    """
    D = dynamics.v_ij.shape[1]
    K = pair_tensor(dynamics.amplitudes.a2, dynamics.amplitudes.b2, D)
    return sum_even(dynamics.pairs, trace(K, D)) / (D * dynamics.thermo.T)


def overdamps(rate: Tensor, dt: float) -> str:
    """A sentence where the friction rate (n,) of a particle makes its step unstable, or ""."""
    if len(rate) == 0 or float(rate.max()) * dt <= 2.0:
        return ""
    return (
        f"friction reverses the velocity of a particle within one step (gamma dt = "
        f"{float(rate.max()) * dt:.3g} > 2), so that the integrator is unstable: raise the substeps"
    )
