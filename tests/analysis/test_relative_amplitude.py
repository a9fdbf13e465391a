"""The ratio of two curves is that put in, within its interval."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.relative_amplitude import amplitude, compared

RNG = np.random.default_rng(3)
CURVE = np.array([0.1, 0.3, 0.8, 1.5])


def sums(level: float, patches: int = 60):
    number = np.full((patches, len(CURVE)), 50.0)
    return number * level * CURVE * RNG.lognormal(0, 0.2, (patches, len(CURVE))), number


def test_a_deficit_is_found_with_its_interval():
    value, low, high = amplitude(sums(1.0), [sums(0.8) for _ in range(4)])
    assert value == pytest.approx(0.8, abs=0.03)
    assert low < 0.8 < high
    assert high - low < 0.1


def test_points_that_one_side_lacks_are_left_out():
    lacking = sums(0.5)
    lacking[1][:, 2] = 0
    assert amplitude(sums(1.0), [lacking])[0] == pytest.approx(0.5, abs=0.03)
    assert compared(sums(1.0), [sums(0.5), lacking]) == (3, 4)
    assert compared(sums(1.0), [sums(0.5)]) == (4, 4)
    lacking[1][:] = 0
    assert np.isnan(amplitude(sums(1.0), [lacking])).all()
