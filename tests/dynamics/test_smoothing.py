"""Whittaker's smoother: what it leaves, what it halves, and how much of it is best."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dynamics.smoothing import (
    WEIGHTS,
    best_weight,
    freedom,
    smoothed,
    weight_of_period,
    whittaker,
)


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e6])
def test_quadratics_are_left_alone(weight: float) -> None:
    """Their third differences vanish."""
    t = np.arange(60.0)[:, None]
    series = np.hstack([1 + 0 * t, t, 0.1 * t**2 - 3 * t])
    assert np.abs(whittaker(series, weight) - series).max() < 1e-6 * np.abs(series).max()


def test_agrees_with_the_dense_solution() -> None:
    """(1 + lambda D3^T D3) z = y."""
    series, weight = np.random.default_rng(0).normal(size=(25, 3)), 7.0
    D3 = np.diff(np.eye(25), n=3, axis=0)
    dense = np.linalg.solve(np.eye(25) + weight * D3.T @ D3, series)
    assert np.allclose(whittaker(series, weight), dense, atol=1e-12)


@pytest.mark.parametrize("period", [12.0, 30.0, 50.0])
def test_the_stated_period_is_halved(period: float) -> None:
    t = np.arange(600)
    wave = np.sin(2 * np.pi * t / period)[:, None]
    middle = slice(200, 400)
    gain = {}
    for factor in (0.5, 1.0, 2.0):
        found = whittaker(wave, weight_of_period(factor * period))[middle]
        gain[factor] = float((found * wave[middle]).sum() / (wave[middle] ** 2).sum())
    assert gain[1.0] == pytest.approx(0.5, abs=0.02)
    assert gain[0.5] > 0.97
    assert gain[2.0] < 0.03


def test_freedom_is_the_trace_of_the_smoother() -> None:
    count = 400
    trace = np.trace(whittaker(np.eye(count), 20.0)) / count
    assert freedom(20.0) == pytest.approx(trace, rel=0.02)


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.5])
def test_best_weight_is_near_the_oracles(sigma: float) -> None:
    """Without seeing the signal, almost as good as the weight chosen by looking at it."""
    random, t = np.random.default_rng(1), np.arange(300)[:, None]
    signal = np.sin(2 * np.pi * t / 40 + random.uniform(0, 7, 30))
    signal += 0.3 * np.sin(2 * np.pi * t / 17 + random.uniform(0, 7, 30))
    seen = signal + sigma * random.normal(size=signal.shape)

    def error(weight: float) -> float:
        return float(np.mean((whittaker(seen, weight) - signal) ** 2))

    oracle = min(error(weight) for weight in WEIGHTS)
    assert error(best_weight(seen, sigma)) < 1.02 * oracle
    assert oracle < 0.5 * sigma**2


def test_each_stretch_of_presence_is_smoothed_alone() -> None:
    random = np.random.default_rng(2)
    position = random.normal(size=(40, 3, 2))
    present = np.ones((40, 3), dtype=bool)
    present[15:25, 1] = False
    present[4:, 2] = False
    found = smoothed(position, present, 5.0)
    assert np.allclose(found[:, 0], whittaker(position[:, 0], 5.0))
    assert np.allclose(found[:15, 1], whittaker(position[:15, 1], 5.0))
    assert np.allclose(found[25:, 1], whittaker(position[25:, 1], 5.0))
    assert np.array_equal(found[15:25, 1], position[15:25, 1])
    assert np.array_equal(found[:, 2], position[:, 2])
