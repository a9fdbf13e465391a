"""Forces of a solid by generalised least squares: the noise of all its particles at once.

Pairs push their two ends in opposite directions, by friction as by noise. What noise leaves of a
long wave is therefore little, and so is its force: a likelihood of particles by themselves, which
takes their noises for independent, sees that force under all of their noise. With the covariance C
of the residuals R_t (N D,) of a snapshot,

    L = 1/2 sum_t R_t^T C^-1 R_t,      C = sum_pairs K_ij (u_i - u_j)(u_i - u_j)^T

(Aitken, Proc. R. Soc. Edinburgh 55, 42 (1935); u_i picks particle i, K_ij is what the noise of a
pair gives to either end). Bonds hardly turn, so one C serves for all snapshots, and weights that
are a little off cost efficiency, not truth. Of a lattice of springs it halves the errors of the
moduli, which are those of long waves.

Free are the kernel and the strain energy: with the equation of state as it was trained they hold
every force between pairs that have a potential. In the coefficients of the strain energy forces are
linear; one that the data would have below zero stays at a thousandth of what the others are.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor, nn

from pipeline.closures.strain import GreenStrain
from pipeline.learn import bands
from pipeline.learn.gauss_newton import jacobian
from pipeline.learn.snapshots import Batch, Sample, Snapshots, shifted
from pipeline.trajectory import evenly

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

MEAN = 5  # snapshots that the covariance is of
CURVED = 20  # snapshots that the curvature is from
AT_ONCE = 10  # snapshots
SOFT = 1e-3  # of the unit of a coefficient of the strain energy, at least
LEAST = 1e-3  # of the mean variance, given to what pairs leave still: the motion of the whole


def applies(learner: Learner) -> bool:
    """Whether these are the forces of a solid whose steps hold the noise of its pairs alone."""
    plain = learner.options.closures == "splines" and learner.options.pair_friction
    bare = learner.model.bath is None and not (learner.noise.shake or learner.corrected)
    return isinstance(learner.model.strain, GreenStrain) and plain and bare


class SolidForces:
    """L of the training block, per row that counts, with its derivatives; see `refinement`.

    Args:
        learner: of a solid, trained.
        sample: what it was trained on.
    """

    def __init__(self, learner: Learner, sample: Sample) -> None:
        self.learner, self.sample = learner, sample
        self.names = ["model.volume.coefficients"] + [
            f"model.strain.{name}" for name, _ in learner.model.strain.named_parameters()
        ]
        self.parameters: list[nn.Parameter] = [learner.get_parameter(name) for name in self.names]
        # Rows that count in every snapshot: of a solid all particles are always there.
        snapshots = sample.snapshots
        self.kept = torch.from_numpy(snapshots.mask[sample.times].all(axis=0)).nonzero()[:, 0]
        self.rows = len(self.kept) * len(sample.times)
        self.unit = _units(self._strains())
        self.halfway = of_the_moment(sample)
        self.noise = _noise(learner, sample)
        self.factor = splu(self._covariance().tocsc())

    @torch.no_grad()
    def move(self, change: Tensor) -> None:
        """Adds to the coefficients of the kernel, and, in `unit`, to those of the strain energy."""
        kernel = self.parameters[0]
        kernel.add_(change[: len(kernel)].to(kernel))
        steps = self.unit * change[len(kernel) :]
        values = (self._strains() + steps).clamp(min=SOFT * self.unit)
        parts = values.log().split([p.numel() for p in self.parameters[1:]])
        for p, part in zip(self.parameters[1:], parts, strict=True):
            p.copy_(part.reshape(p.shape))

    def _strains(self) -> Tensor:
        """Coefficients of the strain energy [T0]."""
        return torch.cat([p.detach().flatten() for p in self.parameters[1:]]).double().cpu().exp()

    def _slopes(self) -> Tensor:
        """(p,) derivative of the parameters, which are logarithms, in the coordinates of `move`."""
        kernel = torch.ones(len(self.parameters[0]), dtype=torch.float64)
        return torch.cat([kernel, self.unit / self._strains()])

    def _stuck(self, gradient: Tensor) -> Tensor:
        """(p,) whether a coefficient is as small as it may be and would be smaller."""
        least = self._strains() < 1.01 * SOFT * self.unit
        free = torch.zeros(len(self.parameters[0]), dtype=torch.bool)
        return torch.cat([free, least]) & (gradient > 0)

    def whole(self) -> tuple[float, Tensor]:
        """Loss and gradient (p,), each per row, zero where nothing can move."""
        times = self.sample.times
        parts = np.array_split(times, -(-len(times) // AT_ONCE))
        losses, gradients = zip(*(self.part(some) for some in parts), strict=True)
        loss, gradient = sum(losses) / self.rows, torch.stack(gradients).sum(0) / self.rows
        penalty = self._penalty()
        slope = torch.autograd.grad(penalty, self.parameters, allow_unused=True)
        gradient = (gradient + bands.flat(slope, self.parameters)) * self._slopes()
        gradient[self._stuck(gradient)] = 0.0
        return loss + float(penalty.detach()), gradient

    def part(self, times: np.ndarray) -> tuple[float, Tensor]:
        """Loss and gradient (p,) of some snapshots, summed over their rows."""
        with torch.enable_grad():
            R = self._residuals(self.sample.snapshots.batch(times))
            weighted = self._solve(R.detach())
            slope = torch.autograd.grad((R * weighted.to(R)).sum(), self.parameters)
        half = 0.5 * float((R.detach().double().cpu() * weighted).sum())
        return half, bands.flat(slope, self.parameters)

    def scored(self, times: np.ndarray) -> np.ndarray:
        """(T,) of L of each of some snapshots, per row."""
        return np.array([self.part(np.array([t]))[0] for t in times]) / len(self.kept)

    def keep_noise(self) -> None:
        """Makes the noise as large as it was: friction follows the volumes, and they the kernel."""
        factor = self.noise / _noise(self.learner, self.sample)
        self.learner.model.friction.amplify(momentum=float(np.log(factor)))

    def curvature(self) -> Tensor:
        """(p, p) of the loss per row, in the coordinates of `move`."""
        slopes = self._slopes()
        return slopes[:, None] * self._fisher() * slopes + self._prior()

    def _fisher(self) -> Tensor:
        """(p, p) J^T C^-1 J per row, of some snapshots, J = dR/dtheta of the parameters theta."""
        times = evenly(self.sample.times, CURVED)
        size = sum(p.numel() for p in self.parameters)
        H = torch.zeros((size, size), dtype=torch.float64)
        for t in times:
            batch = self.sample.snapshots.batch(np.array([t]))
            pairs = len(batch.pairs.i)
            J = jacobian(self.learner, self.names, partial(self._residuals, batch), pairs)
            J = J.detach().cpu()
            H += J @ self._solve(J).T
        return H / (len(times) * len(self.kept))

    def information(self, count: int) -> bands.Information:
        """What the training block says of the parameters, scores of at most ``count`` snapshots."""
        snapshots, times = self.sample.snapshots, self.sample.times
        chosen, blocks = bands.choose_snapshots(times, count, snapshots.order)
        scores = torch.stack([self.part(np.array([t]))[1] for t in chosen])
        prior, fisher = self.rows * self._prior(), self.rows * self._fisher()
        share = len(chosen) / len(times)
        return bands.Information(scores, blocks, share, prior, len(chosen), fisher)

    def _prior(self) -> Tensor:
        """(p, p) curvature of the penalty per row."""
        with torch.enable_grad():
            return bands.second_derivatives(self._penalty(), self.parameters).detach()

    def _penalty(self) -> Tensor:
        return self.learner.penalty() / self.learner.rows

    def _covariance(self) -> sparse.csr_matrix:
        """C (n D, n D) of the particles kept."""
        D = self.sample.snapshots.dimension
        own = (self.kept.numpy()[:, None] * D + np.arange(D)).ravel()
        found = covariance(self.learner, self.sample)[own][:, own]
        still = LEAST * float(found.diagonal().mean()) + float(self.learner.extra)
        return found + still * sparse.identity(len(own))

    def _residuals(self, batch: Batch) -> Tensor:
        """(B, n D) R of the rows that are kept, in B snapshots."""
        S = self.learner.entropy(batch)
        at = shifted(batch, 0.5 * batch.v) if self.halfway else batch
        R = self.learner.evaluate(at, S)[1]
        one = R.reshape(-1, self.sample.snapshots.particles, R.shape[1])
        return one[:, self.kept.to(R.device)].flatten(1)

    def _solve(self, x: Tensor) -> Tensor:
        """C^-1 x^T for the rows of x (B, n D), in its shape (B, n D)."""
        return torch.from_numpy(
            self.factor.solve(x.detach().double().cpu().numpy().T.copy()).T.copy()
        )


def _units(strains: Tensor) -> Tensor:
    """Of c_k, b and s: the largest of c_1, b and s for those, each further c_k its own."""
    units = strains.clone()
    first = [0, len(strains) - 2, len(strains) - 1]
    units[first] = strains[first].max()
    return units


@torch.no_grad()
def covariance(learner: Learner, sample: Sample) -> sparse.csr_matrix:
    """sum_pairs K_ij (u_i - u_j)(u_i - u_j)^T (N D, N D), the mean over some snapshots."""
    D, N = sample.snapshots.dimension, sample.snapshots.particles
    total, axis = sparse.csr_matrix((N * D, N * D)), np.arange(D)
    times = evenly(sample.times, MEAN)
    for t in times:
        batch = sample.snapshots.batch(np.array([t]))
        dynamics = learner.dynamics(batch, batch.v, learner.entropy(batch))
        K = learner.pair_noise(dynamics).double().cpu().numpy() / len(times)
        i, j = (batch.particle[k].cpu().numpy() for k in (batch.pairs.i, batch.pairs.j))
        for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            rows = np.broadcast_to((a[:, None] * D + axis)[:, :, None], K.shape)
            columns = np.broadcast_to((b[:, None] * D + axis)[:, None, :], K.shape)
            entries = (sign * K).ravel(), (rows.ravel(), columns.ravel())
            total = total + sparse.csr_matrix(entries, shape=total.shape)
    return total


@torch.no_grad()
def of_the_moment(sample: Sample) -> bool:
    """Whether velocities are those of the moment, and not means over the step before.

    Then a path is r' - r = (v + v') / 2, else v', and the force of a step is that of its middle.
    """
    off = torch.zeros(2)
    for t in evenly(sample.times, MEAN):
        now, path = step_taken(sample.snapshots, int(t))
        for k, v in enumerate((0.5 * (now.v + now.v_next), now.v_next)):
            off[k] += (path - v)[now.mask].square().sum().cpu()
    return bool(off[0] < off[1])


def step_taken(snapshots: Snapshots, t: int) -> tuple[Batch, Tensor]:
    """Snapshot t of a solid, and the paths r' - r (N, D) of its particles to the next one."""
    now, after = snapshots.batch(np.array([t])), snapshots.after(np.array([t]))
    assert snapshots.reference is not None
    return now, snapshots.reference.space.displacement(after.r[now.next_row], now.r)[0]


@torch.no_grad()
def _noise(learner: Learner, sample: Sample) -> float:
    """Mean variance of the model's noise."""
    batch = sample.batch(MEAN)
    dynamics = learner.dynamics(batch, batch.v, learner.entropy(batch))
    vv = learner.model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2)
    return float(vv[batch.mask].mean())
