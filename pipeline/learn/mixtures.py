"""Pair force, friction and the strengths of the particles, regressed at once.

Where sizes differ, one force for all pairs is none for any: at the same distance small particles
are apart and large ones touch, and least squares finds them attract. With

    v'_i - v_i = sum_j [ s_i s_j f(r_ij) e_ij - friction ] + noise

the drift is linear in the curves and bilinear in curves and strengths: Gauss-Newton steps in both
together take a few rounds. Errors of the positions are taken off with the help of a simulated twin,
as in the likelihood (`pipeline.learn.errors_in_variables`): of every product of residuals and
columns the product of their changes under one more error is subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import cg
from torch import Tensor

from pipeline.analysis.pair_force import laws
from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.errors_in_variables import draws, twin
from pipeline.learn.force_matching import (
    CONFINED,
    INTERVALS,
    Curves,
    Group,
    Normal,
    around,
    columns,
    curve,
    medium,
    plain,
    tapered,
)
from pipeline.learn.snapshots import Batch, Sample

ROUNDS = (20, 20, 60, 150)  # snapshots of each Gauss-Newton step
ROWS = 200_000  # particles in them, at most
BOLD = 0.5  # largest change of a ln s in a step
EXACT = 1e-3  # relative residual to which strengths are solved for
K = INTERVALS + 2  # coefficients of a curve


class Known(NamedTuple):
    """What the regression is given beside the data."""

    particles: int  # N, all of the trajectory
    sigma: float  # localisation error to be taken off [a]
    scale: float  # width of the normal prior of ln s
    seed: int  # of the simulated errors
    # (K,) coefficients to begin with: without a force no strength can be told.
    force: np.ndarray = np.ones(K)
    drag: bool = False  # whether there is a friction of a bath, too
    external: External | None = None  # potential of single particles, if there is one

    def surroundings(self) -> list[Group]:
        """Columns beside those of pairs."""
        return [*around(self.external), *[medium(lambda batch: batch.v)] * self.drag]

    def bends(self) -> list[Tensor]:
        """Matrices of the roughness of all parts of the coefficients, in order."""
        further = [bend for group in self.surroundings() for bend in group.bends]
        return [splines.bends(K)] * 3 + further


class Linear(NamedTuple):
    """A snapshot about some curves and strengths, R components of the particles that count."""

    left: np.ndarray  # (R,) residual
    curves: np.ndarray  # (R, C) derivatives of the drift
    strengths: sparse.csr_matrix  # (R, N) the same in ln s

    def changed(self, other: Linear) -> Linear:
        """From this to another."""
        return Linear(*(b - a for a, b in zip(self, other, strict=True)))


class Point(NamedTuple):
    """Where the regression is."""

    theta: np.ndarray  # (C,) coefficients of force, friction along and across, surroundings
    log_s: np.ndarray  # (N,)


def linearised(batch: Batch, h: float, at: Point, known: Known) -> Linear:
    """Residual and derivatives of a batch at a point."""
    i, j, e = (plain(x) for x in (batch.pairs.i, batch.pairs.j, batch.pairs.e))
    who, D = plain(batch.particle), e.shape[1]
    s, basis = np.exp(at.log_s)[who], tapered(batch.pairs.r, h)
    vectors = laws(e, plain(batch.pairs.difference(batch.v)))
    vectors[:, :, 0] *= (s[i] * s[j])[:, None]
    further = [group.columns(batch).double().cpu() for group in known.surroundings()]
    found = torch.cat([columns(batch.pairs, vectors, basis), *further], 2)
    X = found.flatten(0, 1).numpy()
    pair = (at.theta[:K] @ plain(basis))[:, None] * vectors[:, :, 0]
    component = np.arange(D)
    rows = [i[:, None] * D + component, j[:, None] * D + component, np.arange(len(who) * D)]
    cells = [np.repeat(who[x], D) for x in (j, i)] + [np.repeat(who, D)]
    values = [pair, -pair, X[:, :K] @ at.theta[:K]]
    flat = [np.concatenate([x.ravel() for x in part]) for part in (values, rows, cells)]
    shape = (len(X), len(at.log_s))
    U = sparse.csr_matrix((flat[0], (flat[1], flat[2])), shape=shape)
    keep = np.repeat(plain(batch.mask), D)
    y = plain(batch.change()).ravel()
    return Linear((y - X @ at.theta)[keep], X[keep], U[keep])


class Sums(NamedTuple):
    """Normal equations of curves and strengths."""

    curves: np.ndarray  # (C, C)
    across: np.ndarray  # (N, C)
    strengths: sparse.csr_matrix  # (N, N); errors of the positions are small in forces
    curves_moment: np.ndarray  # (C,)
    strengths_moment: np.ndarray  # (N,)
    plain_curves: np.ndarray  # (C, C) with what errors put into it
    total: float  # mean square of the residual
    own: float  # the same without what errors put into it
    nearest: float  # smallest pair distance seen


def summed(sample: Sample, count: int, at: Point, known: Known) -> Sums:
    """Over at most ``count`` snapshots, evenly spread."""
    h, device = sample.snapshots.cutoff, sample.snapshots.device
    generator, nearest = draws(known.seed, 0, device), np.inf
    here, moved = [], []
    for batch in sample.each(count):
        here.append(linearised(batch, h, at, known))
        nearest = min(nearest, float(batch.pairs.r.min()))
        if known.sigma:
            shaken = linearised(twin(batch, known.sigma, generator), h, at, known)
            moved.append(here[-1].changed(shaken))
    r, X, U = _joined(here)
    found = [X.T @ X, U.T @ X, X.T @ r, U.T @ r, float(r @ r)]
    if moved:
        d, dX, dU = _joined(moved)
        errors = [dX.T @ dX, dU.T @ dX, dX.T @ d, dU.T @ d, float(d @ d)]
        found = [a - b for a, b in zip(found, errors, strict=True)]
    size = len(r)
    return Sums(
        found[0], found[1], (U.T @ U).tocsr(), found[2], found[3],
        X.T @ X, float(r @ r) / size, found[4] / size, nearest,
    )  # fmt: skip


def _joined(parts: Sequence[Linear]) -> Linear:
    left, curves, strengths = zip(*parts, strict=True)
    return Linear(np.concatenate(left), np.vstack(curves), sparse.vstack(strengths).tocsr())


def step(sums: Sums, at: Point, known: Known) -> Point:
    """The next point: one Gauss-Newton step, with the priors of curves and strengths."""
    whole = torch.from_numpy(sums.plain_curves)
    normal = Normal(whole, whole[0], 0.0, sums.total, 1, sums.nearest)
    rough = (normal.penalised(known.bends()) - whole).numpy()
    prior = sums.total / known.scale**2
    A = (sums.strengths + prior * sparse.identity(len(at.log_s))).tocsr()
    jacobi = sparse.diags(1.0 / A.diagonal())
    b = sums.strengths_moment - prior * at.log_s
    own, *through = (cg(A, x, rtol=EXACT, M=jacobi)[0] for x in (b, *sums.across.T))
    matrix = sums.curves + rough - sums.across.T @ np.stack(through, 1)
    moment = sums.curves_moment - rough @ at.theta - sums.across.T @ own
    curves = np.linalg.solve(matrix, moment)
    strengths = np.clip(own - np.stack(through, 1) @ curves, -BOLD, BOLD)
    return Point(at.theta + curves, at.log_s + strengths)


def regress_mixture(sample: Sample, known: Known) -> tuple[Curves, np.ndarray] | None:
    """Force, friction and ln s (N,) of mean zero; None where the force does not push apart.

    Args:
        sample: of the data in reduced units.
        known: see there.
    """
    h, each = sample.snapshots.cutoff, len(sample.batch(1).r)
    size = sum(len(bend) for bend in known.bends())
    at = Point(np.zeros(size), np.zeros(known.particles))
    at.theta[:K] = known.force
    last = ROUNDS[-1] if known.external is None else CONFINED
    for count in (*ROUNDS[:-1], last):
        sums = summed(sample, max(5, min(count, ROWS // max(each, 1))), at, known)
        at = step(sums, at, known)
        seen = sums.strengths.diagonal() > 0
        mean = at.log_s[seen].mean()
        at.log_s[seen] -= mean
        at.theta[:K] *= np.exp(2 * mean)
    r, basis = curve(sums.nearest, h)
    force, along, across = torch.from_numpy(at.theta[: 3 * K]).reshape(3, K) @ basis
    if not float(force.mean()) > 0:
        return None
    curves = Curves(
        r, force, along, across, sums.own + 6 * known.sigma**2, torch.full_like(force, torch.nan)
    )
    if known.external is not None:
        found = torch.from_numpy(at.theta[3 * K : len(at.theta) - known.drag])
        curves = curves._replace(external=found)
    if known.drag:
        x = float(at.theta[-1])
        curves = curves._replace(drag=x / (1 - x / 2))
    return curves, at.log_s
