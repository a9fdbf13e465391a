"""Where the time of a run goes."""

from __future__ import annotations

import pytest

from benchmarks.shares import Part, shares, slowest


class Work:
    """A run of known length, and the clock that it moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def longer(self) -> None:
        self.seconds += 6.0

    def shorter(self) -> None:
        self.seconds += 2.0

    def __call__(self) -> None:
        self.longer()
        self.shorter()
        self.seconds += 2.0


PARTS = (
    Part("the short one", "test_shares.py", "shorter", "little"),
    Part("the long one", "test_shares.py", "longer", "much"),
    Part("nothing", "elsewhere.py", "longer", ""),
)


def test_shares_are_those_of_the_work():
    work = Work()
    found = shares(work, PARTS, work.clock)
    assert [found[part] for part in PARTS] == pytest.approx([0.2, 0.6, 0.0])


def test_the_slowest_is_named_with_its_reason():
    work = Work()
    line = slowest(work, PARTS, work.clock)
    assert line.strip() == "60% is the long one: much (the short one 20%, nothing 0%)"
