"""Residuals that remember, as the state space of a force that lasts: its Kalman filter.

The residuals of one particle in successive steps are a linear Gaussian model of a hidden state,
alike in every component: forces f_k of the modes (`pipeline.closures.memory`), driven by the
velocities that are seen, and the errors eps of its positions,

    R(t) = sum_k f_k(t) + w(t) - delta ((v + v')/2 - u) + (1 + gamma/2) eps(t+1) - 2 eps(t)
           + (1 - gamma/2) eps(t-1)
    f_k(t+1) = e_k f_k(t) - c_k (1 + e_k)/2 (v' - u - eps(t+1) + eps(t)) + n_k,   e = exp(-1/tau)

with <n^2> = (1 - e^2) <f^2>, the step of `pipeline.dynamics.modes`, and w the white noise of the
model. Its likelihood is the product over steps of the Gaussians of what the filter did not foresee
(Kalman, J. Basic Eng. 82, 35 (1960); Harvey, Forecasting, structural time series models (1989),
3.4); the covariance of errors that successive steps share is part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numba import njit

from pipeline.closures.memory import Memory
from pipeline.learn.data import Transition
from pipeline.learn.order import Order
from pipeline.learn.residuals import Left
from pipeline.learn.snapshots import Snapshots

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

ROWS = 200_000  # of successive steps looked at
FEWEST = 20  # snapshots in the training block, and in that of validation


class Rest(NamedTuple):
    """What steps leave, by particle (N), snapshot (T) and component (D); NaN where none is known.

    The variance of the white noise is ``kept + exp(p) scaled``.
    """

    residual: np.ndarray  # (N, T, D)
    drive: np.ndarray  # (N, T, D) v' - u
    middle: np.ndarray  # (N, T, D) (v + v')/2 - u
    kept: np.ndarray  # (N, T)
    scaled: np.ndarray  # (N, T)
    rate: np.ndarray  # (N, T) gamma of the medium
    # (N, T) what `StateSpace.friction` is multiplied with; ``middle`` holds it already.
    weight: np.ndarray
    particle: np.ndarray  # (N,) who they are
    share: float  # of the noise that velocities show, which ``kept`` and ``scaled`` are
    order: Order  # of the T snapshots in the film

    def filtered(self, modes: StateSpace) -> tuple[np.ndarray, ...]:
        """Negative log-likelihood, rows (T,) each, innovations (N, T, D) and their variance.

        Tracks begin anew in equilibrium after every gap.
        """
        return _filter(self, self.kept + np.exp(modes.white) * self.scaled, modes)


class StateSpace(NamedTuple):
    """Parameters of the state space."""

    time: np.ndarray  # (K,) tau [dt]
    stiffness: np.ndarray  # (K,) c
    variance: np.ndarray  # (K,) <f^2>
    white: float = 0.0  # p
    friction: float = 0.0  # delta
    error: float = 0.0  # sigma^2 of the positions [a^2]
    static: float = 0.0  # stiffness of bonds beside what the model has


def state_space(memory: Memory) -> StateSpace:
    """Of modes that a model has; what it has beside them is the model's."""
    values = (memory.time(), memory.stiffness(), memory.variance())
    time, stiffness, variance = (x.double().cpu().numpy() for x in values)
    return StateSpace(time, stiffness, variance)


@njit(cache=True)
def _filter(rest, W, modes):
    """See `Rest.filtered`; W (N, T) is the variance of the white noise."""
    N, T, D = rest.residual.shape
    K = len(modes.time)
    d = K + 3  # forces, and the errors of three positions
    nll, count = np.zeros(T), np.zeros(T)
    left, size = np.full(rest.residual.shape, np.nan), np.full(W.shape, np.nan)
    keep = np.exp(-1.0 / modes.time)
    push = modes.stiffness * (1.0 + keep) / 2.0
    H, m, P, room = np.ones(d), np.zeros((d, D)), np.zeros((d, d)), np.zeros((d, d))
    for i in range(N):
        fresh = True
        for t in range(T):
            if np.isnan(rest.residual[i, t, 0]):
                fresh = True
                continue
            if fresh:
                m[:], P[:] = 0.0, 0.0
                for k in range(d):
                    P[k, k] = modes.variance[k] if k < K else modes.error
                fresh = False
            half = 0.5 * (rest.rate[i, t] + modes.friction * rest.weight[i, t])
            H[K], H[K + 1], H[K + 2] = 1.0 + half, -2.0, 1.0 - half
            x = rest.residual[i, t] + modes.friction * rest.middle[i, t]
            S = _observe(m, P, H, x, W[i, t], room)
            left[i, t], size[i, t] = x, S
            for a in range(D):
                nll[t] += 0.5 * (np.log(S) + x[a] * x[a] / S) - np.log1p(half)
            count[t] += 1
            _advance(m, P, rest.drive[i, t], keep, push, room)
            for k in range(K):
                P[k, k] += (1.0 - keep[k] ** 2) * modes.variance[k]
            P[K, K] += modes.error
    return nll, count, left, size


@njit(cache=True)
def _observe(m, P, H, x, white, room):
    """Mean (d, D) and covariance (d, d) of the state given H.state + noise = x, in place.

    Returns the variance of what was not foreseen; x (D,) becomes that.
    """
    d, PH = len(H), room[0]
    S = white
    for j in range(d):
        PH[j] = 0.0
        for k in range(d):
            PH[j] += P[j, k] * H[k]
        S += H[j] * PH[j]
    for a in range(len(x)):
        for k in range(d):
            x[a] -= H[k] * m[k, a]
        for k in range(d):
            m[k, a] += PH[k] * x[a] / S
    for j in range(d):
        for k in range(d):
            P[j, k] -= PH[j] * PH[k] / S
    return S


@njit(cache=True)
def _advance(m, P, drive, keep, push, room):
    """On to the next step: forces decay and are driven, errors of the positions grow older."""
    K, d, Q = len(keep), len(P), room
    for a in range(len(drive)):
        way = drive[a] - m[K, a] + m[K + 1, a]
        for k in range(K):
            m[k, a] = keep[k] * m[k, a] - push[k] * way
        m[K, a], m[K + 1, a], m[K + 2, a] = 0.0, m[K, a], m[K + 1, a]
    for k in range(d):
        for j in range(K):
            Q[j, k] = keep[j] * P[j, k] + push[j] * (P[K, k] - P[K + 1, k])
        Q[K, k], Q[K + 1, k], Q[K + 2, k] = 0.0, P[K, k], P[K + 1, k]
    for k in range(d):
        for j in range(K):
            P[k, j] = keep[j] * Q[k, j] + push[j] * (Q[k, K] - Q[k, K + 1])
        P[k, K], P[k, K + 1], P[k, K + 2] = 0.0, Q[k, K], Q[k, K + 1]


@torch.no_grad()
def gather(learner: Learner, snapshots: Snapshots, times: np.ndarray, medium: str) -> Rest:
    """Residuals of successive snapshots.

    Args:
        learner: trained.
        snapshots: of the film.
        times: in order, see `looked_at`.
        medium: whose white noise is scaled: ``none`` the pairs', where there is no bath; ``tied``
            that of a bath in equilibrium; ``free`` that of an active one.
    """
    first, parts = int(times[0]), []
    for t in times:
        now = snapshots.batch(np.array([t]))
        step, dynamics = learner.moments(
            Transition(now, snapshots.after(np.array([t]))), -1 - int(t)
        )
        whole = learner.model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2).mean(1)
        variance = learner.noise.share * whole
        own, rate = torch.zeros_like(variance), torch.zeros_like(variance)
        if dynamics.bath is not None:
            own = 2 * learner.noise.share * dynamics.bath.contact.g2
            rate = dynamics.bath.rate
        u = 0 if now.flow is None else now.flow
        kept, scaled = (0 * own, variance) if medium == "none" else (variance - own, own)
        moved = (now.v_next - u, 0.5 * (now.v + now.v_next) - u)
        columns = (step.residual_v, *moved, kept, scaled, rate)
        who = now.particle[now.mask].cpu().numpy()
        parts.append((who, [x[now.mask].double().cpu().numpy() for x in columns]))
    seen = np.unique(np.concatenate([who for who, _ in parts]))
    shape = (len(seen), int(times[-1]) - first + 1)
    out = [np.full((*shape, *x.shape[1:]), np.nan) for x in parts[0][1]]
    for t, (who, rows) in zip(times - first, parts, strict=True):
        place = np.searchsorted(seen, who)
        for one, values in zip(out, rows, strict=True):
            one[place, t] = values
    order = snapshots.order.window(slice(first, int(times[-1]) + 1))
    six = out[0], out[1], out[2], out[3], out[4], out[5]
    return Rest(*six, np.ones_like(out[5]), seen, learner.noise.share, order)


def looked_at(snapshots: Snapshots, times: np.ndarray) -> np.ndarray:
    """The first of these snapshots, with some ROWS rows."""
    rows = int(snapshots.mask[int(times[0])].sum())
    return times[: max(FEWEST, ROWS // max(rows, 1))]


def medium_of(learner: Learner) -> str:
    """See `gather`."""
    bath = learner.model.bath
    return "none" if bath is None else "free" if bath.active else "tied"


def white(
    left: Callable[[int], Left],
    learner: Learner,
    snapshots: Snapshots,
    times: np.ndarray,
    error: float,
) -> Callable[[int], Left]:
    """Steps with what modes foresee taken off, see `pipeline.learn.residuals`.

    Args:
        left: without it.
        learner: with modes.
        snapshots, times: what ``left`` is asked of.
        error: sigma^2 of the positions that was found with the modes.
    """
    modes = state_space(learner.model.memory)._replace(error=error)
    rest = gather(learner, snapshots, times, medium_of(learner))
    innovation, size = rest.filtered(modes)[2:]
    first = int(times[0])

    def found(t: int) -> Left:
        step = left(t)
        rows = step.mask.nonzero()[:, 0]
        place = np.searchsorted(rest.particle, step.particle[rows].cpu().numpy())
        e, S = (torch.from_numpy(x[place, t - first]).to(step.residual) for x in (innovation, size))
        return step._replace(
            residual=step.residual.index_copy(0, rows, e),
            z=step.z.index_copy(0, rows, e / S.sqrt()[:, None]),
            echo=torch.zeros_like(step.echo),
            vv=step.vv.index_copy(0, rows, S),
            later=torch.zeros_like(step.later),
        )

    return found
