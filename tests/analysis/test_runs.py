"""A trajectory in pieces on regular clocks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.runs import runs
from pipeline.trajectory import Box, Trajectory


def trajectory(time: np.ndarray, run: np.ndarray) -> Trajectory:
    shape = (len(time), 3)
    position = np.broadcast_to(time[:, None, None], (*shape, 2)).copy()
    everybody = np.ones(shape, bool)
    return Trajectory(
        position=position,
        velocity=np.ones_like(position),
        present=everybody,
        driven=~everybody,
        time=time,
        run=run,
        particle=np.arange(3),
        species=np.zeros(3, np.int32),
        box=Box(np.array([100.0, 100.0]), (False, False), np.zeros(2)),
        attributes={"dt": 0.5},
        extra={},
    )


def test_an_interval_of_another_length_begins_a_run_and_a_whole_gap_does_not():
    time = np.array([0.0, 0.25, 0.75, 1.25, 2.75, 3.25, 0.0, 0.5])
    found = runs(trajectory(time, np.array([0] * 6 + [1] * 2)))
    assert [len(part.time) for part in found] == [1, 7, 2]
    assert found[1].time == pytest.approx(0.25 + 0.5 * np.arange(7))
    assert found[1].seen.any(axis=1).tolist() == [True] * 3 + [False] * 2 + [True] * 2


def test_times_that_go_back_within_a_run_are_refused():
    with pytest.raises(ValueError, match="do not fall on a clock"):
        runs(trajectory(np.array([0.0, 0.5, 0.5]), np.zeros(3, int)))
