"""Clocks: random rates, gaps, jitter and repeats come back as they were made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.video.clock import (
    converted,
    even,
    missing,
    ticking,
    ticks,
    without_blanks,
    without_repeats,
)


@settings(deadline=None)
@given(
    st.floats(1e-4, 1e3),
    st.integers(30, 300),
    st.sets(st.integers(2, 298), max_size=8),
    st.floats(0, 0.04),
    st.integers(0, 99),
)
def test_random_clocks(interval, count, lost, jitter, seed):
    """Whatever the rate, single lost frames and jitter of a few per cent: every tick is found."""
    # Every other frame lost for a while is another rate, and said to be one.
    assume(not any(n + 2 in lost for n in lost))
    number = np.array([n for n in range(count) if n not in lost or n == count - 1])
    random = np.random.default_rng(seed)
    times = interval * (number + jitter * random.uniform(-1, 1, len(number)))
    found = ticking(times, "a", timed=True)
    np.testing.assert_array_equal(found.number, number - number[0])
    assert found.interval == pytest.approx(interval, rel=0.02)
    gone = count - len(number)
    assert (f"{gone} frames of a are missing" in " ".join(found.warnings)) == (gone > 0)


@given(st.integers(1, 50), st.integers(3, 60), st.integers(0, 10**6))
def test_numbers_of_files_in_steps(step, count, first):
    found = ticking(first + step * np.arange(count, dtype=float), "a", timed=False)
    np.testing.assert_array_equal(found.number, np.arange(count))
    assert (found.interval, found.warnings, found.timed) == (step, [], False)


def test_stamps_in_whole_milliseconds():
    """29.97 frames a second, rounded as Matroska rounds them, for ten minutes."""
    times = np.round(np.arange(18000) / 29.97, 3)
    found = ticking(times, "a", timed=True)
    np.testing.assert_array_equal(found.number, np.arange(18000))
    assert found.interval == pytest.approx(1 / 29.97, rel=1e-6)
    assert not found.warnings


def test_half_the_rate_is_no_loss():
    number = np.concatenate([np.arange(30), np.arange(31, 91, 2)])
    found = ticking(number / 30, "a", timed=True)
    np.testing.assert_array_equal(found.number, number)
    np.testing.assert_array_equal(ticks(number), number)
    assert not missing(number).any()
    assert "changes: from frame 29 on, frames follow each other after 2" in found.warnings[0]


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_film_that_is_mostly_slower_is_taken_at_the_slower_rate(every):
    """Else what is trained on would be the fast part alone."""
    number = np.concatenate([np.arange(31), 30 + every * np.arange(1, 101)])
    found = ticking(number / 30, "a", timed=True)
    kept = found.number >= 0
    assert found.interval == pytest.approx(every / 30)
    assert (np.diff(found.number[kept]) == 1).all()
    np.testing.assert_array_equal(kept, number % every == 30 % every)
    assert f"{(~kept).sum()} of {len(number)} frames are left out" in found.warnings[0]
    assert found.raised == every


def test_a_loss_at_half_the_rate():
    number = np.concatenate([np.arange(30), np.arange(31, 61, 2), np.arange(65, 95, 2)])
    np.testing.assert_array_equal(np.setdiff1d(ticks(number), number), [61, 63])
    assert missing(number).sum() == 2


@given(st.lists(st.floats(1.0, 3.0), min_size=60, max_size=90), st.integers(0, 9))
def test_random_intervals_are_refused_with_the_numbers(intervals, seed):
    steps = np.random.default_rng(seed).permutation(intervals)
    assume(np.std(steps) > 0.4)
    for unit in (np.median(steps), np.percentile(steps, 10)):
        assume(np.mean(np.abs(steps / unit - np.round(steps / unit)) > 0.3) > 0.2)
    with pytest.raises(ValueError, match=r"unevenly spaced: intervals from .* s \(median"):
        ticking(np.cumsum(steps), "a", timed=True)


@given(st.integers(0, 99), st.floats(0.15, 0.25))
def test_stamps_that_jitter_about_an_even_rate_are_even(seed, jitter):
    """A computer stamps frames of an even camera when it comes to them."""
    late = np.random.default_rng(seed).normal(0, jitter, 200).clip(-0.9, 0.9)
    found = ticking(np.sort(np.arange(200) + late), "a", timed=True)
    np.testing.assert_array_equal(found.number, np.arange(200))
    assert found.interval == pytest.approx(1.0, abs=0.01)
    assert "jitter" in found.warnings[0]


def test_a_rate_that_drifts_is_refused():
    with pytest.raises(ValueError, match="unevenly spaced"):
        ticking(np.cumsum(np.linspace(1.0, 1.3, 500)), "a", timed=True)


@pytest.mark.parametrize(
    ("low", "high"), [(25, 30), (24, 25), (24, 30), (15, 30), (10, 30), (24, 60), (18, 25)]
)
def test_conversions_of_the_rate(low, high):
    """Frame k of the converted film shows the last picture taken before it."""
    shown = np.arange(6 * high) * low // high
    repeated = np.diff(shown, prepend=-1) == 0
    found = without_repeats(even(len(shown)), repeated, "a")
    assert found.raised == pytest.approx(high / low)
    np.testing.assert_array_equal(found.number[~repeated], np.arange((~repeated).sum()))
    assert (found.number[repeated] == -1).all()
    assert "rate was raised" in found.warnings[0]


@pytest.mark.parametrize("frames", [[1, 12], [20, 31], [27, 38], [5, 17], [2, 8, 14]])
def test_a_few_repeats_at_even_distances_are_no_rule(frames):
    """What would be one goes on to the end of the film."""
    repeated = np.zeros(40, dtype=bool)
    repeated[frames] = True
    assert converted(repeated) is None


@given(st.integers(0, 999))
def test_repeats_at_random_are_losses(seed):
    repeated = np.random.default_rng(seed).random(400) < 0.04
    repeated[0] = False
    assume(repeated.any())
    assert converted(repeated) is None
    found = without_repeats(even(400), repeated, "a")
    np.testing.assert_array_equal(found.number, np.arange(400))
    assert found.warnings[0].startswith(f"{repeated.sum()} of 400 frames of a repeat")


def test_frames_that_are_blank_by_a_rule_are_none():
    found = without_blanks(even(12), np.arange(12) % 3 == 1, "a")
    assert found.number.tolist() == [0, -1, 1, 2, -1, 3, 4, -1, 5, 6, -1, 7]
    assert found.interval == 1.5
    assert "1 of every 3 frames of a show nothing" in found.warnings[0]
    scattered = np.isin(np.arange(40), [3, 4, 20])
    left = without_blanks(even(40), scattered, "a")
    assert (left.number.tolist(), left.warnings) == (list(range(40)), [])
