"""Agreement of hidden variables: exact where it is known, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.uniqueness import (
    agreement,
    correlation,
    explained,
    over_time,
    share_of_particles,
)

RNG = np.random.default_rng(0)
BLOCK = np.repeat(np.arange(40), 100)


def test_a_correlation_and_its_interval():
    x = RNG.normal(size=4000)
    y = 0.6 * x + 0.8 * RNG.normal(size=4000)
    told = correlation(x, y, BLOCK)
    assert told.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert told.low < 0.6 < told.high
    assert told.high - told.low < 0.1


def test_constants_are_no_disagreement():
    x = RNG.normal(size=4000)
    (_, _, told), *_ = agreement([x, x + 5.0], BLOCK)
    assert told.value == pytest.approx(1.0)


def test_what_changes_in_time_knows_no_constant_of_a_particle():
    particle = np.tile(np.arange(200), 20)
    x, own = RNG.normal(size=4000), RNG.normal(size=200)
    one, other = (over_time(y, particle) for y in (x, x + 5.0 * own[particle]))
    np.testing.assert_allclose(one, other, atol=1e-12)
    np.testing.assert_allclose(np.bincount(particle, one), 0.0, atol=1e-12)


@pytest.mark.parametrize("own", [0.0, 1.0, 3.0])
def test_the_share_between_particles_is_that_put_in(own):
    particle = np.tile(np.arange(200), 20)
    values = own * RNG.normal(size=200)[particle] + RNG.normal(size=4000)
    expected = own**2 / (1 + own**2)
    assert share_of_particles(values, particle) == pytest.approx(expected, abs=0.06)


def test_what_explains_a_variable_alone_and_together():
    a, b, c = RNG.normal(size=(3, 4000))
    found = explained(2 * a + b, {"a": a, "b": b, "c": c, "constant": np.ones(4000)})
    assert found["a"] == pytest.approx(0.8, abs=0.03)
    assert found["b"] == pytest.approx(0.2, abs=0.03)
    assert found["c"] < 0.01
    assert found["together"] == pytest.approx(1.0)
    assert "constant" not in found
