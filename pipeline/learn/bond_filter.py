"""Maxwell elements of bonds between two snapshots: the Kalman filter of their elongations.

Of one of the coordinates q of `pipeline.learn.bond_residuals` positions and velocities are known at
the snapshots, the elongation x of its elements nowhere. Over a step of unit length

    dv = -K q_ - c x_ - gamma (v + v')/2 + w,        dx = dq - x/tau dt + noise,

where _ is the mean over the step. With e = exp(-1/tau), a = tau (1 - e), b = tau - tau a,
z = a/2 - tau^2 (1 - e (1 + 1/tau)), and a velocity that grows evenly within the step,

    x_ = a x + b s v + ...,        x' = e x + a s dq + z s (v' - v) + n,

n and what it adds to x_ being the Wiener integrals of one noise, 2 k_B T/(c tau) dt. What forces
change by acceleration within the step, q_ - q - v/2 = (v' - v)/6 for K and for the elements alike,
makes the residual larger by (v' - v) kappa/6, kappa = K + c s^2, and the density of v' by
1 + kappa/6. Without it c is too small by as much: 2 % where the fastest coordinate takes 20 steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pipeline.learn.kalman import StateSpace
from pipeline.learn.order import Order


class BondRest(NamedTuple):
    """What steps leave, by coordinate (K), snapshot (T) and 1 component; NaN where none is known.

    All are divided by s but for what is said to be multiplied.
    """

    residual: np.ndarray  # (K, T, 1) of the step, forces of r + v/2 and friction taken off
    moved: np.ndarray  # (K, T, 1) s (r' - r)
    velocity: np.ndarray  # (K, T, 1) s v
    change: np.ndarray  # (K, T, 1) s (v' - v)
    middle: np.ndarray  # (K, T, 1) gamma (v + v')/2
    place: np.ndarray  # (K, T, 1) s q halfway
    scaled: np.ndarray  # (K, T) variance of the white noise
    rate: np.ndarray  # (K, T) gamma
    stiffness: np.ndarray  # (K,) K/s^2 of the forces that do not remember
    squares: np.ndarray  # (K,) s^2
    order: Order  # of the T snapshots in the film
    share: float = 1.0  # of the noise that velocities show

    def filtered(self, modes: StateSpace) -> tuple[np.ndarray, ...]:
        """As `pipeline.learn.kalman.Rest.filtered`."""
        return _filter(self, modes, _step(modes))


class _Step(NamedTuple):
    """Of every element (k,): see above."""

    keep: np.ndarray  # e
    mean: np.ndarray  # a
    within: np.ndarray  # b
    bent: np.ndarray  # z
    new: np.ndarray  # <n^2>
    inside: np.ndarray  # of what n adds to the mean, the variance
    both: np.ndarray  # and the covariance with n


def _step(modes: StateSpace) -> _Step:
    tau, c = modes.time, modes.stiffness
    T = modes.variance / c  # of the elements
    e = np.exp(-1 / tau)
    a, once, twice = tau * (1 - e), 1 - e, 1 - e * e
    return _Step(
        keep=e,
        mean=a,
        within=tau - tau * a,
        bent=0.5 * a - tau**2 * (1 - e * (1 + 1 / tau)),
        new=T / c * twice,
        inside=2 * T * tau / c * (1 - 2 * tau * once + 0.5 * tau * twice),
        both=2 * T * tau / c * (once - 0.5 * twice),
    )


@njit(cache=True)
def _filter(rest, modes, step):
    """See `BondRest.filtered`."""
    K, T, _ = rest.residual.shape
    c, k = modes.stiffness, len(modes.stiffness)
    white, friction = np.exp(modes.white), modes.friction
    nll, count = np.zeros(T), np.zeros(T)
    left, size = np.full(rest.residual.shape, np.nan), np.full((K, T), np.nan)
    x, P, C, F = np.zeros(k), np.zeros((k, k)), np.zeros(k), np.zeros(k)
    for m in range(K):
        kappa = (rest.stiffness[m] + modes.static + c.sum()) * rest.squares[m]
        fresh = True
        for t in range(T):
            if np.isnan(rest.residual[m, t, 0]):
                fresh = True
                continue
            if fresh:
                x[:], P[:] = 0.0, 0.0
                for a in range(k):
                    P[a, a] = modes.variance[a] / c[a] ** 2
                fresh = False
            dv = rest.change[m, t, 0]
            y = rest.residual[m, t, 0] + friction * rest.middle[m, t, 0]
            y += kappa / 6.0 * dv / rest.squares[m] + modes.static * rest.place[m, t, 0]
            S = white * rest.scaled[m, t]
            for a in range(k):
                y += c[a] * (step.mean[a] * x[a] + step.within[a] * rest.velocity[m, t, 0])
                F[a] = 0.0
                for b in range(k):
                    F[a] += P[a, b] * c[b] * step.mean[b]
                S += c[a] * step.mean[a] * F[a] + c[a] ** 2 * step.inside[a]
            jacobian = 1.0 + kappa / 6.0 + 0.5 * (1.0 + friction) * rest.rate[m, t]
            nll[t] += 0.5 * (np.log(S) + y * y / S) - np.log(jacobian)
            count[t] += 1
            left[m, t, 0], size[m, t] = y, S
            for a in range(k):
                C[a] = -(step.keep[a] * F[a] + c[a] * step.both[a])
                x[a] = step.keep[a] * x[a] + step.mean[a] * rest.moved[m, t, 0]
                x[a] += step.bent[a] * dv + C[a] / S * y
            for a in range(k):
                for b in range(k):
                    P[a, b] = step.keep[a] * step.keep[b] * P[a, b] - C[a] * C[b] / S
                P[a, a] += step.new[a]
    return nll, count, left, size
