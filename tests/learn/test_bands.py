"""Bands hold the truth as often as they say, on films of Brownian particles with known law."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from pipeline import graphs
from pipeline.closures import splines
from pipeline.errors import InputError
from pipeline.learn.bands import (
    Information,
    Z,
    affordable,
    choose_snapshots,
    deviation,
    information,
    parts,
    split,
)
from pipeline.learn.data import Transition, Transitions
from pipeline.learn.order import Order
from pipeline.learn.task import prepare
from pipeline.metriplectic.model import build
from pipeline.metriplectic.presets import preset
from tests.dynamics.systems import CUTOFF, LENGTH
from tests.dynamics.test_bath import soft
from tests.learn.test_overdamped import SETTINGS, D, film


def test_a_straight_line_has_the_bands_of_least_squares() -> None:
    """Independent scores of a linear fit: the textbook's standard errors."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(4000, generator=generator, dtype=torch.float64)
    slope = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    scores = -(noise[:, None] * x)
    blocks = np.repeat(np.arange(20), 200)
    known = Information(scores, blocks, 1.0, torch.zeros((2, 2), dtype=torch.float64), 20)
    curve = torch.stack((slope[0], slope[0] + slope[1]))
    exact = torch.tensor([1.0, 2.0]).sqrt().numpy() / 4000**0.5
    assert deviation(known, curve, [slope]) == pytest.approx(exact, rel=0.5)
    assert (deviation(known, curve, [slope]) > 0.95 * exact).all()


def test_scores_that_repeat_themselves_widen_a_band() -> None:
    generator = torch.Generator().manual_seed(1)
    few = torch.randn(20, 1, generator=generator, dtype=torch.float64)
    slope = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    blocks, zero = np.repeat(np.arange(20), 50), torch.zeros((1, 1), dtype=torch.float64)
    repeated = Information(few.repeat_interleave(50, 0), blocks, 1.0, zero, 20)
    mixed = Information(few.repeat(50, 1), blocks, 1.0, zero, 20)
    wide, narrow = (deviation(x, slope, [slope]) for x in (repeated, mixed))
    assert wide[0] > 3 * narrow[0]


def test_what_was_known_before_with_an_error_of_its_own_widens_a_band() -> None:
    """A variance s = <x^2> - e, of e known to 0.1: its error is that of <x^2>, and 0.1 besides."""
    generator, n = torch.Generator().manual_seed(2), 40_000
    s, e, error = 0.5, 1.0, 0.1
    x = (s + e) ** 0.5 * torch.randn(n, generator=generator, dtype=torch.float64)

    def gradients(e: float) -> torch.Tensor:
        return 0.5 / (s + e) - 0.5 * x.square() / (s + e) ** 2

    blocks, zero = np.repeat(np.arange(20), n // 20), torch.zeros((1, 1), dtype=torch.float64)
    known = Information(gradients(e)[:, None], blocks, 1.0, zero, 20)
    moved = (gradients(e + error) - gradients(e - error)).sum() / 2
    slope = torch.nn.Parameter(torch.tensor([s], dtype=torch.float64))
    alone = deviation(known, slope, [slope])
    both = deviation(known._replace(before=moved[None]), slope, [slope])
    assert alone[0] < 0.02
    assert both[0] == pytest.approx(np.hypot(alone[0], error), rel=0.05)


def test_many_parameters_are_told_in_two_blocks() -> None:
    scales = {"dimension": 2, "cutoff": CUTOFF, "temperature": 1e-3, "volume": 0.85}
    model = build({**scales, "closures": preset("splines")})
    whole = [p for p in model.parameters() if p.requires_grad]
    size = sum(p.numel() for p in whole)
    (all_at_once,) = affordable(model, 4 * (size + 10))
    assert {id(p) for p in all_at_once} >= {id(p) for p in model.friction.parameters()}
    rubbing = sum(p.numel() for p in model.friction.parameters())
    forces = sum(p.numel() for p in all_at_once) - rubbing
    blocks = affordable(model, 2 * (max(forces, rubbing) + 10))
    sizes = [sum(p.numel() for p in block) for block in blocks]
    assert sizes == [forces, rubbing]
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(200, sum(sizes), generator=generator, dtype=torch.float64)
    prior = torch.eye(sum(sizes), dtype=torch.float64)
    both = Information(scores, np.arange(200) // 10, 1.0, prior, 200)
    ones = split(both, sizes)
    for one, part in zip(ones, scores.split(sizes, 1), strict=True):
        assert torch.equal(one.scores, part)
        assert one.inverse().shape == one.prior.shape


def test_a_snapshot_is_cut_where_there_are_few_of_them() -> None:
    assert parts(300, 1000) == 1
    assert parts(75, 400) == 4
    assert parts(75, 45) == 2
    assert parts(30, 15) == 1


def test_too_few_snapshots_are_refused() -> None:
    zero = torch.zeros((5, 5), dtype=torch.float64)
    with pytest.raises(InputError, match="at least 15 snapshots"):
        Information(torch.ones((12, 5)).double(), np.arange(12), 1.0, zero, 12).inverse()


def test_snapshots_come_in_stretches() -> None:
    chosen, blocks = choose_snapshots(np.arange(1000), 100, Order(np.arange(1000)))
    assert len(chosen) == 100
    assert len(np.unique(blocks)) == 20
    assert (np.diff(chosen)[np.diff(blocks) == 0] == 1).all()


def held(films: int, frames: int, strips: int) -> np.ndarray:
    """(films, 8) whether the bands hold the truth at 8 distances, on films of known law.

    One Newton step from the truth is where the likelihood has its maximum: is it in the band?
    """
    inside = []
    for seed in range(films):
        window = film(frames, seed)
        near = graphs.build(window, CUTOFF * LENGTH)
        settings = SETTINGS.replace(steps=1, pair_energy="splines", precision="float64")
        task = prepare(window, near, settings, seed=0)
        learner = task.learner
        scale = near.neighbour_distance / LENGTH
        _truth(learner.model, scale)
        parameters = [learner.model.pair_energy.coefficients, learner.model.bath.log_T]

        def likelihood(item: Transition, k: int, learner=learner) -> torch.Tensor:
            step, _ = learner.moments(item, -1 - k)
            score = 0.5 * step.residual_v.square().sum(1) / step.vv[:, 0, 0]
            return score + step.vv[:, 0, 0].log() - step.jacobian

        known = information(
            likelihood,
            Transitions(task.snapshots),
            task.sample.times,
            parameters,
            lambda: torch.zeros(()),
            200,
            strips,
        )
        r = torch.linspace(0.72, 1.3, 8, dtype=torch.float64) / scale
        curve = -learner.model.pair_energy(learner.model.radial(r)).dpsidr
        moved = -known.inverse() @ known.scores.sum(0) / known.share
        slopes = [torch.autograd.grad(x, parameters[0], retain_graph=True)[0] for x in curve]
        shift = torch.stack(slopes) @ moved[: len(slopes[0])]
        half = Z * deviation(known, curve, parameters)
        inside.append(shift.abs().numpy() < half)
    return np.array(inside)


@pytest.mark.slow
def test_bands_of_parts_of_a_few_snapshots_hold_the_truth() -> None:
    inside = held(films=8, frames=52, strips=3)
    assert 0.84 < inside.mean() <= 1.0


@pytest.mark.soak
def test_coverage() -> None:
    """Of 20 films; the bands at neighbouring distances of one film are alike."""
    inside = held(films=20, frames=120, strips=1)
    interval = binomtest(int(inside.sum()), inside.size).proportion_ci()
    print(
        f"95 % bands held {inside.sum()} of {inside.size} times "
        f"({interval.low:.3f} to {interval.high:.3f})"
    )
    assert 0.9 < inside.mean() <= 1.0


@torch.no_grad()
def _truth(model, scale: float) -> None:
    """The law of the film in the model: psi alone, U without force."""
    model.bath.log_T.fill_(math.log(2 * D / scale**2))
    T = 2 * D / scale**2
    model.energy_closure.log_c[model.energy_closure.thermal :] = -40.0
    model.energy_closure.raw_beta.fill_(-20.0)
    h, closure = model.cutoff, model.pair_energy
    r = torch.linspace(0.5, 0.97 * h, 300, dtype=torch.float64)

    at = splines.radial(r, h, len(closure.coefficients) - 2).basis * splines.taper(r, h)[0]
    wanted = torch.from_numpy(soft(r.numpy() * scale) - soft(np.array(CUTOFF))) * T / closure.T0
    bend = torch.eye(len(at), dtype=torch.float64).diff(n=2, dim=0)
    normal = at @ at.T + 1e-6 * bend.T @ bend
    closure.coefficients.copy_(torch.linalg.solve(normal, at @ wanted))
