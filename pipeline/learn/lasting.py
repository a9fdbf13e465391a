"""What it is that residuals remember: an error of the positions, a force that lasts, or the ground.

The residual of a second difference is noise of the step, three errors of positions and whatever
force the model lacks. With C_k = < e(t) . e(t+k) > per component,

    C_k = sum_i w_i exp(-k / tau_i) + sigma^2 (6, -4, 1, 0, ...) + noise (1, 0, ...),     w_i >= 0,

lags from 3 on are those of the force alone. Non-negative least squares tells the parts, as for
steps (`pipeline.regime`). What is found again at the same place at another time stands there: a
ground with structure that the external potential is too coarse for. What neighbours share is a flow
of the medium. What is neither belongs to the particle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from pipeline.learn.order import Order
from pipeline.learn.residuals import Left, Test

LAGS = 13  # looked at, lag 0 among them
LONGEST = 300  # snapshots looked at
TIMES = np.array([1.5, 3.0, 6.0, 12.0, 25.0, 100.0])  # tau [dt]
NEAR = 0.15  # of the same place [a]
APART = 15  # steps between two visits
POINTS = 20_000  # places looked at
ALERT = 0.05  # memory beyond twice its error, from where on it is asked what it is


def remembers(found: Test) -> bool:
    """Whether residuals remember the step before."""
    value, error = found.get("memory", np.full(2, np.nan))
    return bool(abs(value) - 2 * error > ALERT)


@torch.no_grad()
def lasting(left: Callable[[int], Left], times: np.ndarray, order: Order) -> Test:
    """Parts of the residuals of successive snapshots.

    Args:
        left: the step of snapshot t.
        times: snapshots not trained on.
        order: of the snapshots in the film.

    Returns:
        ``covariance`` (LAGS,) C_k over C_0, NaN at lags that no two snapshots have; ``force``,
        ``error`` and ``place``: shares of C_0 of a force that lasts, of the error of positions,
        and of what is found again at a place;
        ``time`` until half of the force is forgotten [dt]; ``sigma`` of the positions [a];
        ``share`` of the force in the variance of the change.
    """
    times = times[:LONGEST]
    steps = [left(int(t)) for t in times]
    # A column for each that is seen in these snapshots: of all there ever are there may be many.
    seen = np.unique(np.concatenate([step.particle.cpu().numpy() for step in steps]))
    shape = int(times[-1] - times[0]) + 1, len(seen), steps[0].residual.shape[1]
    rest = np.full(shape, np.nan)
    place, change = np.full_like(rest, np.nan), 0.0
    for t, step in zip(times - times[0], steps, strict=True):
        who = np.searchsorted(seen, step.particle[step.mask].cpu().numpy())
        rest[t, who] = step.residual[step.mask].double().cpu().numpy()
        place[t, who] = step.place[step.mask].double().cpu().numpy()
        change += float(step.change[step.mask].double().square().mean()) / len(steps)
    order = order.window(slice(int(times[0]), int(times[-1]) + 1))
    covariance = np.array([_mean(order.products(rest, k)) for k in range(min(LAGS, len(rest)))])
    covariance = covariance / (scale := covariance[0])
    force, weights, error = _parts(covariance)
    return {
        "covariance": covariance,
        "force": np.array([force]),
        "error": np.array([6 * error]),
        "place": np.array([_place(rest, place, order.row / order.span) / scale]),
        "time": np.array([_half(weights)]),
        "sigma": np.array([(error * scale) ** 0.5]),
        "share": np.array([force * scale / change]),
    }


def _mean(values: np.ndarray) -> float:
    known = np.isfinite(values)
    return float(values[known].mean()) if known.any() else float("nan")


def _parts(covariance: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Share of a force that lasts, its weights by TIMES, and sigma^2, all over C_0."""
    lag = np.flatnonzero(np.isfinite(covariance))
    own = np.zeros((len(covariance), 2))
    own[:3, 0] = (6.0, -4.0, 1.0)[: len(covariance)]
    own[0, 1] = 1.0
    terms = np.concatenate([np.exp(-lag[:, None] / TIMES), own[lag]], axis=1)
    found, _ = nnls(terms, covariance[lag])
    return float(found[:-2].sum()), found[:-2], float(found[-2])


def _half(weights: np.ndarray) -> float:
    """Lag at which the force has half of the covariance that it begins with."""
    lag = np.geomspace(0.1, TIMES[-1], 400)
    course = np.exp(-lag[:, None] / TIMES) @ weights
    return float(lag[(course <= 0.5 * weights.sum()).argmax()])


def _place(rest: np.ndarray, place: np.ndarray, step: np.ndarray) -> float:
    """Mean product per component of residuals at the same place at different times.

    ``step`` (T,) says when, in steps.
    """
    known = np.isfinite(rest[..., 0])
    when, e, r = step[np.nonzero(known)[0]], rest[known], place[known]
    some = slice(None, None, max(1, len(r) // POINTS))
    when, e, r = when[some], e[some], r[some]
    i, j = cKDTree(r).query_pairs(NEAR, output_type="ndarray").T
    later = np.abs(when[i] - when[j]) >= APART
    return float((e[i] * e[j])[later].mean()) if later.any() else 0.0
