"""Forces of Brownian motion from moments at both ends of a step.

In one step, dt = m = 1 and gamma = 2, a particle moves by v' with 2 v' = F + noise of variance 4 T.
For fields B of the same form as the forces, taken at either end,

    < v' . [B(r) + B(r')] > = 1/2 < F.B (r) + F.B (r') > + T/2 < div B (r) + div B (r') >

is linear in the coefficients of F. The trapezoid is Stratonovich's integral to second order in dt.
At rest it holds for steps of any length: the left side is zero, since no motion is likelier than
its reverse, and the right side is that of Boltzmann's density, integrated by parts (Yvon, Born and
Green). So F / T is right where bonds relax within a step and moments halfway are not, and what the
structure says of fields too fine to be seen to move is not lost.

Seen are positions y = r + e. The identity holds for the fields B(r + e), too, averaged over errors
e, which cancel on the left. On the right belongs the force at r, where it cannot be evaluated. A
second error of the same size put on top says what that makes,

    < [F(y) - F(r)].B(y) > = < [F(y + e') - F(y)].B(y + e') >

to first order in the variance (Cook and Stefanski, J. Am. Stat. Assoc. 89, 1314 (1994)). Only the
force is extrapolated so, which is smooth over an error; the density at contact is not, and to take
off in the same way what blurs it makes forces there a quarter too large. In the second average
stand the forces that fit y: they are to y as those that are looked for are to r.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.force_matching import INTERVALS, columns, curve, penalty, plain
from pipeline.learn.overdamped import shifted
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Sample
from pipeline.trajectory import evenly

SNAPSHOTS = 2000  # at most, evenly spread: forces drown in noise
BLOCKS = 40  # of time
FEW = 200  # the same to see whether there is attraction
FINE = 40  # intervals of splines that hold the force of any closure
SHORT = 1e-3  # displacement to see how an external force changes [a]
PULL = 4.0  # standard errors by which a mean force pulls, for particles to be said to attract


class Blurred(NamedTuple):
    """Errors of the positions, and the forces by which what they hide is found."""

    error: float  # variance per component
    theta: Tensor  # (M,) as the positions with errors have them


class Moments(NamedTuple):
    """Sums over rows and components in blocks of time: (matrix - hidden) @ theta + T spread =
    moment, with ``hidden`` for the error of the positions ``error``, to which it is proportional.
    """

    matrix: Tensor  # (b, M, M) of B.B
    hidden: Tensor  # (b, M, M) of B(y + e').[B(y + e') - B(y)]
    moment: Tensor  # (b, M) of v'.(B + B')
    spread: Tensor  # (b, M) of div B
    error: float  # variance of e' per component
    nearest: float  # smallest pair distance seen
    snapshots: int  # looked at

    def rest(self, T: float, blurred: Blurred | None = None) -> Tensor:
        """(b, M) moments of the forces where particles are seen.

        Args:
            T: variance of v' per component, error of the positions taken off.
            blurred: what the errors hide is added.
        """
        rest = self.moment - T * self.spread
        if blurred is None or blurred.error <= 0:
            return rest
        return rest + (blurred.error / self.error) * (self.hidden @ blurred.theta)

    def normal(
        self, T: float, bends: Sequence[Tensor], blurred: Blurred | None = None
    ) -> tuple[Tensor, Tensor]:
        """A (M, M) and q (M,) of A theta = q, A the inverse covariance of what theta is found.

        Were the noise of steps all that makes moments scatter, their covariance would be 4 T N, N
        the matrix; errors of the positions cancel from step to step. Structure that changes with
        every frame scatters more, by about half as blocks of time show: by the median over
        coefficients.

        Args:
            T, blurred: see `rest`.
            bends: of the roughness of groups of coefficients, for the residuals of the blocks.
        """
        N, rest = self.matrix.sum(0), self.rest(T, blurred)
        theta = torch.linalg.solve(N + penalty(N, bends), rest.sum(0))
        left, own = (rest - self.matrix @ theta).square().sum(0), N.diagonal()
        seen = own > 0
        scatter = float((left[seen] / own[seen]).median()) * len(rest) / max(len(rest) - 1, 1)
        scatter = max(scatter, 4 * T)
        return N / scatter, rest.sum(0) / scatter


class Fields(NamedTuple):
    """Fields of unit coefficients at the rows that count."""

    force: Tensor  # (n D, M)
    spread: Tensor  # (M,) sum of their divergences


def moments(
    sample: Sample,
    most: int,
    error: float = 0.0,
    external: External | None = None,
    intervals: int = INTERVALS,
) -> Moments:
    """Sums for the forces of pairs and of an external potential.

    Args:
        sample: of the data in reduced units.
        most: snapshots to use.
        error: variance per component of an error put on the positions, to see what errors hide
            [a^2].
        external: potential of single particles; its coefficients come after those of pairs.
        intervals: of the splines of the pair force.
    """
    generator = torch.Generator(sample.snapshots.device).manual_seed(0)
    parts: list[tuple[Tensor, ...]] = []
    nearest = []
    for t in evenly(sample.times, most):
        now, after = sample.snapshots.batch(np.array([t])), sample.snapshots.after(np.array([t]))
        ends = ((now, now.mask.nonzero()[:, 0]), (after, now.next_row[now.mask]))
        seen = [fields(batch, rows, sample, external, intervals) for batch, rows in ends]
        own = _mean([end.force.T @ end.force for end in seen])
        hidden = torch.zeros_like(own)
        if error > 0:
            more = [
                fields(_blurred(batch, error, generator), rows, sample, external, intervals).force
                for batch, rows in ends
            ]
            hidden = _mean([x.T @ (x - end.force) for x, end in zip(more, seen, strict=True)])
        v = now.v_next[now.mask].double().cpu().flatten()
        moment = v @ (seen[0].force + seen[1].force)
        parts.append((own, hidden, moment, _mean([end.spread for end in seen])))
        nearest.append(float(now.pairs.r.min()))
    cuts = np.array_split(np.arange(len(parts)), min(BLOCKS, len(parts)))
    matrix, hidden, moment, spread = (
        torch.stack([torch.stack([x[k] for k in cut]).sum(0) for cut in cuts])
        for x in zip(*parts, strict=True)
    )
    return Moments(matrix, hidden, moment, spread, error, min(nearest), len(parts))


def fields(
    batch: Batch, rows: Tensor, sample: Sample, external: External | None, intervals: int
) -> Fields:
    """The fields at some rows (m,) of a batch."""
    pairs, h = batch.pairs, sample.snapshots.cutoff
    at, (factor, fade) = splines.radial(pairs.r, h, intervals), splines.taper(pairs.r, h)
    basis, slope = at.basis * factor, at.slope * factor + at.basis * fade
    counted = torch.zeros_like(batch.r[:, 0])
    counted[rows] = 1.0
    ends, D = counted[pairs.i] + counted[pairs.j], batch.r.shape[1]
    spread = slope @ ends + (basis / pairs.r) @ ((D - 1) * ends)
    force = columns(pairs, plain(pairs.e)[:, :, None], basis)
    if external is not None:
        force = torch.cat([force, external.forces(batch.r).double().cpu()], 2)
        spread = torch.cat([spread, _divergence(external, batch.r[rows])])
    return Fields(force[rows.cpu()].flatten(0, 1), spread.double().cpu())


def _mean(ends: list[Tensor]) -> Tensor:
    return 0.5 * (ends[0] + ends[1])


def _blurred(batch: Batch, error: float, generator: torch.Generator) -> Batch:
    noise = torch.randn(
        batch.r.shape, generator=generator, dtype=batch.r.dtype, device=batch.r.device
    )
    return shifted(batch, error**0.5 * noise)


def _divergence(external: External, r: Tensor) -> Tensor:
    """(K,) of the forces of unit coefficients, summed over places r (n, D)."""
    changes = []
    for axis in range(r.shape[1]):
        shift = torch.zeros_like(r)
        shift[:, axis] = SHORT
        change = external.forces(r + shift)[:, axis] - external.forces(r - shift)[:, axis]
        changes.append(change.sum(0) / (2 * SHORT))
    return torch.stack(changes).sum(0)


def attracts(sample: Sample, measured: Measured) -> bool:
    """Whether the mean force of Brownian pairs pulls somewhere, by PULL of its standard errors.

    Args:
        sample: of the data in reduced units.
        measured: scales of the data.
    """
    sums, bends = moments(sample, FEW), [splines.bends(INTERVALS + 2)]
    A, q = sums.normal(measured.temperature, bends)
    inverse = torch.linalg.inv(A + penalty(A, bends))
    _, basis = curve(sums.nearest, sample.snapshots.cutoff)
    force = inverse @ q @ basis
    error = ((inverse @ basis) * basis).sum(0).sqrt()
    return bool((force + PULL * error < 0).any())
