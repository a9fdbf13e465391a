"""Regression of velocity changes on pair features: force and friction as curves, at once.

Pair force and pair friction enter v' - v linearly, so least squares gives their curves; noise in
the regressors biases them (errors in variables), which is why they are a start and not the answer.
`pipeline.learn.overdamped` has the regression of Brownian motion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.analysis.pair_force import design, laws
from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.closures.strain import GreenStrain
from pipeline.learn.snapshots import Batch, Sample
from pipeline.pairs import Pairs

INTERVALS = 10  # of the regression's splines
SNAPSHOTS = 50  # looked at, evenly spread
CONFINED = 400  # the same where an external potential is sought, of which a snapshot shows little
BLOCKS = 20  # of time, for standard errors
RIDGE = 1e-3  # of its roughness penalty, relative to the mean of the normal matrix


class Curves(NamedTuple):
    """Regressed laws at distances r (G,)."""

    r: Tensor
    force: Tensor  # along e_ij [a / dt^2]
    along: Tensor  # friction along e_ij [1 / dt]
    across: Tensor  # friction across [1 / dt]
    residual: float  # variance of v' - v per component that is left
    error: Tensor  # standard error of the force, if the residuals are white
    drag: float = 0.0  # friction rate of a bath, of the mean velocity of a step [1 / dt]
    drag_error: float = 0.0  # its standard error, from blocks of time
    external: Tensor | None = None  # (K,) coefficients of an external potential
    moduli: Tensor | None = None  # (3,) of a solid, see `GreenStrain.responses`


def columns(pairs: Pairs, laws: np.ndarray, basis: Tensor) -> Tensor:
    """(n, D, L K) what unit spline coefficients of L pair laws do to each particle, float64.

    Args:
        pairs: neighbours.
        laws: (P, D, L) vectors that the splines multiply, see `pipeline.analysis.pair_force.laws`.
        basis: (K, P) splines at the distances of the pairs.
    """
    i, j, weight = (plain(x) for x in (pairs.i, pairs.j, basis.T))
    return torch.from_numpy(design(i, j, laws, weight, pairs.n)).flatten(2)


def plain(x: Tensor) -> np.ndarray:
    """In memory of the processor, numbers as float64."""
    x = x.detach().cpu()
    return (x.double() if x.is_floating_point() else x).contiguous().numpy()


def tapered(r: Tensor, h: float) -> Tensor:
    """(K, P) the splines of the regression at distances r (P,)."""
    return splines.radial(r, h, INTERVALS).basis * splines.taper(r, h)[0]


def penalty(matrix: Tensor, bends: Sequence[Tensor]) -> Tensor:
    """Of roughness, on each group of coefficients of a normal matrix.

    Args:
        matrix: (M, M) normal matrix, which sets the scale.
        bends: matrix of the roughness of each group, in order; [0] for a single number.
    """
    blocks, first = [], 0
    for bend in bends:
        scale = matrix.diagonal()[first : first + len(bend)].mean()
        unit = torch.eye(len(bend), dtype=torch.float64)
        blocks.append(scale * (RIDGE * bend + 1e-6 * unit))
        first += len(bend)
    return torch.block_diag(*blocks)


class Normal(NamedTuple):
    """Sums of a least-squares fit with coefficients in groups of ``size``."""

    matrix: Tensor
    moment: Tensor
    bias: Tensor | float  # in the moment, of noise that the regressors share
    total: float  # sum of squares
    rows: int
    nearest: float  # smallest pair distance seen

    def penalised(self, bends: Sequence[Tensor]) -> Tensor:
        """The matrix with a roughness penalty on each group of coefficients."""
        return self.matrix + penalty(self.matrix, bends)

    def solve(self, bends: Sequence[Tensor]) -> Tensor:
        """Coefficients, see `penalised`."""
        return torch.linalg.solve(self.penalised(bends), self.moment - self.bias)

    def error(self, bends: Sequence[Tensor], theta: Tensor, basis: Tensor) -> Tensor:
        """(G,) standard error of the first curve, basis (K, G), were the residuals white."""
        own = torch.linalg.inv(self.penalised(bends))[: len(basis), : len(basis)]
        return ((own @ basis) * basis).sum(0).mul(self.residual(theta)).clamp(min=0.0).sqrt()

    def residual(self, theta: Tensor) -> float:
        """Mean square that is left."""
        fitted = float(theta @ self.matrix @ theta) - 2 * float(theta @ self.moment)
        return (self.total + fitted) / self.rows


class Group(NamedTuple):
    """Columns of a regression that belong together."""

    columns: Callable[[Batch], Tensor]  # (n, D, k)
    bends: list[Tensor]  # matrices of the roughness of parts of the k coefficients, in order


def pair_laws(h: float, count: int) -> Group:
    """The first ``count`` of pair force, friction along and friction across, as splines."""

    def found(batch: Batch) -> Tensor:
        e, v_ij = plain(batch.pairs.e), plain(batch.pairs.difference(batch.v))
        vectors = np.ascontiguousarray(laws(e, v_ij)[:, :, :count])
        return columns(batch.pairs, vectors, tapered(batch.pairs.r, h))

    return Group(found, [splines.bends(INTERVALS + 2)] * count)


def around(external: External | None) -> list[Group]:
    """An external potential, if there is one."""
    if external is None:
        return []
    return [Group(lambda batch: external.forces(batch.r), external.bends())]


def within(strain: GreenStrain | None) -> list[Group]:
    """The moduli of a solid, if it is one."""
    if strain is None:
        return []

    def found(batch: Batch) -> Tensor:
        assert batch.reference is not None  # a model with strain has read a solid
        return strain.responses(batch.reference, batch.reference.displacement(batch.r))

    return [Group(found, [torch.zeros((1, 1), dtype=torch.float64)] * 3)]


def medium(velocity: Callable[[Batch], Tensor]) -> Group:
    """Friction -x (v - u) in a medium that moves with u, x a single number without roughness."""

    def found(batch: Batch) -> Tensor:
        v = velocity(batch)
        return -(v if batch.flow is None else v - batch.flow)[:, :, None]

    return Group(found, [torch.zeros((1, 1), dtype=torch.float64)])


class Fit(NamedTuple):
    """Coefficients of every group, and the sums that they come from."""

    parts: list[Tensor]
    theta: Tensor  # all of them
    sums: Normal
    bends: list[Tensor]
    rows: list[tuple[Tensor, Tensor]]  # the parts of matrix and moment of each snapshot

    def last_error(self) -> float:
        """Standard error of the last coefficient, from the spread of scores over blocks of time."""
        through = torch.linalg.inv(self.sums.penalised(self.bends))[-1]
        moved = np.array([float(through @ (y - X @ self.theta)) for X, y in self.rows])
        parts = np.array_split(moved, min(BLOCKS, len(moved)))
        blocks = np.array([part.sum() for part in parts])
        return float(np.sqrt((blocks**2).sum() * len(blocks) / max(len(blocks) - 1, 1)))


def least_squares(batches: Iterable[Batch], groups: Sequence[Group]) -> Fit:
    """v' - v on the columns of all groups, with a roughness penalty on each of their parts."""
    bends = [bend for group in groups for bend in group.bends]
    size = sum(len(bend) for bend in bends)
    matrix, moment = torch.zeros((size, size), dtype=torch.float64), torch.zeros(size).double()
    rows, total, count, nearest = [], 0.0, 0, np.inf
    for batch in batches:
        mask = batch.mask.cpu()
        found = [group.columns(batch).double().cpu() for group in groups]
        X = torch.cat(found, 2)[mask].flatten(0, 1)
        y = batch.change().double().cpu()[mask].flatten()
        rows.append((X.T @ X, X.T @ y))
        matrix, moment = matrix + rows[-1][0], moment + rows[-1][1]
        total, count = total + float(y @ y), count + len(y)
        nearest = min(nearest, float(batch.pairs.r.min()))
    sums = Normal(matrix, moment, 0.0, total, count, nearest)
    theta = sums.solve(bends)
    sizes = [sum(len(bend) for bend in group.bends) for group in groups]
    return Fit(list(theta.split(sizes)), theta, sums, bends, rows)


def regress(
    sample: Sample,
    drag: bool = False,
    external: External | None = None,
    strain: GreenStrain | None = None,
) -> Curves:
    """Force and friction of pairs, with what surrounds them, from some training snapshots.

    The friction of a bath is regressed on the velocity before the step, which knows nothing of its
    noise: of -x v the step with friction at the mean velocity makes gamma = x / (1 - x / 2).

    Args:
        sample: of the data in reduced units.
        drag: whether there is a friction of a bath, too.
        external: potential of single particles, if there is one.
        strain: of a solid, whose moduli and pair force share what both can hold.
    """
    h = sample.snapshots.cutoff
    groups = [pair_laws(h, 3), *around(external), *within(strain)]
    groups += [medium(lambda batch: batch.v)] * drag
    few = external is None and strain is None
    fit = least_squares(sample.each(SNAPSHOTS if few else CONFINED), groups)
    r, basis = curve(fit.sums.nearest, h)
    force, along, across = fit.parts[0].reshape(3, -1) @ basis
    uncertain = fit.sums.error(fit.bends, fit.theta, basis)
    curves = Curves(r, force, along, across, fit.sums.residual(fit.theta), uncertain)
    if external is not None:
        curves = curves._replace(external=fit.parts[1])
    if strain is not None:
        curves = curves._replace(moduli=fit.parts[1 + (external is not None)])
    if drag:
        x, error = float(fit.theta[-1]), fit.last_error()
        curves = curves._replace(drag=x / (1 - x / 2), drag_error=error / (1 - x / 2) ** 2)
    return curves


def net_friction(sample: Sample, external: External | None) -> tuple[float, float]:
    """Rate at which a medium takes kinetic energy on balance, halved, and its standard error.

    Of v' - v = F - x (v + v') / 2 + noise, where x (v + v') / 2 is that of a regression: since
    (v' - v).(v + v') / 2 is the change of kinetic energy, x is what forces leave of the balance of
    energy, friction less the noise's gift, and errors of the positions cancel. Negative where the
    medium feeds motion.

    Args:
        sample: of the data in reduced units.
        external: potential of single particles, if there is one.
    """
    middle = medium(lambda batch: 0.5 * (batch.v + batch.v_next))
    groups = [pair_laws(sample.snapshots.cutoff, 1), *around(external), middle]
    fit = least_squares(sample.each(CONFINED), groups)
    return float(fit.theta[-1]), fit.last_error()


def curve(nearest: float, h: float) -> tuple[Tensor, Tensor]:
    """Distances (G,) from the nearest pair to almost h, and the splines (K, G) there."""
    r = torch.linspace(nearest, 0.97 * h, 100, dtype=torch.float64)
    return r, tapered(r, h)
