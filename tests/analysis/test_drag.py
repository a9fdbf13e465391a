"""Friction of a medium from positions with errors, beside friction of pairs that are unlike."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.drag import drag
from pipeline.simulate.monolayer import simulate
from pipeline.simulate.settings import COLLOIDS

SMALL = {"width": 16.0, "height": 14.0, "strain": 0.0, "preparation": 0, "view": (64, 64)}


def tracked(rate: float, error: float, frames: int = 300):
    """A small sample with a friction ``rate`` against a medium, seen with an error [px]."""
    record = simulate(COLLOIDS.replace(drag=rate, frames=frames, **SMALL), progress=False)
    noise = np.random.default_rng(0).normal(0.0, error, record.position.shape)
    r = record.position + noise
    v, present = np.zeros_like(r), record.present.copy()
    v[1:], present[0] = np.diff(r, axis=0), False
    return record._replace(position=r, velocity=v, present=present)


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_the_friction_of_a_medium_is_told_from_that_of_pairs(rate):
    """Errors of the positions are a fifth of the variance of velocities here."""
    found = drag(tracked(rate, 0.0234), 10.5, 1.72, 3.0)
    assert found is not None
    assert found.low < rate < found.high
    assert abs(found.value - rate) < 0.05
    assert found.high - found.low < 0.2


def test_the_unit_of_time_is_that_of_the_trajectory():
    record = tracked(0.2, 0.0)
    slow = record._replace(
        velocity=record.velocity / 0.5,
        time=0.5 * record.time,
        attributes={**record.attributes, "dt": 0.5},
    )
    found, other = (drag(x, 10.5, 1.72, 3.0) for x in (record, slow))
    assert found is not None
    assert other is not None
    assert other.value == pytest.approx(found.value / 0.5)


def test_short_films_tell_nothing():
    assert drag(tracked(0.0, 0.0, frames=60), 10.5, 1.72, 3.0) is None
