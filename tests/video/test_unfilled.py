"""Parts of the view that are no sample, and samples that fill it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.trajectory import Box
from pipeline.video.unfilled import unfilled

BOX = Box(np.array([200.0, 160.0]), (False, False), np.array([4.5, 4.5]))


def gas(seed: int, number: int = 300) -> np.ndarray:
    """(T, N, 2) particles anywhere in the view, that hardly move."""
    rng = np.random.default_rng(seed)
    start = BOX.origin + rng.random((number, 2)) * BOX.lengths
    return start + np.cumsum(rng.normal(0, 0.1, (10, number, 2)), axis=0)


@pytest.mark.parametrize("size", [1.0, 1.13])
def test_a_round_aperture(size):
    path = gas(0)
    inside = np.hypot(*(2 * (path[0] - BOX.origin) / BOX.lengths - 1).T) < 0.99 * size
    [said] = unfilled(path, np.repeat(inside[None], 10, 0), BOX)
    assert "0.0 % of the particles are in the corners of the view" in said


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (lambda x, y: x > 64.5, "within 60 px at the left edge:"),
        (lambda x, y: x < 144.5, "within 60 px at the right edge:"),
        (lambda x, y: (y > 44.5) & (y < 134.5), "within 40 px at the upper edge, 30 px at the low"),
    ],
)
def test_a_sample_that_ends_in_the_view(kept, said):
    path = gas(1, 3000)
    inside = kept(*path[0].T)
    [found] = unfilled(path, np.repeat(inside[None], 10, 0), BOX)
    wanted = [float(word) for word in said.split() if word.isdigit()]
    assert [float(w) for w in found.split() if w.isdigit()] == pytest.approx(wanted, abs=1)
    assert found.split(" px at the ")[1].split()[0] == said.split(" px at the ")[1].split()[0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("number", [1, 5, 60, 300])
def test_what_fills_the_view_is_left_alone(seed, number):
    path = gas(seed, number)
    assert unfilled(path, np.ones(path.shape[:2], bool), BOX) == []


def test_nobody():
    assert unfilled(np.zeros((5, 3, 2)), np.zeros((5, 3), bool), BOX) == []
