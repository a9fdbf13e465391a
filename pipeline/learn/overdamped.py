"""Brownian motion: forces halfway along the step, in the likelihood and in the regression.

A frame is long against steep forces: over one step of a tracked colloid its force may change by a
quarter, and drift and noise taken at the beginning (Ito) learn a force averaged over the frame,
5 to 12 % too small near contact. Taken halfway (Stratonovich), with r' = r + v',

    2 v' = F(r + v'/2) / m + noise of variance 4 T_b / m        dt = 1, gamma = 2

force and diffusion are right to second order in dt, in a harmonic trap T exactly so. Localisation
error cancels in the product of displacement and halfway force, which makes it the better choice
for tracks as well (Frishman and Ronceray, Phys. Rev. X 10, 021009 (2020)). v' enters its own mean:
its density has the Jacobian det(2 - (dF/dr) / 2m) = 2^D det(1 + A), A = -(dF/dr) / 4m.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.closures import splines
from pipeline.closures.external import External
from pipeline.learn.force_matching import INTERVALS, Curves, Normal, columns, curve, plain
from pipeline.learn.scales import Measured
from pipeline.learn.snapshots import Batch, Sample
from pipeline.pairs import Pairs, displaced, sum_even, sum_sided
from pipeline.trajectory import evenly

SNAPSHOTS = 2000  # of the regression, evenly spread: forces drown in noise
ROUGH = 200  # the same of its first rounds, for the Jacobian
FINE = 40  # intervals of splines that hold the force of any closure
SHORT = 1e-3  # displacement to see how an external force changes [a]
PULL = 4.0  # standard errors by which a mean force pulls, for particles to be said to attract


def shifted(batch: Batch, shift: Tensor) -> Batch:
    """The batch with its particles moved by ``shift`` (n, D), velocities as they are."""
    return batch._replace(r=batch.r + shift, pairs=displaced(batch.pairs, shift))


def halfway(batch: Batch) -> Batch:
    """The batch halfway to its next snapshot; who is not seen there stays."""
    return shifted(batch, 0.5 * batch.v_next)


def contraction(
    force: Callable[[Batch], Tensor], here: Batch, at: Tensor, length: float, probe: Tensor
) -> Tensor:
    """ln det(1 + A) per particle (n,), A = -(dF/dr) / 4 at unit mass, estimated by a random probe.

    With x ~ N(0, 1) on every coordinate and A symmetric, y = A x and z = A y,

        ln det(1 + A) = E[ x.y - y.y / 2 + y.z / 3 - z.z / 4 ] + O(A^5)

    (Hutchinson, Commun. Stat. 18, 1059 (1989)). A x is the change of the force over a short
    displacement along x: one evaluation each, and no second derivative of a closure.

    Args:
        force: F / m (n, D) of a batch.
        here: the batch halfway.
        at: (n, D) its force.
        length: of the displacement, per component [a].
        probe: (n, D) x.
    """

    def changed(x: Tensor) -> Tensor:
        return 0.25 * (at - force(shifted(here, length * x))) / length

    y = changed(probe)
    z = changed(y)
    return (probe * y - y * y / 2 + y * z / 3 - z * z / 4).sum(1)


def probes(batch: Batch, generator: torch.Generator) -> Tensor:
    """Independent N(0, 1) numbers (n, D)."""
    return torch.randn(
        batch.r.shape, generator=generator, dtype=batch.r.dtype, device=batch.r.device
    )


def halfway_sums(
    sample: Sample,
    most: int,
    T: float,
    known: Tensor | None = None,
    external: External | None = None,
    intervals: int = INTERVALS,
) -> Normal:
    """Sums for the forces of Brownian motion, 2 v' = sum_j f(r_ij) e_ij + f_ext + noise, halfway.

    The noise moves the point halfway. For a field B of forces on particle i,

        <2 v'_i . B> = <F_i . B> + T tr[ (1 + A)^-1 dB/dr ]_ii,   A = -(dF/dr) / 4,

    the gradient of the Jacobian, which makes this the maximum of the likelihood; the last term is
    the bias of the moments (to first order in A: Frishman and Ronceray, eq. 10).

    Args:
        sample: of the data in reduced units.
        most: snapshots to use.
        T: variance of v' per component, localisation error taken off.
        known: (K + K',) coefficients of F for A; None takes A = 0.
        external: potential of single particles, if there is one, of K' coefficients.
        intervals: of the splines of the pair force, whose K coefficients come first.
    """
    h, K = sample.snapshots.cutoff, intervals + 2
    size = K + sum(len(bend) for bend in ([] if external is None else external.bends()))
    normal, moment = torch.zeros((size, size), dtype=torch.float64), torch.zeros(size).double()
    bias, total, count, seen = torch.zeros_like(moment), 0.0, 0, []
    for here in sample.each(most):
        batch = halfway(here)
        pairs, mask = batch.pairs, batch.mask
        at, (factor, fade) = splines.radial(pairs.r, h, intervals), splines.taper(pairs.r, h)
        basis, slope = at.basis * factor, at.slope * factor + at.basis * fade
        felt = None if external is None else _felt(external, batch.r)
        own = None if felt is None or known is None else felt.slope @ known[K:].to(basis)
        C, G = _damping(pairs, mask, basis, slope, None if known is None else known[:K], own)
        along = (pairs.e[:, None, :] @ G @ pairs.e[:, :, None])[:, 0, 0]
        whole = G.diagonal(dim1=1, dim2=2).sum(1)
        spread = slope @ along + (basis / pairs.r) @ (whole - along)
        X = columns(pairs, plain(pairs.e)[:, :, None], basis)
        if felt is not None:
            X = torch.cat([X, felt.force.double().cpu()], 2)
            spread = torch.cat([spread, torch.einsum("nab,nbak->k", C[mask], felt.slope[mask])])
        X = X[mask.cpu()].flatten(0, 1)
        y = 2 * batch.v_next[mask].double().cpu().flatten()
        normal, moment = normal + X.T @ X, moment + X.T @ y
        bias += T * spread.double().cpu()
        total, count = total + float(y @ y), count + len(y)
        seen.append(float(pairs.r.min()))
    return Normal(normal, moment, bias, total, count, min(seen))


class Felt(NamedTuple):
    """Forces of an external potential, of each of its K coefficients at one."""

    force: Tensor  # (n, D, K)
    slope: Tensor  # (n, D, D, K) of component a of the force along axis b


def _felt(external: External, r: Tensor) -> Felt:
    slopes = []
    for axis in range(r.shape[1]):
        shift = torch.zeros_like(r)
        shift[:, axis] = SHORT
        slopes.append((external.forces(r + shift) - external.forces(r - shift)) / (2 * SHORT))
    return Felt(external.forces(r), torch.stack(slopes, 2))


def _damping(
    pairs: Pairs,
    mask: Tensor,
    basis: Tensor,
    slope: Tensor,
    known: Tensor | None,
    own: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """C_ii (n, D, D) of C = (1 + A)^-1, and G = C_ii - C_ij + C_jj - C_ji (P, D, D) of ends that
    count.

    The own blocks of A are inverted, c_i = (1 + A_ii)^-1, those of pairs, A_ij = -g, expanded:
    C_ij = c_i g c_j and C_ii = c_i + c_i (sum_j g c_j g) c_i.

    Args:
        known: (K,) coefficients of the pair force; None takes A = 0.
        own: (n, D, D) derivative of the external force, if there is one.
    """
    counted = mask.to(basis.dtype)[:, None, None]
    unit = torch.eye(pairs.e.shape[1], dtype=basis.dtype, device=basis.device)
    i, j = pairs.i, pairs.j
    if known is None:
        return unit.expand(pairs.n, *unit.shape), (counted[i] + counted[j]) * unit
    theta = known.to(basis)
    across = -0.25 * (theta @ basis) / pairs.r
    axial = -0.25 * theta @ slope - across
    g = axial[:, None, None] * pairs.e[:, :, None] * pairs.e[:, None, :]
    g = g + across[:, None, None] * unit
    A = sum_even(pairs, g) if own is None else sum_even(pairs, g) - 0.25 * own
    c = torch.linalg.inv(unit + A)
    C = c + c @ sum_sided(pairs, g @ c[j] @ g, g @ c[i] @ g) @ c
    cross = c[i] @ g @ c[j]
    G = counted[i] * (C[i] - cross) + counted[j] * (C[j] - cross.transpose(1, 2))
    return C, G


def first_forces(
    sample: Sample,
    T: float,
    error: float,
    external: External | None = None,
) -> tuple[float, Tensor]:
    """T and coefficients of the forces, see `halfway_sums`, from few snapshots."""
    bends = [splines.bends(INTERVALS + 2)]
    if external is not None:
        bends += external.bends()
    sums = halfway_sums(sample, ROUGH, T, None, external)
    for _ in range(2):
        theta = sums.solve(bends)
        T = max(sums.residual(theta) / 4 - error, 0.05 * T)
        sums = halfway_sums(sample, ROUGH, T, theta, external)
    return T, sums.solve(bends)


def finer(theta: Tensor, h: float, intervals: int) -> Tensor:
    """Coefficients of the same forces with more intervals of the pair force."""
    r = torch.linspace(0.0, 0.999 * h, 20 * intervals, dtype=torch.float64)
    fade = splines.taper(r, h)[0]
    coarse, fine = (splines.radial(r, h, n).basis * fade for n in (INTERVALS, intervals))
    unit = torch.eye(len(fine), dtype=torch.float64)
    force = theta[: INTERVALS + 2] @ coarse
    return torch.cat(
        [torch.linalg.solve(fine @ fine.T + 1e-8 * unit, fine @ force), theta[INTERVALS + 2 :]]
    )


def regress_halfway(sample: Sample, T: float, error: float = 0.0) -> Curves:
    """The pair force of Brownian motion, see `halfway_sums`; the residual is of 2 v'.

    Args:
        sample: of the data in reduced units.
        T: variance of v' per component to begin with.
        error: variance of v' due to localisation.
    """
    T, theta = first_forces(sample, T, error)
    sums, bends = halfway_sums(sample, SNAPSHOTS, T, theta), [splines.bends(INTERVALS + 2)]
    theta = sums.solve(bends)
    r, basis = curve(sums.nearest, sample.snapshots.cutoff)
    uncertain = sums.error(bends, theta, basis)
    return Curves(r, theta @ basis, 0 * r, 0 * r, sums.residual(theta), uncertain)


def attracts(sample: Sample, measured: Measured) -> bool:
    """Whether the mean force of Brownian pairs pulls somewhere, by PULL of its standard errors.

    Args:
        sample: of the data in reduced units.
        measured: scales of the data.
    """
    few = sample._replace(times=evenly(sample.times, ROUGH))
    curves = regress_halfway(few, measured.temperature, measured.noise)
    return bool((curves.force + PULL * curves.error < 0).any())
