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

from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.snapshots import Batch, Sample
from pipeline.pairs import sum_odd

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


def features(batch: Batch, h: float) -> Tensor:
    """(n, D, 3 K) what unit spline coefficients of force and frictions do to each particle."""
    pairs = batch.pairs
    v_ij = pairs.difference(batch.v)
    basis = splines.radial(pairs.r, h, INTERVALS).basis * splines.taper(pairs.r, h)[0]
    radial_v = (pairs.e * v_ij).sum(1, keepdim=True) * pairs.e
    fields = (pairs.e, -radial_v, radial_v - v_ij)
    columns = torch.stack([b[:, None] * x for x in fields for b in basis], 2)
    return sum_odd(pairs, columns)


class Normal(NamedTuple):
    """Sums of a least-squares fit with coefficients in groups of ``size``."""

    matrix: Tensor
    moment: Tensor
    bias: Tensor | float  # in the moment, of noise that the regressors share
    total: float  # sum of squares
    rows: int
    nearest: float  # smallest pair distance seen

    def penalised(self, bends: Sequence[Tensor]) -> Tensor:
        """The matrix with a roughness penalty on each group of coefficients.

        Args:
            bends: matrix of the roughness of each group, in order; [0] for a single number.
        """
        blocks, first = [], 0
        for bend in bends:
            scale = self.matrix.diagonal()[first : first + len(bend)].mean()
            unit = torch.eye(len(bend), dtype=torch.float64)
            blocks.append(scale * (RIDGE * bend + 1e-6 * unit))
            first += len(bend)
        return self.matrix + torch.block_diag(*blocks)

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


def bend(size: int) -> Tensor:
    """(size, size) sum of squared second differences of the coefficients of a spline."""
    second = torch.eye(size, dtype=torch.float64).diff(n=2, dim=0)
    return second.T @ second


NUMBER = torch.zeros((1, 1), dtype=torch.float64)  # the roughness of a single number


def regress(sample: Sample, drag: bool = False, external: External | None = None) -> Curves:
    """Least squares over some training snapshots, with a roughness penalty.

    The friction of a bath is regressed on the velocity before the step, which knows nothing of its
    noise: of -x v the step with friction at the mean velocity makes gamma = x / (1 - x / 2).

    Args:
        sample: of the data in reduced units.
        drag: whether there is a friction of a bath, too.
        external: potential of single particles, if there is one.
    """
    h, K = sample.snapshots.cutoff, INTERVALS + 2
    bends = [bend(K)] * 3 + ([] if external is None else [external.bends()])
    bends += [NUMBER] * drag
    size = sum(len(bend) for bend in bends)

    def columns(batch: Batch) -> list[Tensor]:
        found = [features(batch, h)]
        if external is not None:
            found.append(external.forces(batch.r))
        if drag:
            found.append(-_relative(batch, batch.v))
        return found

    most = SNAPSHOTS if external is None else CONFINED
    sums, rows = _least_squares(sample.each(most), columns, size)
    theta = sums.solve(bends)
    r, basis = curve(sums.nearest, h)
    force, along, across = theta[: 3 * K].reshape(3, K) @ basis
    curves = Curves(r, force, along, across, sums.residual(theta), sums.error(bends, theta, basis))
    if external is not None:
        curves = curves._replace(external=theta[3 * K : 3 * K + len(bends[3])])
    if drag:
        x, error = float(theta[-1]), _error(sums.penalised(bends), rows, theta)
        curves = curves._replace(drag=x / (1 - x / 2), drag_error=error / (1 - x / 2) ** 2)
    return curves


Rows = list[tuple[Tensor, Tensor]]  # the parts of matrix and moment of each snapshot


def _least_squares(
    batches: Iterable[Batch], columns: Callable[[Batch], list[Tensor]], size: int
) -> tuple[Normal, Rows]:
    """Sums for v' - v on ``size`` columns, (n, D, k) each, and those of every snapshot."""
    normal, moment = torch.zeros((size, size), dtype=torch.float64), torch.zeros(size).double()
    rows, total, count, seen = [], 0.0, 0, []
    for batch in batches:
        X = torch.cat(columns(batch), 2)[batch.mask].double().cpu().flatten(0, 1)
        y = batch.change()[batch.mask].double().cpu().flatten()
        rows.append((X.T @ X, X.T @ y))
        normal, moment = normal + rows[-1][0], moment + rows[-1][1]
        total, count = total + float(y @ y), count + len(y)
        seen.append(float(batch.pairs.r.min()))
    return Normal(normal, moment, 0.0, total, count, min(seen)), rows


def _relative(batch: Batch, v: Tensor) -> Tensor:
    """Velocities relative to the medium as a column (n, D, 1)."""
    return (v if batch.flow is None else v - batch.flow)[:, :, None]


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
    h, K = sample.snapshots.cutoff, INTERVALS + 2
    bends = [bend(K)] + ([] if external is None else [external.bends()]) + [NUMBER]

    def columns(batch: Batch) -> list[Tensor]:
        found = [features(batch, h)[:, :, :K]]
        if external is not None:
            found.append(external.forces(batch.r))
        return [*found, -_relative(batch, 0.5 * (batch.v + batch.v_next))]

    size = sum(len(bend) for bend in bends)
    sums, rows = _least_squares(sample.each(CONFINED), columns, size)
    theta = sums.solve(bends)
    return float(theta[-1]), _error(sums.penalised(bends), rows, theta)


def _error(matrix: Tensor, rows: Rows, theta: Tensor) -> float:
    """Standard error of the last coefficient, from the spread of scores over blocks of time.

    Args:
        matrix: penalised normal matrix.
        rows: the parts of matrix and moment of each snapshot, in order of time.
        theta: coefficients.
    """
    through = torch.linalg.inv(matrix)[-1]
    moved = np.array([float(through @ (y - X @ theta)) for X, y in rows])
    blocks = np.array([part.sum() for part in np.array_split(moved, min(BLOCKS, len(moved)))])
    return float(np.sqrt((blocks**2).sum() * len(blocks) / max(len(blocks) - 1, 1)))


def curve(nearest: float, h: float) -> tuple[Tensor, Tensor]:
    """Distances (G,) from the nearest pair to almost h, and the tapered basis (K, G) there."""
    r = torch.linspace(nearest, 0.97 * h, 100, dtype=torch.float64)
    return r, splines.radial(r, h, INTERVALS).basis * splines.taper(r, h)[0]
