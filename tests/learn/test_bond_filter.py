"""Elements of bonds between snapshots: harmonic coordinates that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize

from pipeline.learn.bond_filter import BondRest
from pipeline.learn.kalman import StateSpace
from pipeline.learn.order import Order

STEP = 0.01  # between snapshots, of a fastest coordinate that takes 20 of them
SPRING, ELEMENT, TIME, DAMPING, HEAT = 100.0, 50.0, 0.1, 1.0, 0.25
SQUARES = np.linspace(0.05, 6, 120)  # s^2


def harmonic(squares: np.ndarray, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """q and v (K, T) of independent coordinates in equilibrium, by the exact propagator."""
    random, s = np.random.default_rng(seed), np.sqrt(squares)
    along, onward = [], []
    for one, root in zip(squares, s, strict=True):
        A = np.array(
            [
                [0, 1, 0],
                [-SPRING * one, -DAMPING * one, -ELEMENT * root],
                [0, root, -1 / TIME],
            ]
        )
        steady = np.diag([HEAT / (SPRING * one), HEAT, HEAT / ELEMENT])
        E = expm(A * STEP)
        value, vector = np.linalg.eigh(steady - E @ steady @ E.T)
        along.append(vector * np.sqrt(np.maximum(value, 0)))
        onward.append(E)
    spread = np.sqrt([[HEAT / (SPRING * one), HEAT, HEAT / ELEMENT] for one in squares])
    y, noise, E = spread * random.normal(size=spread.shape), np.array(along), np.array(onward)
    q, v = np.empty((2, len(squares), steps))
    for t in range(steps):
        q[:, t], v[:, t] = y[:, 0], y[:, 1]
        y = np.einsum("kab,kb->ka", E, y) + np.einsum(
            "kab,kb->ka", noise, random.normal(size=y.shape)
        )
    return q, STEP * v


def rest(squares: np.ndarray, q: np.ndarray, v: np.ndarray, spring: float = SPRING) -> BondRest:
    """What a model of the true friction and noise, and of these springs, leaves."""
    s, one = np.sqrt(squares)[:, None], squares[:, None]
    now, later = v[:, :-1], v[:, 1:]
    rate, stiffness = DAMPING * STEP * one, spring * STEP**2
    at, middle = q[:, :-1] + 0.5 * now, rate * 0.5 * (now + later)
    left = later - now + stiffness * one * at + middle
    white = np.broadcast_to(2 * rate * HEAT * STEP**2 / one, at.shape)
    return BondRest(
        residual=(left / s)[..., None],
        moved=(s * np.diff(q))[..., None],
        velocity=(s * now)[..., None],
        change=(s * (later - now))[..., None],
        middle=(middle / s)[..., None],
        place=(s * at)[..., None],
        scaled=white,
        rate=np.broadcast_to(rate, at.shape),
        stiffness=np.full(len(squares), stiffness),
        squares=squares,
        order=Order(np.arange(at.shape[1])),
    )


def modes(x: np.ndarray) -> StateSpace:
    """Of ln tau, ln c, p and the spring that is missing."""
    c = np.exp(x[1:2])
    variance = c * HEAT * STEP**2
    return StateSpace(np.exp(x[:1]), c, variance, x[2], np.exp(x[2]) - 1, static=x[3])


@pytest.mark.parametrize("missing", [0.0, 2.0])
def test_the_truth_is_as_likely_as_the_likeliest(missing: float) -> None:
    """Twice what they differ by is chi^2 of 4: above 9 nats once in a thousand times.

    Without what accelerations change within a step they differ by 40 nats.
    """
    q, v = harmonic(SQUARES, 4000, 0)
    seen = rest(SQUARES, q, v, SPRING - missing)

    def nats(x: np.ndarray) -> float:
        return float(seen.filtered(modes(x))[0].sum())

    truth = np.array([np.log(TIME / STEP), np.log(ELEMENT * STEP**2), 0.0, missing * STEP**2])
    unit = np.array([0.05, 0.05, 0.05, 2e-4])
    least = minimize(
        lambda z: nats(truth + unit * z) - nats(truth),
        np.zeros(4),
        method="Nelder-Mead",
        options={"xatol": 1e-2, "fatol": 1e-2},
    )
    assert -9 < least.fun <= 0
    # And it is told from others, tau within 10 and c within 5 %.
    for k, off in ((0, 0.1), (1, 0.05)):
        other = truth.copy()
        other[k] += off
        assert nats(other) > nats(truth) + 9


def test_what_is_not_foreseen_is_white_and_as_large_as_it_says() -> None:
    q, v = harmonic(SQUARES, 2000, 1)
    truth = np.array([np.log(TIME / STEP), np.log(ELEMENT * STEP**2), 0.0, 0.0])
    left, size = rest(SQUARES, q, v).filtered(modes(truth))[2:]
    z = left[..., 0] / np.sqrt(size)
    kappa = (SPRING + ELEMENT) * STEP**2 * SQUARES
    # The noise of a step is less by kappa/3, which its factor puts right.
    assert (z**2).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / z.size))
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < 4 / np.sqrt(z.size)
    fast = kappa > 0.06
    assert (z[fast] ** 2).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / z[fast].size))


def test_a_gap_begins_anew() -> None:
    q, v = harmonic(SQUARES[::20], 200, 2)
    whole = rest(SQUARES[::20], q, v)
    cut = whole.residual.copy()
    cut[:, 100] = np.nan
    truth = modes(np.array([np.log(TIME / STEP), np.log(ELEMENT * STEP**2), 0.0, 0.0]))
    nll, count, left, _ = whole._replace(residual=cut).filtered(truth)
    later = rest(SQUARES[::20], q[:, 101:], v[:, 101:]).filtered(truth)
    np.testing.assert_allclose(nll[101:], later[0])
    np.testing.assert_allclose(left[:, 101:], later[2])
    assert count[100] == 0
    assert nll[100] == 0
