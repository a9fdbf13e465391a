"""Numbers as people write them."""

from __future__ import annotations

import pytest

from pipeline.report.html import number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (0.012345, "0.0123"), (-1.5, "−1.5"), (1e-7, "1e−7"), (12345.6, "12346"),
     (float("nan"), "–"), (None, "–"), (True, "yes"), ([1, 2.5], "1, 2.5"), ("dark", "dark")],
)  # fmt: skip
def test_numbers_are_short(value: object, text: str) -> None:
    assert number(value) == text


def test_percentages_keep_two_digits() -> None:
    assert [percent(x) for x in (0.0712, 0.5, 2.748)] == ["7.1 %", "50 %", "270 %"]
    assert percent(float("nan")) == "–"
