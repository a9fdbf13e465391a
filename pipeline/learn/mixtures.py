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

from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from scipy import sparse
from torch import Tensor

from pipeline.analysis.pair_force import design, laws
from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.errors_in_variables import draws, twin
from pipeline.learn.force_matching import (
    CONFINED,
    INTERVALS,
    Curves,
    Group,
    around,
    curve,
    medium,
    penalty,
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


class Links(NamedTuple):
    """Who is near whom in a snapshot."""

    i: np.ndarray  # (P,) one end of each pair, of n particles
    j: np.ndarray  # (P,) the other
    who: np.ndarray  # (n,) their numbers in the trajectory


class Linear(NamedTuple):
    """A snapshot about some curves and strengths; rows of particles that do not count are zero.

    ln s_j moves the drift of i by ``pair``, ln s_i that of j by -``pair``, and the own one of each
    by ``own``: three numbers in place of a row as long as there are particles.
    """

    curves: np.ndarray  # (n, D, C + 1) derivatives of the drift in the curves; last, the residual
    pair: np.ndarray  # (P, D)
    own: np.ndarray  # (n, D)

    def changed(self, other: Linear) -> Linear:
        """From this to another."""
        return Linear(*(b - a for a, b in zip(self, other, strict=True)))

    def squared(self) -> np.ndarray:
        """(C + 1, C + 1) products of the columns of the curves and the residual."""
        rows = self.curves.reshape(-1, self.curves.shape[2])
        return rows.T @ rows


@njit(cache=True)
def add_across(links, linear, total):
    """Adds the products of all strengths' columns with those of the curves to total (N, C + 1)."""
    (i, j, who), (curves, pair, own) = links, linear
    for p in range(i.size):
        first, second = total[who[i[p]]], total[who[j[p]]]
        for d in range(pair.shape[1]):
            f, x, y = pair[p, d], curves[i[p], d], curves[j[p], d]
            for c in range(x.size):  # two loops of one sum each run four numbers at a time
                second[c] += f * x[c]
            for c in range(y.size):
                first[c] -= f * y[c]
    for n in range(who.size):
        mine = total[who[n]]
        for d in range(own.shape[1]):
            f, x = own[n, d], curves[n, d]
            for c in range(x.size):
                mine[c] += f * x[c]


@njit(cache=True)
def strength_rows(links, linear, counts):
    """The strengths' columns by rows (n D): values, columns and lengths, those of a sparse matrix.

    Args:
        counts: (n,) which particles count; the rows of the others are empty.
    """
    (i, j, who), (_, pair, own) = links, linear
    n, D = own.shape
    length = counts.astype(np.int64)
    for p in range(i.size):
        length[i[p]] += counts[i[p]]
        length[j[p]] += counts[j[p]]
    free = D * (np.cumsum(length) - length)
    value, column = np.empty(D * length.sum()), np.empty(D * length.sum(), np.int32)
    for p in range(-n, i.size):  # a particle by itself, and the two ends of a pair
        for end in range(1 if p < 0 else 2):
            x = p + n if p < 0 else (j[p] if end else i[p])
            if not counts[x]:
                continue
            for d in range(D):
                at = free[x] + d * length[x]
                column[at] = who[x] if p < 0 else who[i[p] if end else j[p]]
                value[at] = own[x, d] if p < 0 else (-pair[p, d] if end else pair[p, d])
            free[x] += 1
    return value, column, np.repeat(length, D)


class Point(NamedTuple):
    """Where the regression is."""

    theta: np.ndarray  # (C,) coefficients of force, friction along and across, surroundings
    log_s: np.ndarray  # (N,)


def linearised(batch: Batch, h: float, at: Point, known: Known) -> Linear:
    """Residual and derivatives of a batch at a point."""
    i, j, e = (plain(x) for x in (batch.pairs.i, batch.pairs.j, batch.pairs.e))
    s, basis = np.exp(at.log_s)[plain(batch.particle)], plain(tapered(batch.pairs.r, h).T)
    vectors = laws(e, plain(batch.pairs.difference(batch.v)))
    vectors[:, :, 0] *= (s[i] * s[j])[:, None]
    pair = (basis @ at.theta[:K])[:, None] * vectors[:, :, 0]
    further = [plain(group.columns(batch)) for group in known.surroundings()]
    found = [design(i, j, vectors, basis, len(s)).reshape(*batch.v.shape, -1), *further]
    own = found[0][:, :, :K] @ at.theta[:K]
    curves = np.concatenate([*found, plain(batch.change())[:, :, None]], 2)
    curves[:, :, -1] -= curves[:, :, :-1] @ at.theta
    curves[~plain(batch.mask)] = 0.0
    return Linear(curves, pair, own)


class Sums(NamedTuple):
    """Normal equations of curves and strengths."""

    curves: np.ndarray  # (C + 1, C + 1) products of the curves' columns and, last, the residual
    across: np.ndarray  # (N, C + 1) the same with the strengths' columns
    strengths: sparse.csr_matrix  # (N, N); errors of the positions are small in forces
    plain_curves: np.ndarray  # (C + 1, C + 1) with what errors put into it
    rows: int  # components of particles that count
    nearest: float  # smallest pair distance seen


def summed(sample: Sample, count: int, at: Point, known: Known) -> Sums:
    """Over at most ``count`` snapshots, evenly spread."""
    h, device = sample.snapshots.cutoff, sample.snapshots.device
    generator, nearest, rows = draws(known.seed, 0, device), np.inf, 0
    size = len(at.theta) + 1
    across, errors = np.zeros((2, len(at.log_s), size))
    whole, own = np.zeros((2, size, size))
    entries = []
    for found in sample.each(count):
        nearest = min(nearest, float(found.pairs.r.min()))
        batch = needed(found)
        here = linearised(batch, h, at, known)
        links = Links(*(plain(x) for x in (batch.pairs.i, batch.pairs.j, batch.particle)))
        counts = plain(batch.mask)
        whole = whole + here.squared()
        add_across(links, here, across)
        entries.append(strength_rows(links, here, counts))
        rows += int(counts.sum()) * here.own.shape[1]
        if known.sigma:
            shaken = linearised(twin(batch, known.sigma, generator), h, at, known)
            moved = here.changed(shaken)
            own = own + moved.squared()
            add_across(links, moved, errors)
    U = by_rows(entries, len(at.log_s))
    return Sums(whole - own, across - errors, (U.T @ U).T, whole, rows, nearest)


def needed(batch: Batch) -> Batch:
    """The batch without pairs of which neither end counts: a third of them in an open field."""
    pairs, mask = batch.pairs, batch.mask
    near = torch.nonzero(mask[pairs.i] | mask[pairs.j]).squeeze(1)
    kept = {name: getattr(pairs, name)[near] for name in ("i", "j", "r", "e")}
    boost = None if pairs.boost is None else pairs.boost[near]
    return batch._replace(pairs=pairs._replace(**kept, boost=boost))


def by_rows(entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]], N: int) -> sparse.csr_matrix:
    """Of the parts of `strength_rows`."""
    value, column, length = map(np.concatenate, zip(*entries, strict=True))
    ends = np.concatenate([[0], length.cumsum()])
    return sparse.csr_matrix((value, column, ends), shape=(len(length), N))


def step(sums: Sums, at: Point, known: Known) -> Point:
    """The next point: one Gauss-Newton step, with the priors of curves and strengths."""
    whole, total = torch.from_numpy(sums.plain_curves[:-1, :-1]), sums.plain_curves[-1, -1]
    rough = penalty(whole, known.bends()).numpy()
    prior = total / sums.rows / known.scale**2
    A = (sums.strengths + prior * sparse.identity(len(at.log_s))).tocsr()
    right = sums.across.copy()
    right[:, -1] -= prior * at.log_s
    through = solved(A, right)
    left = sums.curves - sums.across.T @ through
    curves = np.linalg.solve(left[:-1, :-1] + rough, left[:-1, -1] - rough @ at.theta)
    strengths = np.clip(through[:, -1] - through[:, :-1] @ curves, -BOLD, BOLD)
    return Point(at.theta + curves, at.log_s + strengths)


def solved(A: sparse.csr_matrix, right: np.ndarray) -> np.ndarray:
    """A^-1 of all columns of ``right`` (N, M), side by side by conjugate gradients.

    A is symmetric and positive; its diagonal is the preconditioner. Every column ends for itself
    where its residual is `EXACT` of what it was: scipy's routine takes one column at a time.
    """
    x, p, jacobi = np.zeros_like(right), np.zeros_like(right), 1.0 / A.diagonal()[:, None]
    residual, before = right.copy(), np.ones(right.shape[1])
    bound = EXACT * np.linalg.norm(right, axis=0)
    while len(go := np.flatnonzero(np.linalg.norm(residual, axis=0) > bound)):
        r = residual[:, go]
        z = jacobi * r
        now = (r * z).sum(0)
        p[:, go] = z + now / before[go] * p[:, go]
        q = A @ p[:, go]
        alpha = now / (p[:, go] * q).sum(0)
        x[:, go] += alpha * p[:, go]
        residual[:, go] -= alpha * q
        before[go] = now
    return x


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
    left = sums.curves[-1, -1] / sums.rows + 6 * known.sigma**2
    curves = Curves(r, force, along, across, left, torch.full_like(force, torch.nan))
    if known.external is not None:
        found = torch.from_numpy(at.theta[3 * K : len(at.theta) - known.drag])
        curves = curves._replace(external=found)
    if known.drag:
        x = float(at.theta[-1])
        curves = curves._replace(drag=x / (1 - x / 2))
    return curves, at.log_s
