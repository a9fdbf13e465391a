"""Velocity and its noise on motion whose spectrum is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.localisation import localisation_error
from pipeline.video.velocity import backward_difference, velocity_noise

T, N = 400, 200
RUN = np.zeros(T, np.int32)
ALL = np.ones((T, N), bool)


def oscillators(rng, omega: float = 0.4, friction: float = 0.3, amplitude: float = 0.2):
    """(T, N, 2) positions of damped, kicked oscillators: Einstein frequency `omega` per frame."""
    r, v = rng.normal(0, amplitude, (2, N, 2))
    positions = []
    for _ in range(T):
        for _ in range(8):
            kick = rng.normal(0, 1, v.shape) * np.sqrt(2 * friction / 8) * omega * amplitude
            v = v + (-(omega**2) * r - friction * v) / 8 + kick
            r = r + v / 8
        positions.append(r)
    return np.array(positions)


def test_backward_difference_inverts_the_integrator():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(T, N, 2))
    r = np.cumsum(v * 0.1, axis=0)
    velocity, known = backward_difference(r, ALL, RUN, 0.1)
    np.testing.assert_allclose(velocity[1:], v[1:], atol=1e-10)
    assert known[1:].all()
    assert not known[0].any()


def test_absent_predecessors_and_run_borders_have_no_velocity():
    r = np.random.default_rng(0).normal(size=(6, 3, 2))
    present = np.ones((6, 3), bool)
    present[1, 0] = False
    run = np.array([0, 0, 0, 1, 1, 1])
    velocity, known = backward_difference(r, present, run, 1.0)
    expected = [[0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1], [1, 1, 1]]
    np.testing.assert_array_equal(known, np.array(expected, bool))
    assert (velocity[~known] == 0).all()


def test_signal_to_noise_and_autocorrelation():
    rng = np.random.default_rng(0)
    true = oscillators(rng)
    sigma = np.array([0.05, 0.05])
    clean = velocity_noise(true, ALL, RUN, 1.0, 1e-9 * sigma)
    noisy = velocity_noise(true + rng.normal(0, sigma, true.shape), ALL, RUN, 1.0, sigma)
    np.testing.assert_allclose(noisy.variance - noisy.floor, clean.variance, rtol=0.05)
    np.testing.assert_allclose(noisy.autocorrelation_corrected, clean.autocorrelation, atol=0.03)
    assert noisy.signal_to_noise == pytest.approx(
        clean.variance.sum() / noisy.floor.sum(), rel=0.05
    )
    assert noisy.warnings == []
    velocity, _ = backward_difference(true, ALL, RUN, 1.0)
    by_hand = (velocity[3:] * velocity[1:-2]).mean() / (velocity[1:] ** 2).mean()
    assert clean.autocorrelation[1] == pytest.approx(by_hand, abs=0.02)


def test_mean_flow_is_no_signal():
    rng = np.random.default_rng(0)
    still = rng.normal(0, 0.05, (T, N, 2))
    flow = np.cumsum(np.sin(0.1 * np.arange(T)))[:, None, None] * [1.0, 0.0]
    noise = velocity_noise(still + flow, ALL, RUN, 1.0, np.array([0.05, 0.05]))
    assert abs(noise.signal_to_noise) < 0.05
    assert "mostly localisation error" in noise.warnings[0]


def test_brownian_motion_is_said_to_be_unresolved():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.5, (T, N, 2)), axis=0)
    sigma = localisation_error(walk, ALL, RUN).sigma
    noise = velocity_noise(walk, ALL, RUN, 1.0, sigma)
    assert "forgets itself" in noise.warnings[-1]


def test_two_frames_are_not_enough_for_a_correlation():
    r = np.random.default_rng(0).normal(size=(2, 50, 2))
    present, run = np.ones((2, 50), bool), np.zeros(2, int)
    noise = velocity_noise(r, present, run, 1.0, np.array([0.1, 0.1]))
    assert np.isnan(noise.autocorrelation).all()
    unknown = velocity_noise(r, present, run, 1.0, localisation_error(r, present, run).sigma)
    assert "localisation error is unknown" in unknown.warnings[0]
