"""Lags, bins and windows planned from an experiment."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.plan import Period, described, plan, restored


def liquid(recording, steps=30, count=400, dimension=2, **fields):
    generator = np.random.default_rng(0)
    start = generator.uniform(size=(count, dimension)) * count ** (1 / dimension)
    walk = np.cumsum(0.05 * generator.standard_normal((steps, count, dimension)), axis=0)
    return recording(start + walk, count ** (1 / dimension), **fields)


def test_plan_refuses_what_cannot_be_planned(recording):
    trajectory = liquid(recording, 4, 20)
    with pytest.raises(ValueError, match="must be positive"):
        plan(trajectory, 0.0)
    with pytest.raises(ValueError, match="at least 2 snapshots"):
        plan(trajectory.window(slice(0, 1)), 1.0)


@pytest.mark.parametrize("period", [None, Period(12.5, 0.03, "found", "a sine")])
def test_a_plan_comes_back_from_a_file_as_it_was(recording, period):
    made = plan(liquid(recording), 1.0, period=period)
    again = restored(described(made))
    for name, value in made._asdict().items():
        np.testing.assert_equal(getattr(again, name), value, err_msg=name)
        assert type(getattr(again, name)) is type(value)
    assert again.lag.dtype.kind == "i"
