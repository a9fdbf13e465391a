"""Two kinds of particles regressed at once with their force, against a law known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import cg

from pipeline import graphs, pairs
from pipeline.learn.force_matching import Curves, plain, regress
from pipeline.learn.mixtures import (
    EXACT,
    K,
    Known,
    Links,
    Point,
    add_across,
    by_rows,
    linearised,
    regress_mixture,
    solved,
    strength_rows,
)
from pipeline.learn.snapshots import Sample, Snapshots
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice

FRAMES = 120


def made(sigma: float, side: int = 8) -> tuple[Sample, np.ndarray]:
    """Velocity changes by s_i s_j f(r) e_ij and a central friction, seen with an error.

    Every other snapshot follows from the one before it by one step; nothing else is random.
    """
    rng = np.random.default_rng(0)
    window = lattice(FRAMES, side=side)
    moved = 0.08 * LENGTH * rng.normal(size=window.position.shape)
    window = window._replace(position=window.position + moved)
    log_s = rng.choice([-0.2, 0.2], size=len(window.particle))
    log_s -= log_s.mean()
    s = torch.from_numpy(np.exp(log_s))
    near = graphs.build(window, CUTOFF * LENGTH)
    a, h = near.neighbour_distance, near.cutoff / near.neighbour_distance
    speed = 0.05 * rng.normal(size=moved.shape)
    for t in range(0, FRAMES - 1, 2):
        found = pairs.find(torch.from_numpy(window.position[t]), window.space, near.cutoff)
        u = (1 - (found.r / a / h) ** 2) ** 2
        v = torch.from_numpy(speed[t])
        approach = (found.e * found.difference(v)).sum(1)
        push = 0.05 * s[found.i] * s[found.j] * u
        f = (push - 0.2 * u * approach)[:, None] * found.e
        speed[t + 1] = (v + pairs.sum_odd(found, f)).numpy()
    window.run[:] = np.arange(FRAMES) // 2
    errors = sigma * rng.normal(size=(3, FRAMES // 2, *moved.shape[1:]))
    position, velocity = window.position.copy(), speed * a / TIME
    position[::2] += errors[1] * a
    velocity[::2] += (errors[1] - errors[0]) * a / TIME
    velocity[1::2] += (errors[2] - errors[1]) * a / TIME
    window = window._replace(position=position, velocity=velocity)
    data = Snapshots(window, graphs.build(window, CUTOFF * LENGTH), 0.0, torch.float64)
    return Sample(data, data.usable(slice(0, FRAMES))), log_s


def begin() -> np.ndarray:
    """A force that pushes, of another size and shape than the one to be found."""
    return np.linspace(0.02, 0.01, K)


def test_force_friction_and_strengths_are_found_at_once() -> None:
    sample, log_s = made(0.0)
    found = regress_mixture(sample, Known(len(log_s), 0.0, 0.3, 0, begin()))
    assert found is not None
    curves, strengths = found
    u = (1 - (curves.r / sample.snapshots.cutoff) ** 2) ** 2
    seen = curves.r > 0.75
    assert float((curves.force - 0.05 * u)[seen].abs().max()) < 2e-3
    assert float((curves.along - 0.2 * u)[seen].abs().max()) < 1e-2
    assert strengths == pytest.approx(log_s, abs=0.02)
    assert curves.residual < 1e-6


@pytest.mark.parametrize("seed", [0, 1])
def test_errors_of_the_positions_make_no_friction(seed) -> None:
    sigma = 0.02
    sample, log_s = made(sigma)
    found = regress_mixture(sample, Known(len(log_s), sigma, 0.3, seed, begin()))
    assert found is not None
    curves, strengths = found
    usual = regress(sample)
    assert abs(excess(curves, sample)) < 0.2 * excess(usual, sample)
    assert np.corrcoef(strengths, log_s)[0, 1] > 0.75


def excess(curves: Curves, sample: Sample) -> float:
    """Mean friction along and across, less what there is, where most pairs are."""
    r = curves.r
    u = (1 - (r / sample.snapshots.cutoff) ** 2) ** 2
    return float((curves.along + curves.across - 0.2 * u)[(r > 0.8) & (r < 1.4)].mean())


def test_a_force_that_pulls_is_none_to_start_from() -> None:
    sample, log_s = made(0.0)
    data = sample.snapshots
    data.batch(np.arange(len(data.mask)))  # all of them are filled
    data.v_next[:] = 2 * data.v - data.v_next
    assert regress_mixture(sample, Known(len(log_s), 0.0, 0.3, 0, begin())) is None


def test_sums_over_pairs_are_those_of_written_out_matrices() -> None:
    """Columns of the strengths by the chain rule, row by row, with rows that do not count."""
    sample, _ = made(0.0, side=4)
    batch = sample.batch(1)
    batch = batch._replace(mask=torch.arange(len(batch.mask)) % 3 > 0)
    N, h = len(batch.mask), sample.snapshots.cutoff
    known = Known(N, 0.0, 0.3, 0, begin())
    theta = np.concatenate([begin(), np.linspace(0.3, 0.1, 2 * K)])
    at = Point(theta, 0.1 * np.sin(np.arange(N)))
    here = linearised(batch, h, at, known)
    links = Links(*(plain(x) for x in (batch.pairs.i, batch.pairs.j, batch.particle)))

    def residual(log_s: np.ndarray) -> np.ndarray:
        return linearised(batch, h, at._replace(log_s=log_s), known).curves[:, :, -1].ravel()

    step = 1e-5 * np.eye(N)
    U = np.stack([residual(at.log_s - x) - residual(at.log_s + x) for x in step], 1) / 2e-5
    across = np.zeros((N, len(theta) + 1))
    add_across(links, here, across)
    assert across == pytest.approx(U.T @ here.curves.reshape(len(U), -1), abs=1e-8)
    rows = by_rows([strength_rows(links, here, plain(batch.mask))], N)
    assert rows.toarray() == pytest.approx(U, abs=1e-8)


def test_every_right_hand_side_is_solved_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    root = sparse.random(60, 60, 0.1, random_state=1)
    A, right = (
        (root @ root.T + sparse.identity(60)).tocsr(),
        rng.normal(size=(60, 5)) * [1, 10, 0, 1e-3, 1],
    )
    alone = [cg(A, x, rtol=EXACT, M=sparse.diags(1 / A.diagonal()))[0] for x in right.T]
    assert solved(A, right) == pytest.approx(np.stack(alone, 1), rel=1e-9)
