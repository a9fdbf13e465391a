"""The learning rate rises, stays and falls as its settings say."""

from __future__ import annotations

import itertools

import pytest

from pipeline.learn.trainee import FINAL, rate


@pytest.mark.parametrize("steady", [0.0, 0.7])
def test_the_rate_rises_stays_and_falls(steady: float) -> None:
    values = [rate(step, 300, steady) for step in range(301)]
    peak = [step for step, value in enumerate(values) if value == 1.0]
    assert values[:9] == pytest.approx([(k + 1) / 9 for k in range(9)])
    assert peak[-1] == max(9, round(300 * steady))
    assert peak == list(range(8, peak[-1] + 1))
    assert all(after <= before for before, after in itertools.pairwise(values[9:]))
    assert values[-1] == pytest.approx(FINAL)
