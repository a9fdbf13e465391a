"""Dates and times of day in the names of images."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.video.name_times import seconds
from pipeline.video.sequences import sequences

START = datetime(2024, 2, 28, 23, 59, 30)
PATTERNS = [
    "cam_%Y%m%d_%H%M%S",
    "cam_%Y%m%dT%H%M%S",
    "%Y-%m-%d %H-%M-%S",
    "%Y%m%d%H%M%S",
    "shot %Y-%m-%d at %H.%M.%S",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_series_goes_on_over_minutes_and_days(pattern):
    stems = [(START + timedelta(seconds=15 * k)).strftime(pattern) for k in range(9)]
    [run] = sequences([Path(f"{stem}.png") for stem in stems], "mine")
    assert run.numbers == tuple(15.0 * k for k in range(9))


def test_times_of_day_alone_and_parts_of_a_second():
    assert seconds(["12-00-58", "12-01-00"]) == [86400 + 43258.0, 86400 + 43260.0]
    first, second = seconds(["2024-05-01T12.00.00.250", "2024-05-01T12.00.00.500"]) or (0, 0)
    assert second - first == pytest.approx(0.25)


@pytest.mark.parametrize(
    "stems",
    [
        ["img001", "img002"],
        ["a 120058", "a 120100"],
        ["20240501_120000_001", "20240501_120000_002"],
        ["2024-05-01", "2024-05-02"],
        ["2023-02-30 12-00-00", "2023-02-30 12-00-01"],
        ["2024-05-01 12-00-00", "2024-05-01 12-00-00b"],
        ["1714560000000", "1714560000040"],
    ],
)
def test_what_is_no_time_or_not_it_alone(stems):
    assert seconds(stems) is None
