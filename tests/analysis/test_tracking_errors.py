"""Tracking against truth on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import tracking_errors as metrics
from pipeline.trajectory import Box, Trajectory

VIEW = (210, 210)
FRAMES = 12


def lattice() -> Trajectory:
    """100 particles 20 px apart, all moving by (0.5, 0.2) px a frame."""
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    velocity = np.array([0.5, 0.2])
    position = 12.0 + 20.0 * grid + np.arange(FRAMES)[:, None, None] * velocity
    shape = position.shape[:2]
    attributes = {"dataset": "lattice", "length_unit": "px", "time_unit": "frame", "dt": 1.0}
    return Trajectory(
        position=position,
        velocity=np.broadcast_to(velocity, position.shape),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=np.arange(FRAMES, dtype=float),
        run=np.zeros(FRAMES, dtype=np.int32),
        particle=np.arange(100),
        species=np.zeros(100, dtype=np.int32),
        box=Box(np.array([210.0, 210.0]), (False, False), np.full(2, -0.5)),
        attributes=attributes,
        extra={},
    )


def tracked(truth: Trajectory, shift=0.0) -> pd.DataFrame:
    frame, column = np.nonzero(truth.present)
    place = truth.position[frame, column] + shift
    table = pd.DataFrame({"frame": frame, "particle": column + 1000, "y": place[:, 1]})
    return table.assign(x=place[:, 0], filled=False)


def test_perfect_tracks():
    truth = lattice()
    told = metrics.tracking(tracked(truth), truth, VIEW)
    assert told["recall"] == 1.0
    assert told["precision"] == 1.0
    assert told["position_error_px"] == 0.0
    assert told["identity_swaps"] == 0
    assert told["velocity"]["error"] == pytest.approx(0.0, abs=1e-12)
    assert told["velocity"]["true"] == pytest.approx(np.sqrt((0.25 + 0.04) / 2))
    assert told["velocity"]["variance_ratio"] == pytest.approx(1.0)


def test_three_of_a_hundred_dropped_and_all_shifted():
    truth = lattice()
    table = tracked(truth, 0.1)
    table = table[~table["particle"].isin([1003, 1047, 1099])]
    told = metrics.tracking(table, truth, VIEW)
    assert told["recall"] == pytest.approx(0.97)
    assert told["precision"] == 1.0
    assert told["position_error_px"] == pytest.approx(0.1)
    assert told["position_error_static_px"] == pytest.approx(0.1)
    assert told["position_error_fluctuating_px"] == pytest.approx(0.0, abs=1e-12)
    assert told["position_bias_px"] == pytest.approx([0.1, 0.1])
    assert told["velocity"]["error"] == pytest.approx(0.0, abs=1e-12)


def test_white_noise_is_fluctuating_and_doubles_in_velocity():
    truth = lattice()
    noise = 0.05 * np.random.default_rng(0).standard_normal((FRAMES * 100, 2))
    told = metrics.tracking(tracked(truth, noise), truth, VIEW)
    assert told["position_error_px"] == pytest.approx(0.05, rel=0.05)
    assert told["position_error_static_px"] == pytest.approx(0.05 / np.sqrt(FRAMES), rel=0.2)
    assert told["velocity"]["error"] == pytest.approx(0.05 * np.sqrt(2), rel=0.05)


def test_invented_features_cost_precision_and_gap_fills_do_not_count():
    truth = lattice()
    table = tracked(truth)
    invented = table[table["particle"] < 1020].assign(x=lambda t: t["x"] + 10.0)
    invented["particle"] += 5000
    both = pd.concat([table, invented], ignore_index=True)
    told = metrics.tracking(both, truth, VIEW)
    # The last of each row of inventions soon moves out of the margin.
    assert 100 / 120 < told["precision"] < 100 / 118
    assert told["recall"] == 1.0
    both.loc[len(table) :, "filled"] = True
    assert metrics.tracking(both, truth, VIEW)["precision"] == 1.0


def test_the_margin_is_left_out():
    truth = lattice()
    table = tracked(truth)
    # All features of the outer rows are lost, but they lie within the margin.
    outer = (truth.position[0] < 30).any(axis=1) | (truth.position[0] > 180).any(axis=1)
    table = table[~table["particle"].isin(1000 + np.flatnonzero(outer))]
    assert metrics.tracking(table, truth, VIEW, margin=25.0)["recall"] == 1.0
    assert metrics.tracking(table, truth, VIEW)["recall"] < 0.7


def test_swaps_are_counted():
    truth = lattice()
    table = tracked(truth)
    late = table["frame"] >= 6
    first, second = late & (table["particle"] == 1044), late & (table["particle"] == 1045)
    table.loc[first, "particle"], table.loc[second, "particle"] = 1045, 1044
    told = metrics.tracking(table, truth, VIEW)
    assert told["identity_swaps"] == 2
    # The velocity across a swap is a jump between particles and not an error of localisation.
    assert told["velocity"]["error"] == pytest.approx(0.0, abs=1e-12)


def test_refuses_tracks_of_another_video():
    truth = lattice()
    with pytest.raises(ValueError, match="same video"):
        metrics.tracking(tracked(truth, 10.0), truth, VIEW)
    late = tracked(truth).assign(frame=lambda t: t["frame"] + 5)
    with pytest.raises(ValueError, match="frames"):
        metrics.tracking(late, truth, VIEW)
