"""Positions that cling to the pixels: told from chance, and made even."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.subpixel import clinging, evened, harmonics


def walk(step: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(0, 200, (150, 2)) + np.cumsum(rng.normal(0, step, (300, 150, 2)), axis=0)


def locked(position: np.ndarray, amplitude: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 0.02, position.shape)
    return position + amplitude * np.sin(2 * np.pi * (position + 0.1)) + noise


def seen(position: np.ndarray) -> np.ndarray:
    return np.ones(position.shape[:2], bool)


@pytest.mark.parametrize("amplitude", [0.05, 0.07])
def test_the_error_is_measured_and_taken_out(amplitude: float) -> None:
    true = walk(0.5)
    measured = locked(true, amplitude)
    found = harmonics(measured, seen(measured), None)
    assert clinging(found) == pytest.approx(amplitude / 2**0.5, rel=0.1)
    before, after = (np.std(x - true) for x in (measured, evened(measured, found)))
    assert before > amplitude / 2**0.5
    assert after < 0.03  # with the white error of 0.02 that stays


def test_what_does_not_cling_is_left_alone() -> None:
    free = locked(walk(0.5), 0.0)
    found = harmonics(free, seen(free), None)
    assert not found.any()
    np.testing.assert_array_equal(evened(free, found), free)


def test_particles_at_rest_hold_one_phase_by_chance() -> None:
    still = locked(walk(1e-3), 0.0)
    assert not harmonics(still, seen(still), None).any()
