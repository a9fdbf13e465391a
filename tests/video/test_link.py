"""Linking against known identities and trackpy's published numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import trackpy
from scipy.optimize import curve_fit

from pipeline import tables
from pipeline.video.detect import features, quiet
from pipeline.video.frames import open_run
from pipeline.video.link import link, link_file
from pipeline.video.parameters import Detection, Linking
from pipeline.video.sources import runs


def table_of(frames: list[np.ndarray], run: int = 0) -> pd.DataFrame:
    """Features table of (N, 2) positions (y, x) per frame, numbered in `mass`."""
    parts = [
        pd.DataFrame(
            {"frame": t, "y": p[:, 0], "x": p[:, 1], "mass": np.arange(len(p), dtype=float)}
        )
        for t, p in enumerate(frames)
    ]
    table = pd.concat(parts, ignore_index=True).assign(
        run=run, size=1.0, ecc=0.0, signal=1.0, ep=0.1
    )
    return tables.checked(table, tables.FEATURES)


@pytest.fixture
def walkers():
    """(12, 100, 2) random walkers on a 10 px grid, steps of 0.5 px."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(10), np.arange(10)), -1).reshape(-1, 2) * 10.0
    return grid + np.cumsum(rng.normal(0, 0.5, (12, 100, 2)), axis=0)


def test_identities_are_kept(walkers):
    tracks, summary = link(table_of(list(walkers)), Linking(3.5))
    assert tracks.groupby("mass")["particle"].nunique().max() == 1
    assert tracks.groupby("particle")["mass"].nunique().max() == 1
    assert (summary["n_tracks"], summary["n_stubs_removed"], summary["filled"]) == (100, 0, 0)
    assert summary["per_frame"] == [100] * 12
    assert sum(summary["displacement"]["count"]) == 100 * 11
    assert summary["warnings"] == []
    json.dumps(summary)
    tables.checked(tracks, tables.TRACKS)


def test_labels_of_runs_are_apart(walkers):
    both = pd.concat([table_of(list(walkers)), table_of(list(walkers), run=1)])
    tracks, _ = link(both, Linking(3.5))
    assert tracks.groupby("particle")["run"].nunique().max() == 1
    assert tracks["particle"].nunique() == 200


def test_gaps_are_filled_by_straight_lines_and_flagged(walkers):
    frames = list(walkers)
    frames[4] = np.delete(walkers[4], 37, axis=0)
    frames[5] = np.delete(walkers[5], 37, axis=0)
    lost, _ = link(table_of(frames), Linking(4.5))
    assert lost["particle"].nunique() == 101
    tracks, summary = link(table_of(frames), Linking(4.5, memory=2))
    assert tracks["particle"].nunique() == 100
    assert summary["filled"] == tracks["filled"].sum() == 2
    new = tracks[tracks["filled"]]
    assert new["frame"].tolist() == [4, 5]
    step = (walkers[6, 37] - walkers[3, 37]) / 3
    expected = walkers[3, 37] + np.outer([1, 2], step)
    np.testing.assert_allclose(new[["y", "x"]], expected, atol=1e-12)


def test_an_empty_frame_is_bridged(walkers):
    frames = [*walkers[:3], np.zeros((0, 2)), *walkers[3:]]
    tracks, summary = link(table_of(frames), Linking(3.5, memory=1))
    assert (summary["n_tracks"], summary["filled"]) == (100, 100)
    assert sorted(tracks["frame"].unique()) == list(range(13))


def test_stubs_are_removed_or_all_refused(walkers):
    frames = list(walkers)
    frames[3] = np.vstack([walkers[3], [[-20.0, -20.0]]])
    tracks, summary = link(table_of(frames), Linking(3.5, min_length=2))
    assert (summary["n_tracks"], summary["n_stubs_removed"]) == (100, 1)
    assert tracks["y"].min() > -15
    with pytest.raises(ValueError, match="no track is as long as min_length = 13"):
        link(table_of(frames), Linking(3.5, min_length=13))


def test_drift_is_removed_when_asked(walkers):
    drifting = walkers + 0.8 * np.arange(12)[:, None, None]
    tracks, _ = link(table_of(list(drifting)), Linking(3.5, remove_drift=True))
    mean = tracks.groupby("frame")[["y", "x"]].mean().to_numpy()
    np.testing.assert_allclose(mean, mean[:1].repeat(12, 0), atol=1e-9)


def test_drift_is_trackpys(walkers):
    frames = [p + np.array([0.3 * t, 0.02 * t**2]) for t, p in enumerate(walkers)]
    plain, _ = link(table_of(frames), Linking(3.5))
    with quiet():
        drift = trackpy.compute_drift(plain)
        expected = trackpy.subtract_drift(plain.copy(), drift).reset_index(drop=True)
    still, _ = link(table_of(frames), Linking(3.5, remove_drift=True))
    expected = expected.sort_values(["frame", "particle"])[["y", "x"]].to_numpy()
    np.testing.assert_allclose(still[["y", "x"]], expected, atol=1e-9)


def blinking(walkers: np.ndarray) -> pd.DataFrame:
    """Two runs in which a tenth of the particles is missed at any time, and frames are empty."""
    rng = np.random.default_rng(1)
    drifting = walkers + 0.2 * np.arange(12)[:, None, None]
    frames = [p[rng.random(100) < 0.9] for p in drifting]
    frames[7] = np.zeros((0, 2))
    return pd.concat([table_of(frames[:10]), table_of(frames, run=1)], ignore_index=True)


@pytest.mark.parametrize("frames_per_block", [1, 2, 5])
@pytest.mark.parametrize(
    "linking",
    [
        Linking(4.5),
        Linking(4.5, memory=1, min_length=3),
        Linking(4.5, memory=3, min_length=6, remove_drift=True),
    ],
)
def test_tracks_do_not_depend_on_the_blocks(walkers, tmp_path, linking, frames_per_block):
    table = blinking(walkers)
    whole, expected = link(table, linking)
    with tables.block_writer(tmp_path / "features.parquet", tables.FEATURES) as append:
        for _, part in table.groupby([table["run"], table["frame"] // frames_per_block]):
            append(part)
    summary = link_file(tmp_path / "features.parquet", tmp_path / "tracks.parquet", linking)
    assert summary == expected
    found = tables.read(tmp_path / "tracks.parquet", tables.TRACKS)
    pd.testing.assert_frame_equal(found, tables.checked(whole, tables.TRACKS))
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}


def test_crowds_are_solved_by_a_smaller_range_or_refused():
    rng = np.random.default_rng(0)
    crowd = rng.uniform(0, 30, (400, 2))
    frames = table_of([crowd, crowd + rng.normal(0, 0.05, crowd.shape)])
    with pytest.raises(ValueError, match="too crowded for search_range = 4 px"):
        link(frames, Linking(4.0, adaptive=False))
    with pytest.raises(ValueError, match="too crowded for search_range = 40 px"):
        link(frames, Linking(40.0))
    tracks, summary = link(frames, Linking(2.0))
    assert tracks["particle"].nunique() < 440
    assert "more than half the distance between neighbours" in summary["warnings"][0]


def test_displacements_that_pile_up_are_reported(walkers):
    _, summary = link(table_of(list(walkers)), Linking(1.0))
    assert "particles that move farther are lost" in summary["warnings"][0]


def test_trackpy_oracle(real):
    """trackpy's own reproducibility set: linking with range 5, without memory and with 2."""
    stored = np.load(real("oracles/trackpy_v0.4") / "reproducibility_v0.4.npz")
    y, x, frame = stored["arr_4"].T
    table = pd.DataFrame(
        {"y": y, "x": x, "frame": frame.astype(int), "mass": np.arange(len(y)) * 1.0}
    )
    table = tables.checked(table.assign(run=0, size=1, ecc=0, signal=1, ep=0), tables.FEATURES)
    for memory, expected in ((0, stored["arr_5"]), (2, stored["arr_6"])):
        tracks, _ = link(table, Linking(5.0, memory, adaptive=False))
        found = tracks[~tracks["filled"]].sort_values("mass")["particle"].to_numpy()
        assert len(found) == len(expected)
        pairs = pd.DataFrame({"found": found, "expected": expected}).drop_duplicates()
        assert pairs["found"].is_unique  # the same sets under one name each
        assert pairs["expected"].is_unique


@pytest.mark.slow
def test_published_numbers_of_bulk_water(real):
    """trackpy's walk-through: 9208 trajectories, 1081 after stubs, MSD = 1.593 t^1.084 um^2."""
    video = open_run(*runs(real("bulk_water")))
    found = features([video], Detection(11, 20, 12, 64, invert=True))
    assert (found["frame"] == 0).sum() == 535
    _, summary = link(found, Linking(5.0, memory=3))
    assert summary["n_tracks"] == 9208
    tracks, summary = link(found, Linking(5.0, memory=3, min_length=25))
    assert summary["n_tracks"] == 1081
    seen = tracks[~tracks["filled"]]
    clear = seen[(seen["mass"] > 50) & (seen["size"] < 2.6) & (seen["ecc"] < 0.3)]
    with quiet():
        em = trackpy.emsd(
            trackpy.subtract_drift(clear.copy(), trackpy.compute_drift(clear)), 100 / 285, 24
        )
    fit, _ = curve_fit(lambda t, n, a: np.log(a) + n * t, np.log(em.index), np.log(em), (1, 1))
    assert fit[0] == pytest.approx(1.084, abs=0.002)
    assert fit[1] == pytest.approx(1.593, abs=0.005)


def test_lost_frames_are_gaps_and_a_lower_rate_is_none(walkers):
    """Of frames 0 to 9 one is lost, and from 10 on every other was taken: who is filled where?"""
    number = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22])
    table = table_of([walkers[0] + 0.2 * t for t in range(len(number))])
    table["frame"] = number[table["frame"]]
    tracks, summary = link(table, Linking(4.5, memory=2), seen=[number])
    assert sorted(set(tracks["frame"])) == sorted({*number.tolist(), 3})
    assert set(tracks.loc[tracks["filled"], "frame"]) == {3}
    assert len(summary["per_frame"]) == len(number)
    middle = (
        tracks[tracks["frame"].isin([2, 3, 4])]
        .pivot(index="particle", columns="frame", values="x")
        .dropna()
    )
    np.testing.assert_allclose(middle[3], (middle[2] + middle[4]) / 2)


def test_a_break_of_all_tracks_is_named(walkers):
    frames = list(walkers)
    half = len(frames) // 2
    frames[half:] = [points + 100 for points in frames[half:]]
    _, summary = link(table_of(frames), Linking(4.5, memory=1))
    said = [s for s in summary["warnings"] if "nearly all tracks break" in s]
    assert said == [
        f"nearly all tracks break at frame {half} of run 0: the view jumped or the video is cut "
        "there, or more frames are missing than link.memory bridges: what comes after count as "
        "other particles."
    ]


def test_drift_goes_on_through_a_frame_that_is_missing(walkers):
    steady = walkers[0] + np.array([0.0, 1.5]) * np.arange(12)[:, None, None]
    table = table_of(list(steady))
    table = table[table["frame"] != 5]
    tracks, summary = link(table, Linking(4.0, memory=2, remove_drift=True))
    spread = tracks.groupby("particle")["x"].agg(np.ptp)
    assert spread.max() < 1e-6
    np.testing.assert_allclose(summary["moved"][0], [[0, 0], [16.5, 0]], atol=1e-5)
