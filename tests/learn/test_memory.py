"""Modes are found again in simulated particles, beside white noise and errors of positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from pipeline.closures.memory import Maxwell
from pipeline.closures.splines import Scales
from pipeline.dynamics.modes import Modes
from pipeline.learn.kalman import Rest, StateSpace
from pipeline.learn.memory import Problem, choose
from pipeline.learn.order import Order
from pipeline.pairs import State

N, STEPS, T, C, TAU, RATE, SIGMA = 40, 300, 0.01, 0.02, 5.0, 0.05, 0.02


def simulated(
    stiffness: float = C, drive: float = 0.0, seed: int = 0, count: int = N, medium: float = RATE
) -> Rest:
    """Free particles in a bath with one mode by the step of rollouts, and ``drive`` of its own."""
    rng = np.random.default_rng(seed)
    memory = Maxwell(Scales(2, 1.8, T, 1.0, 20)).double()
    memory.set(*(torch.tensor([x], dtype=torch.float64) for x in (TAU, stiffness, 0.0)), T)
    modes, who = Modes(memory, count, 2), np.arange(count)
    modes.enter(who, seed, 0)
    own = drive**0.5 * rng.normal(size=(count, 2))
    v = T**0.5 * torch.from_numpy(rng.normal(size=(count, 2)))
    state = State(torch.zeros_like(v), v, v[:, 0])
    b = 1 / (1 + medium / 2)
    path = [state.r.numpy()]
    for step in range(STEPS + 20):
        own = np.exp(-1 / TAU) * own + (drive * -np.expm1(-2 / TAU)) ** 0.5 * rng.normal(
            size=own.shape
        )
        noise = (2 * medium * T) ** 0.5 * rng.normal(size=own.shape)
        dv = b * (modes.force(who) + torch.from_numpy(own + noise) - medium * state.v)
        after = State(state.r + state.v + dv, state.v + dv, state.S)
        modes.step(who, (state, after), None, 1.0, (seed, step))
        state = after
        path.append(state.r.numpy())
    seen = np.stack(path[20:], axis=1) + SIGMA * rng.normal(size=(count, STEPS + 1, 2))
    v = np.diff(seen, axis=1)
    v, then = v[:, :-1], v[:, 1:]
    middle = (v + then) / 2
    residual = then - v + medium * middle
    residual[-1, 100:103] = np.nan  # not seen
    shape = residual.shape[:2]
    white = np.full(shape, 2 * medium * T)
    return Rest(
        residual,
        then,
        middle,
        0 * white,
        white,
        np.full(shape, medium),
        np.ones(shape),
        who,
        1.0,
        Order(np.arange(shape[1])),
    )


@pytest.fixture(scope="module")
def passive() -> tuple[Rest, Rest]:
    return simulated(), simulated(seed=1)


@pytest.mark.slow
def test_the_filter_is_the_gaussian_of_all_steps_at_once() -> None:
    """Brute force: mean and covariance of the residuals of one track, from many draws by hand."""
    rest, n = simulated(count=1), 6
    part = Rest(*(x[:, 10 : 10 + n] for x in rest[:7]), *rest[7:])
    modes = StateSpace(
        np.array([TAU, 1.5]), np.array([C, 0.01]), np.array([3e-4, 1e-4]), error=4e-4
    )
    nll, count, left, _ = part.filtered(modes)
    # In the errors eps(0) ... eps(n + 1), f_k(0), n_k(t) and w(t): linear, written out.
    keep = np.exp(-1 / modes.time)
    push = modes.stiffness * (1 + keep) / 2
    total = n + 2 + 2 * n + n
    G, mean = np.zeros((n, total)), np.zeros((n, 2))
    for k in range(2):
        row, drift = np.zeros(total), np.zeros(2)
        row[n + 2 + k * n] = modes.variance[k] ** 0.5
        for t in range(n):
            G[t] += row
            mean[t] += drift
            row, drift = keep[k] * row, keep[k] * drift - push[k] * part.drive[0, t]
            row[[t + 2, t + 1]] += push[k] * modes.error**0.5 * np.array([1, -1])
            if t + 1 < n:
                row[n + 2 + k * n + t + 1] = ((1 - keep[k] ** 2) * modes.variance[k]) ** 0.5
    for t in range(n):
        G[t, t : t + 3] += modes.error**0.5 * np.array([1 - RATE / 2, -2, 1 + RATE / 2])
        G[t, n + 2 + 2 * n + t] = part.scaled[0, t] ** 0.5
    exact = 0.0
    for a in range(2):
        law = multivariate_normal(mean[:, a], G @ G.T)
        exact -= law.logpdf(part.residual[0, :, a]) + n * np.log1p(RATE / 2)
    exact -= n * np.log(2 * np.pi)
    assert count.sum() == n
    assert nll.sum() == pytest.approx(exact, rel=1e-9)
    assert np.allclose(left[0, 0], part.residual[0, 0])


def test_a_known_kernel_is_found_again(passive: tuple[Rest, Rest]) -> None:
    """c and tau within 10 %, with intervals that hold them; the error of the positions too."""
    problem = Problem(passive[0], T, 2 * SIGMA**2, "tied")
    fit, trials = choose(problem, passive[1], "auto")
    assert (fit.kind, len(fit.modes.time)) == ("maxwell", 1)
    assert [trial.kept for trial in trials] == [False, True, False]
    spread = problem.intervals(fit.parameters, fit.kind)[-2:]
    found = np.array([fit.modes.time[0], fit.modes.stiffness[0]])
    off = np.log(found / np.array([TAU, C]))
    assert np.abs(off).max() < 0.1
    assert (np.abs(off) < 1.96 * spread).all()
    assert spread.max() < 0.15
    assert fit.modes.white == pytest.approx(0.0, abs=0.1)
    assert fit.modes.error == pytest.approx(SIGMA**2, rel=0.1)


@pytest.mark.parametrize("first", [0, 4])
def test_noise_without_memory_has_no_modes(first: int) -> None:
    """Nor one of next to nothing, which by chance is the likelier in every block (4)."""
    rests = [simulated(stiffness=1e-12, seed=seed, count=20) for seed in (first, first + 1)]
    fit, trials = choose(Problem(rests[0], T, SIGMA**2, "tied"), rests[1], "maxwell")
    assert fit.kind == "none"
    assert [trial.kept for trial in trials] == [False]


@pytest.mark.slow
def test_a_force_that_friction_does_not_belong_to_is_active() -> None:
    """As strong a force as that of a kernel of 0.03, and none."""
    rests = [simulated(stiffness=1e-12, drive=0.03 * T, seed=seed) for seed in (0, 1)]
    problem = Problem(rests[0], T, SIGMA**2, "free")
    fit, _ = choose(problem, rests[1], "auto")
    assert fit.kind == "active"
    spread = problem.intervals(fit.parameters, fit.kind)[[-3, -1]]
    found = np.array([fit.modes.time[0], fit.modes.variance[0]])
    assert (np.abs(np.log(found / [TAU, 0.03 * T])) < 1.96 * spread).all()
    assert spread.max() < 0.3
    assert fit.modes.friction + fit.modes.stiffness[0] * TAU == pytest.approx(0.0, abs=0.02)


def interleaved(rest: Rest, copies: int) -> Rest:
    """The sequences of a stride that all say the same."""
    gap = np.full((len(rest.particle), 1, 2), np.nan)
    steps = rest.residual.shape[1] + 1
    columns = [
        np.tile(np.concatenate([x, gap if x.ndim == 3 else gap[..., 0]], axis=1), end)
        for x in rest[:7]
        for end in [(1, copies, 1)[: x.ndim]]
    ]
    row = (np.arange(steps) * copies + np.arange(copies)[:, None]).ravel()
    return Rest(*columns, *rest[7:9], Order(row, copies))


@pytest.mark.slow
def test_steps_that_overlap_are_no_more_evidence(passive: tuple[Rest, Rest]) -> None:
    """Of eight copies gain, error, memory and intervals are those of one."""
    found = []
    for copies in (1, 8):
        rests = [interleaved(rest, copies) for rest in passive]
        problem = Problem(rests[0], T, 2 * SIGMA**2, "tied")
        fit, trials = choose(problem, rests[1], "maxwell")
        spread = problem.intervals(fit.parameters, fit.kind)
        found.append([trials[0].gain, trials[0].error, fit.memory, *spread])
    assert found[1] == pytest.approx(found[0], rel=0.02)


def test_a_mode_that_leaves_the_memory_as_it_was_is_not_kept() -> None:
    """Noise that takes back what it gave is no force that lasts: friction that comes late beside it
    makes steps likelier, by many errors, and is not what residuals remember."""
    rng = np.random.default_rng(3)
    rests = []
    for seed in (0, 1):
        rest = simulated(seed=seed)
        kicks = 0.1 * rng.normal(size=(N, STEPS + 1, 2))
        noise = kicks[:, 1:] - 0.5 * kicks[:, :-1]
        steady = noise[:, : rest.residual.shape[1]]
        rests.append(rest._replace(residual=rest.residual + steady, scaled=rest.scaled + 0.0125))
    fit, trials = choose(Problem(rests[0], T, 0.0, "none"), rests[1], "maxwell")
    assert trials[0].gain > 5 * trials[0].error
    assert not trials[0].kept
    assert fit.kind == "none"
