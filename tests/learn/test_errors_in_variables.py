"""The corrected score against what errors in variables are known to do to a regression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, root
from torch import Tensor

from pipeline.learn.errors_in_variables import SharedErrors, draws, spread, twin
from pipeline.learn.likelihood import Scores, Step, motion_share, pair_score, scores
from pipeline.learn.scales import shown
from pipeline.learn.snapshots import Batch
from pipeline.pairs import Pairs, sum_odd

SIGMA = 0.05  # error of the linear drift's inputs
NOISE = 0.005  # error of the Ornstein-Uhlenbeck pairs


def batch_of(r: Tensor) -> Batch:
    """Pairs (2k, 2k + 1) at three successive positions (3, n, D), velocities their differences."""
    n = r.shape[1]
    i, j = torch.arange(0, n, 2), torch.arange(1, n, 2)
    r_ij = r[1, i] - r[1, j]
    distance = torch.linalg.vector_norm(r_ij, dim=1)
    pairs = Pairs(i, j, distance, r_ij / distance[:, None], None, n)
    every = torch.arange(n)
    mask = torch.ones(n, dtype=torch.bool)
    return Batch(r[1], r[1] - r[0], r[2] - r[1], pairs, every, mask, every, 0 * every)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_products_of_a_linear_drift_lose_their_bias() -> None:
    """E[ R(y) R(y)^T - D D^T ] = R(r) R(r)^T, exactly where the drift is linear."""
    generator, copies, D = torch.Generator().manual_seed(0), 60000, 2
    spring, drag, own = (normal(generator, D, D) for _ in range(3))

    def residual(now: Batch) -> Tensor:
        r_ij = now.pairs.e * now.pairs.r[:, None]
        pull = sum_odd(now.pairs, r_ij @ spring.T + now.pairs.difference(now.v) @ drag.T)
        return now.v_next - now.v - pull - now.r @ own.T

    exact = normal(generator, 3, 2, D)
    true = residual(batch_of(exact))
    seen = exact.repeat(1, copies, 1) + SIGMA * normal(generator, 3, 2 * copies, D)
    batch = batch_of(seen)
    R = residual(batch)
    echo = residual(twin(batch, SIGMA, generator)) - R

    def products(x: Tensor) -> Tensor:
        rows = x.view(copies, 2 * D)
        return rows[:, :, None] * rows[:, None, :]

    target = true.flatten()[:, None] * true.flatten()[None, :]
    for terms, biased in ((products(R) - products(echo), False), (products(R), True)):
        error = terms.std(0) / copies**0.5
        worst = ((terms.mean(0) - target).abs() / error).max()
        assert bool(worst > 30) if biased else bool(worst < 4.5)


def test_successive_steps_share_simulated_errors() -> None:
    """Echoes of free particles have the covariances 6, -4, 1, 0 of their variance at lags 0 to 3,
    in whatever order the particles come."""
    n, generator = 40_000, torch.Generator().manual_seed(0)
    shared, sigma, echoes = SharedErrors(), 0.1, []
    for t in range(4):
        batch = batch_of(normal(generator, 3, n, 2))
        order = torch.randperm(n, generator=generator)
        now = batch._replace(particle=order, snapshot=torch.full((n,), t))
        echo = shared.twin(now, sigma).change() - now.change()
        echoes.append(torch.empty_like(echo).index_copy_(0, order, echo))
    found = [float((echoes[0] * echo).mean()) / sigma**2 for echo in echoes]
    assert found == pytest.approx([6, -4, 1, 0], abs=0.1)


def test_errors_of_particles_that_differ_are_simulated_so() -> None:
    n, generator = 40_000, torch.Generator().manual_seed(0)
    batch = batch_of(normal(generator, 3, n, 2))
    blur = torch.where(torch.arange(n) < n // 2, 0.5, 1.5).double()
    now = batch._replace(blur=blur)
    echo = twin(now, 0.1, generator).change() - now.change()
    halves = torch.stack([x.square().mean() for x in echo.split(n // 2)])
    assert halves.tolist() == pytest.approx([0.03, 0.09], rel=0.03)
    told = spread(echo, now)
    assert told[[0, -1]].tolist() == pytest.approx(halves.tolist(), rel=0.03)
    assert float(spread(echo, batch)) == pytest.approx(0.06, rel=0.03)


class Gas(NamedTuple):
    """Pairs that share friction and its noise, each particle with noise of its own besides."""

    friction: float = 0.12  # dv_i = -friction (v_i - v_j) + ...
    shared: float = 0.010  # noise that i gains and j loses
    own: float = 0.006

    @property
    def relative(self) -> float:
        """Stationary variance of v_i - v_j per component."""
        kicks = 4 * self.shared**2 + 2 * self.own**2
        return kicks / (1 - (1 - 2 * self.friction) ** 2)


@pytest.fixture(scope="module")
def observed() -> Batch:
    """Many Ornstein-Uhlenbeck pairs, seen at three moments with localisation error."""
    gas, half, generator = Gas(), 60000, torch.Generator().manual_seed(1)
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(half)[:, None]
    v = 0.5 * sign * (gas.relative**0.5 * normal(generator, half, 2)).repeat_interleave(2, 0)
    r = [normal(generator, 2 * half, 2)]
    for _ in range(2):
        r.append(r[-1] + v)
        other = v.view(half, 2, 2).flip(1).reshape(-1, 2)
        kick = (gas.shared * normal(generator, half, 2)).repeat_interleave(2, 0)
        v = v - gas.friction * (v - other) + sign * kick
        v = v + gas.own * normal(generator, 2 * half, 2)
    position = torch.stack(r)
    return batch_of(position + NOISE * normal(generator, *position.shape))


def score(batch: Batch, friction: Tensor, log_own: Tensor, localisation: str) -> Scores:
    """The model's score: friction and the variance of a step are its two parameters."""

    def residual(now: Batch) -> Tensor:
        return now.v_next - now.v + friction * sum_odd(now.pairs, now.pairs.difference(now.v))

    R, echo, more = residual(batch), None, 0.0
    if localisation == "corrected":
        echo = residual(twin(batch, NOISE, draws(0, 7, batch.r.device))) - R
        more = spread(echo, batch)
    known = 6 * NOISE**2 if localisation == "covariance" else 0.0
    unit = torch.eye(2, dtype=R.dtype)
    vv = (torch.exp(log_own) + known + more) * unit.expand(len(R), 2, 2)
    one = R.new_ones(len(R))
    return scores(Step(R, one, vv, 0 * R, one, one, echo, more))


def fit(batch: Batch, localisation: str) -> tuple[float, float]:
    """Friction and variance of a step at which the score's gradient vanishes."""

    def gradient(values: np.ndarray) -> np.ndarray:
        friction, log_own = (torch.tensor(x, requires_grad=True) for x in values)
        score(batch, friction, log_own, localisation).v.mean().backward()
        return np.array([friction.grad.item(), log_own.grad.item()])

    found = root(gradient, np.array([0.1, -9.0]))
    assert found.success, found.message
    return float(found.x[0]), float(np.exp(found.x[1]))


@pytest.mark.parametrize("localisation", ["none", "covariance"])
def test_friction_from_noisy_inputs_is_biased_as_predicted(
    observed: Batch, localisation: str
) -> None:
    """Attenuation: with u = v_ij, u' = (1 - g) u and errors of variance s^2 = 2 sigma^2 in r_ij,

    g_fit = (g U + 3 s^2) / (U + 2 s^2),  U = var u, g twice the friction.
    """
    gas, s2 = Gas(), 2 * NOISE**2
    expected = (2 * gas.friction * gas.relative + 3 * s2) / (gas.relative + 2 * s2) / 2
    found, _ = fit(observed, localisation)
    assert expected > 1.4 * gas.friction
    assert found == pytest.approx(expected, rel=0.01)


def test_corrected_score_finds_friction_and_noise(observed: Batch) -> None:
    gas = Gas()
    friction, own = fit(observed, "corrected")
    assert friction == pytest.approx(gas.friction, rel=0.04)
    assert own == pytest.approx(gas.shared**2 + gas.own**2, rel=0.04)


def test_pair_term_of_corrected_scores_finds_the_shared_noise(observed: Batch) -> None:
    """cov(v_i, v_j) = -shared^2; uncorrected, 2 sigma^2 g (3 - 2 g) of it is hidden."""
    gas = Gas()
    own = np.log(gas.shared**2 + gas.own**2)
    friction, log_own = (torch.tensor(x, dtype=torch.float64) for x in (gas.friction, own))
    least = {}
    for localisation in ("corrected", "none"):
        found = score(observed, friction, log_own, localisation)
        unit = torch.eye(2, dtype=torch.float64).expand(len(observed.pairs.i), 2, 2)
        # The term is quadratic in K: three values give its minimum.
        size = gas.shared**2
        low, middle, high = (
            float(pair_score(found, observed.pairs, k * size * unit, observed.mask))
            for k in (0.0, 1.0, 2.0)
        )
        least[localisation] = 1 - 0.5 * (high - low) / (high - 2 * middle + low)
    assert least["corrected"] == pytest.approx(1.0, abs=0.06)
    hidden = 2 * NOISE**2 * gas.friction * (3 - 2 * gas.friction) / gas.shared**2
    assert hidden > 0.1
    assert least["none"] == pytest.approx(1 - hidden, abs=0.03)


def test_draws_depend_on_seed_and_number_alone() -> None:
    one, again, other = (torch.rand(4, generator=draws(*k, torch.device("cpu")))
                         for k in ((3, 5), (3, 5), (3, 6)))  # fmt: skip
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_errors_are_no_friction_of_a_medium() -> None:
    """The friction of a bath is that of the mean of v and v', which shares the noise of v'."""
    generator, n, friction, kick, error = torch.Generator().manual_seed(5), 400_000, 0.3, 0.1, 0.15
    around = normal(generator, 1, 2) * 0
    v = kick / (2 * friction) ** 0.5 * normal(generator, n, 2)
    after = ((1 - friction / 2) * v + kick * normal(generator, n, 2)) / (1 + friction / 2)
    far = torch.arange(n, dtype=torch.float64)[:, None] + around
    seen = torch.stack((far - v, far, far + after)) + error * normal(generator, 3, n, 2)
    noise = kick**2 * torch.eye(2, dtype=torch.float64).expand(n, 2, 2)

    def slope(rate: float, shared: bool) -> float:
        gamma = torch.tensor(rate, dtype=torch.float64, requires_grad=True)

        def residual(now: Batch) -> Tensor:
            return now.v_next - now.v + gamma * (now.v + now.v_next) / 2

        now = batch_of(seen)
        R = residual(now)
        echo = residual(twin(now, error, torch.Generator().manual_seed(6))) - R
        excess = spread(echo, now)
        still = torch.zeros(n, dtype=torch.float64)
        total = noise + excess * torch.eye(2, dtype=torch.float64)
        zero = torch.zeros_like(R)
        step = Step(R, still, total, zero, still + 1, still + 1, echo, excess)
        share = motion_share(noise, noise, excess) if shared else 1.0
        jacobian = share * 2 * torch.log1p(gamma / 2)
        loss = (scores(step).v - jacobian).mean()
        return float(torch.autograd.grad(loss, gamma)[0])

    assert abs(slope(friction, True)) < 0.02
    assert slope(friction, False) < -0.5
    assert slope(0.8 * friction, True) < slope(friction, True) < slope(1.2 * friction, True)


@pytest.mark.parametrize("error", [0.0, 0.002])
def test_differences_of_positions_show_a_share_of_the_noise(error: float) -> None:
    """Langevin's equation on a fine grid, seen once a frame: friction at the likeliest value of
    both drift and noise, of known temperature, is the true one to second order; were the whole
    noise looked for in the differences, two thirds of it."""
    generator, n, friction, fine = torch.Generator().manual_seed(8), 100_000, 0.06, 30
    kept = float(np.exp(-friction / fine))
    v, r = normal(generator, n, 2), torch.zeros(n, 2, dtype=torch.float64)
    places = [r]
    for step in range(2 * fine):
        v = kept * v + (1 - kept**2) ** 0.5 * normal(generator, n, 2)
        r = r + v / fine
        if (step + 1) % fine == 0:
            places.append(r)
    far = torch.arange(n, dtype=torch.float64)[:, None] * 100
    seen = torch.stack([r + far for r in places]) + error * normal(generator, 3, n, 2)
    now, unit = batch_of(seen), torch.eye(2, dtype=torch.float64)
    other = twin(now, max(error, 1e-9), torch.Generator().manual_seed(9))

    def slope(rate: float, part: float) -> float:
        gamma = torch.tensor(rate, dtype=torch.float64, requires_grad=True)

        def residual(batch: Batch) -> Tensor:
            return batch.v_next - batch.v + gamma * (batch.v + batch.v_next) / 2

        R = residual(now)
        echo = residual(other) - R
        excess = spread(echo, now)
        whole = (2 * gamma * unit).expand(n, 2, 2)
        still = torch.zeros(n, dtype=torch.float64)
        total = part * whole + excess * unit
        step = Step(R, still, total, torch.zeros_like(R), still + 1, still + 1, echo, excess)
        jacobian = motion_share(whole, part * whole, excess) * 2 * torch.log1p(gamma / 2)
        return float(torch.autograd.grad((scores(step).v - jacobian).mean(), gamma)[0])

    def likeliest(part: float) -> float:
        return brentq(slope, 0.2 * friction, 5 * friction, args=(part,))

    assert likeliest(shown(1)) == pytest.approx(friction, rel=0.06)
    assert likeliest(1.0) == pytest.approx(2 / 3 * friction, rel=0.06)
