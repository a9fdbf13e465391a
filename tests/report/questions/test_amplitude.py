"""The light says what the numbers beside it say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.report.questions import amplitude
from pipeline.report.questions.amplitude import Ratio


def one(value: tuple[float, float, float], lags: tuple[int, int]) -> Any:
    """Results of one model of one data set."""
    ratio = Ratio(value, lags, 1, 4, "covariance", "0.1 px", 3)
    found = {"colloids_dim": {"metriplectic": ratio}}
    return SimpleNamespace(each=lambda *_: found)


@pytest.mark.parametrize(
    ("value", "lags", "state"),
    [
        ((0.971, 0.939, 0.999), (12, 12), "good"),  # "0.94 to 1.00"
        ((0.971, 0.939, 0.994), (12, 12), "poor"),
        ((1.02, 0.96, 1.09), (12, 12), "fair"),
        ((1.0, 0.98, 1.02), (5, 12), "poor"),
    ],
)
def test_the_light_judges_the_numbers_that_it_shows(
    value: tuple[float, float, float], lags: tuple[int, int], state: str
) -> None:
    assert amplitude.light(one(value, lags)).state == state


def test_the_table_says_what_was_made_of_the_error() -> None:
    found = amplitude.table(one((1.0, 0.98, 1.02), (12, 12)))
    row = dict(zip(found.columns, found.rows[0], strict=True))
    assert row["Localisation error"] == "0.1 px"
    assert row["Treatment"] == "in the variance alone"
    assert row["Step (frames)"] == "3"
