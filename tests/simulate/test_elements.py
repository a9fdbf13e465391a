"""The rubber: its stress is that of its energy, it relaxes as its Prony series says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.simulate.elements import respond, rest
from pipeline.simulate.replicated import Rubber

RUBBER = Rubber()
ELASTIC = Rubber(g=(), tau=())


def deformations(count=6, size=0.2):
    return np.eye(2) + size * np.random.default_rng(0).normal(size=(count, 2, 2))


def energy(C):
    J = np.sqrt(np.linalg.det(C))
    I1 = np.trace(C) + 1
    I2 = 0.5 * (I1**2 - np.trace(C @ C) - 1)
    W = ELASTIC.C10 * (J ** (-2 / 3) * I1 - 3) + ELASTIC.C01 * (J ** (-4 / 3) * I2 - 3)
    return W + (J - 1) ** 2 / ELASTIC.D1


def symmetric(i, j):
    unit = np.zeros((2, 2))
    unit[i, j] += 0.5
    unit[j, i] += 0.5
    return unit


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1), (1, 1)])
def test_stress_and_tangent_are_the_derivatives_of_the_energy(i, j):
    h, unit = 1e-5, symmetric(i, j)
    for F in deformations():
        found = respond(F, rest((), ELASTIC), 1.0, ELASTIC)
        C = F.T @ F  # E = (C - 1) / 2 changes by h where C changes by 2 h
        slope = (energy(C + 2 * h * unit) - energy(C - 2 * h * unit)) / (2 * h)
        assert (found.S * unit).sum() == pytest.approx(slope, rel=1e-6, abs=10)
        ends = [
            respond(np.linalg.cholesky(C + s * 2 * h * unit).T, rest((), ELASTIC), 1.0, ELASTIC).S
            for s in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * h)
        column = (found.tangent * unit).sum((-1, -2))
        np.testing.assert_allclose(column, slope, rtol=1e-5, atol=100)


def test_a_rotation_stores_nothing_and_turns_no_stress_in_the_body():
    c, s = np.cos(0.7), np.sin(0.7)
    R = np.array([[c, -s], [s, c]])
    assert np.abs(respond(R, rest((), RUBBER), 0.1, RUBBER).S).max() < 1e-6 * RUBBER.C10
    F = deformations(1)[0]
    one, two = (respond(x, rest((), RUBBER), 0.1, RUBBER).S for x in (F, R @ F))
    np.testing.assert_allclose(one, two, rtol=1e-10)


def test_small_shear_shows_the_instantaneous_shear_modulus():
    F = np.array([[1.0, 1e-5], [0.0, 1.0]])
    S = respond(F, rest((), RUBBER), 1e-6, RUBBER).S
    assert S[0, 1] == pytest.approx(1e-5 * RUBBER.shear_modulus, rel=1e-3)
    assert RUBBER.shear_modulus == 4e6


@pytest.mark.parametrize("dt", [0.001, 0.05, 0.4])
def test_stress_relaxes_as_the_prony_series_says(dt):
    F = np.array([[1.0, 0.5], [0.0, 1.0]])
    found = respond(F, rest((), RUBBER), 1e-9, RUBBER)
    first, time = found.S[0, 1], 0.0
    held = respond(F, rest((), ELASTIC), 1.0, ELASTIC).S
    assert first == pytest.approx(held[0, 1], rel=1e-6)
    for _ in range(20):
        found = respond(F, found.memory, dt, RUBBER)
        time += dt
        left = RUBBER.g_inf + sum(
            g * np.exp(-time / tau) for g, tau in zip(RUBBER.g, RUBBER.tau, strict=True)
        )
        # At constant volume nothing but the isochoric stress is there.
        np.testing.assert_allclose(found.S, left * held, rtol=1e-6, atol=1e-3)
