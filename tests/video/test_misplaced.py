"""Frames in each other's place, told by the tracks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.misplaced import misplaced

T = 40


def said(position: np.ndarray) -> list[str]:
    seen = np.ones(position.shape[:2], bool)
    return misplaced(position, seen, np.zeros(len(position), int), None, np.arange(100, 100 + T))


def walk(seed: int = 0, memory: float = 0.0) -> np.ndarray:
    """(T, 60, 2) steps of one px, each with a share of the one before."""
    rng, step, steps = np.random.default_rng(seed), 0.0, []
    for _ in range(T):
        step = memory * step + np.sqrt(1 - memory**2) * rng.normal(0, 1, (60, 2))
        steps.append(step)
    return np.cumsum(steps, axis=0)


@pytest.mark.parametrize("memory", [0.0, 0.9])
@pytest.mark.parametrize("first", [1, 20, T - 3])
def test_two_frames_that_changed_places_are_named(memory, first):
    position = walk(memory=memory)
    position[[first, first + 1]] = position[[first + 1, first]]
    (word,) = said(position)
    assert word.startswith(f"frames {100 + first} and {101 + first} seem to be in each other's")


@pytest.mark.parametrize("seed", range(5))
def test_walks_and_jitter_give_no_word(seed):
    jitter = np.random.default_rng(seed).normal(0, 1, (T, 60, 2))
    for position in (walk(seed), walk(seed, 0.9), jitter, walk(seed) + 3 * jitter):
        assert said(position) == []
