"""How an answer is graded: good, fair or poor, by bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    """state: good, fair or poor."""

    state: str
    sentence: str


class Bound(NamedTuple):
    """Up to where an answer is yes, and up to where yes with care."""

    good: float
    fair: float

    def grade(self, value: float) -> str:
        """good at or below the first bound, fair at or below the second, else poor."""
        if not np.isfinite(value):
            return "poor"
        return "good" if value <= self.good else "fair" if value <= self.fair else "poor"


def worst(*states: str) -> str:
    """The most severe of several states."""
    return max(states, key=("good", "fair", "poor").index)
