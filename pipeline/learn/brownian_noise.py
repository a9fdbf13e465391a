"""D and the error of the positions of Brownian motion whose forces over kT are known.

What neighbours push back within a frame looks like error of the positions in the steps, and makes
them shorter than 2 D dt. With F / T known, how much it is can be computed: every snapshot is
followed for two frames by fine steps of the model, and with V_0(T) = < u . u > and V_1(T) =
< u . u' > of the steps u that come out,

    < v' . v' > = V_0(T) + 2 sigma^2,     < v' . v'' > = V_1(T) - sigma^2

are two equations for T = 2 D dt and sigma^2 that hold for frames of any length. Where pictures are
averages over frames, steps tell neither: V_0 is then what the lags of all tracks make of it, where
the averaging is over, and what the steps have beyond it is the error, below zero where they are too
short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.overdamped import shifted
from pipeline.learn.snapshots import Batch, Sample
from pipeline.pairs import sum_odd
from pipeline.trajectory import evenly

MOST = 2000  # snapshots whose steps are looked at
SNAPSHOTS = 200  # of them that are followed by the model, evenly spread
TOGETHER = 10  # of these in one system
SUBSTEPS = 8  # of a frame
BESIDE = 1.1  # times T, another that is tried, for the slope
Z = 1.96  # standard errors of a 95 % interval


class Given(NamedTuple):
    """What is known beforehand, of which steps are not asked."""

    variance: np.ndarray | None = None  # (3,) V_0 of the data and its 95 % interval
    error: float | None = None  # variance of the positions


class Estimates(NamedTuple):
    """What the steps tell, each with its 95 % interval (3,)."""

    temperature: np.ndarray  # T, variance of v' per component without error of the positions
    error: np.ndarray  # variance of the positions


def estimate(
    sample: Sample,
    theta: Tensor,
    T: float,
    given: Given,
    external: External | None,
    intervals: int,
) -> Estimates:
    """T and sigma^2, to first order about ``T``.

    Args:
        sample: of the data in reduced units.
        theta: coefficients of the forces at ``T``, see `brownian_regression.moments`.
        given: of the two, one at most.
        external, intervals: see `brownian_regression.moments`.
    """
    force = _force(sample, theta, external, intervals)
    seen = [_seen(sample, t) for t in evenly(sample.times, MOST)]
    made: list[tuple[float, float, int]] = []
    beside: list[tuple[float, float, int]] = []
    times = evenly(sample.times, SNAPSHOTS)
    for k, some in enumerate(np.array_split(times, -(-len(times) // TOGETHER))):
        now, after = sample.snapshots.batch(some), sample.snapshots.after(some)
        rows = now.mask & after.mask[now.next_row]
        for x, found in ((1.0, made), (BESIDE, beside)):
            generator = torch.Generator(now.r.device).manual_seed(k)
            found.append(_followed(now, rows, force, x, T, generator))
    (data, covariance), (model, more), (other, _) = (_mean(x) for x in (seen, made, beside))
    rest, covariance = data - model, covariance + more
    slope = (other - model) / (BESIDE - 1)
    if given.variance is not None:
        half = Z * covariance[0, 0] ** 0.5 * np.array([0.0, -1.0, 1.0])
        left = data[0] - given.variance[[0, 2, 1]]
        temperature = T * (1 + (given.variance - model[0] + half) / slope[0])
        return Estimates(temperature, 0.5 * (left + half))
    design = np.stack([slope, [2.0, -1.0]], axis=1)
    if given.error is not None:
        rest, design = rest - given.error * design[:, 1], design[:, :1]
    value, spread = _solved(design, rest, covariance)
    if given.error is None and value[1] < 0:
        alone, _ = _solved(design[:, :1], rest, covariance)
        value = np.array([alone[0], 0.0])
    ends = value + np.outer([-Z, Z], np.sqrt(np.diag(spread)))
    temperature = T * (1 + np.array([value[0], *ends[:, 0]]))
    if given.error is not None:
        return Estimates(temperature, np.full(3, given.error))
    return Estimates(temperature, np.array([value[1], *ends[:, 1]]).clip(min=0.0))


def _solved(
    design: np.ndarray, rest: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares weighted by the covariance: value and covariance."""
    weight = np.linalg.inv(covariance)
    spread = np.linalg.inv(design.T @ weight @ design)
    return spread @ design.T @ weight @ rest, spread


def _seen(sample: Sample, t: int) -> tuple[float, float, int]:
    """The sums of a snapshot of the data, of particles that count in it and in the next."""
    now, after = sample.snapshots.batch(np.array([t])), sample.snapshots.after(np.array([t]))
    rows = now.mask & after.mask[now.next_row]
    return _products(now.v_next[rows], after.v_next[now.next_row[rows]])


def _mean(sums: list[tuple[float, float, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Means (2,) and their covariance (2, 2) from the scatter of the sums."""
    table = np.array(sums)
    value, count = table[:, :2].sum(0) / table[:, 2].sum(), len(table)
    scatter = table[:, :2] - table[:, 2:] * value
    return value, scatter.T @ scatter * count / max(count - 1, 1) / table[:, 2].sum() ** 2


def _products(first: Tensor, second: Tensor) -> tuple[float, float, int]:
    """Sums of u.u and of u.u', and the number of components."""
    own, next_ = float(first.square().sum()), float((first * second).sum())
    return own, next_, first.numel()


def _followed(
    batch: Batch,
    rows: Tensor,
    force: Callable[[Batch], Tensor],
    x: float,
    T: float,
    generator: torch.Generator,
) -> tuple[float, float, int]:
    """The same sums of two steps of the model at the temperature x T from a batch on.

    Heun's rule; the products of the noise alone, whose means are known, are taken off.
    """
    h, like = 1 / SUBSTEPS, batch.r
    steps, noises = [], []
    for _ in range(2):
        moved, pushed = torch.zeros_like(like), torch.zeros_like(like)
        for _ in range(SUBSTEPS):
            xi = (
                torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
                * (x * T * h) ** 0.5
            )
            drift = 0.5 * x * h * force(batch)
            ahead = 0.5 * x * h * force(shifted(batch, drift + xi))
            step = 0.5 * (drift + ahead) + xi
            batch, moved, pushed = shifted(batch, step), moved + step, pushed + xi
        steps.append(moved[rows])
        noises.append(pushed[rows])
    own, next_, count = _products(*steps)
    free, mixed, _ = _products(*noises)
    return own - free + x * T * count, next_ - mixed, count


def _force(
    sample: Sample, theta: Tensor, external: External | None, intervals: int
) -> Callable[[Batch], Tensor]:
    """F (n, D) of a batch."""
    h, K = sample.snapshots.cutoff, intervals + 2
    own = theta.to(sample.snapshots.device, sample.snapshots.dtype)

    def force(batch: Batch) -> Tensor:
        pairs = batch.pairs
        f = own[:K] @ (splines.radial(pairs.r, h, intervals).basis * splines.taper(pairs.r, h)[0])
        F = sum_odd(pairs, f[:, None] * pairs.e)
        return F if external is None else F + external.forces(batch.r) @ own[K:]

    return force
