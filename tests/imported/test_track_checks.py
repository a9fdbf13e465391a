"""Tracks that contradict themselves are refused, what may be a mistake of a tracking is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import trackpy

from pipeline.imported.track_checks import check_tracks
from tests.imported.test_tracks import WALK, imported, walk

LONG = walk(frames=30, gap=False)


def checked(table: pd.DataFrame) -> list[str]:
    return check_tracks(table.assign(run=0), "t.csv")


def at(rows: list[int], **values: float) -> pd.DataFrame:
    table = WALK.reset_index(drop=True)
    for name, value in values.items():
        table.loc[rows, name] = value
    return table


def test_clean_tracks_pass_without_a_word():
    assert checked(WALK) == checked(LONG) == []


REFUSED = {
    "every third frame": (
        WALK[WALK["frame"] % 3 == 0],
        r"in two successive frames, the shortest step is 3",
    ),
    "a particle twice": (
        pd.concat([WALK, WALK.iloc[[7]] + 0.25]).astype({"frame": int, "particle": int}),
        r"Particle 7 of t\.csv is in frame 0 more than once",
    ),
    "numbers of rows": (
        WALK.assign(particle=np.arange(len(WALK))),
        "No particle of t.csv is in more than one",
    ),
    "one frame": (WALK.assign(frame=0, particle=np.arange(len(WALK)) // 2), "more than once"),
    "no position, written 0": (at([3, 40], x=0.0, y=0.0), r"jump to \(0, 0\) and back"),
    "no position, written -1": (at([40], x=-1.0, y=-1.0), r"jump to \(-1, -1\) and back"),
    "no position, written 999": (at([9, 80], x=999.0, y=999.0), r"to \(999, 999\) and"),
    "a frame far off": (
        WALK.assign(frame=np.where(WALK["frame"] > 5, WALK["frame"] + 10**9, WALK["frame"])),
        r"12 of these 1000000012 hold particles: number them",
    ),
    "nothing moves": (
        pd.concat([WALK[WALK["frame"] == 0].assign(frame=k) for k in range(5)]),
        "No particle of t.csv ever moves",
    ),
    "a position of 1e30": (at([77], x=1e30), r"is at x = 1e\+30 px in frame 2, where nine"),
    "particle and frame exchanged": (
        WALK.rename(columns={"particle": "frame", "frame": "particle"}),
        r"move by 20 px from frame .*stand in each other's column",
    ),
}


@pytest.mark.parametrize(("table", "said"), REFUSED.values(), ids=REFUSED)
def test_what_contradicts_itself_is_refused(table, said):
    with pytest.raises(ValueError, match=said):
        checked(table)


NAMED = {
    "a label used again": (
        LONG.assign(x=LONG["x"] + 60.0 * ((LONG["particle"] == 3) & (LONG["frame"] > 14))),
        "t.csv jump 1 times, the first, 3, by 59.9 px to frame 15",
    ),
    "whole pixels": (WALK.round(0), "All positions of t.csv are whole pixels"),
}


@pytest.mark.parametrize(("table", "said"), NAMED.values(), ids=NAMED)
def test_what_may_be_meant_is_named(table, said):
    (warning,) = checked(table)
    assert said in warning


def test_labels_that_are_numbers_of_rows_within_a_frame_change_places(tmp_path):
    """The commonest mistake: the index of a detection for the identity of a particle."""
    rng = np.random.default_rng(1)
    mixed = walk(gap=False).assign(
        particle=np.concatenate([rng.permutation(30) for _ in range(12)])
    )
    mixed.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match=r"Labels of t\.csv change places: from frame \d+ to \d+"):
        imported(tmp_path / "t.csv")


def test_two_labels_for_one_another_are_a_mistake_of_a_tracking():
    """A few are named; what they did not do is change what a label means."""
    mixed = walk(gap=False)
    other = mixed["particle"].map({3: 20, 20: 3})
    late = mixed["frame"] > 6
    mixed.loc[late & other.notna(), "particle"] = other[late].dropna()
    (warning,) = checked(mixed.assign(particle=mixed["particle"].astype(int)))
    assert "change places: from frame 6 to 7 2 move far" in warning
    assert "(2 such steps in all)" in warning


def linked(frames: list[np.ndarray], reach: float) -> pd.DataFrame:
    """What trackpy makes of positions (K, 2) in each frame."""
    rows = [
        pd.DataFrame(place, columns=["x", "y"]).assign(frame=t) for t, place in enumerate(frames)
    ]
    trackpy.quiet()
    return trackpy.link(pd.concat(rows, ignore_index=True), reach)


def test_tracks_linked_farther_than_density_allows_are_those_of_chance():
    rng = np.random.default_rng(0)
    strangers = [rng.uniform(0, 100, (150, 2)) for _ in range(12)]
    assert any("tracks are those of chance" in word for word in checked(linked(strangers, 4.0)))
    step = rng.normal(0, 0.4, (12, 150, 2))
    walkers = strangers[0] + np.cumsum(step, axis=0)
    assert checked(linked(list(walkers), 2.0)) == []


def test_a_flow_may_be_faster_than_neighbours_are_apart():
    rng = np.random.default_rng(1)
    start = rng.uniform(0, 100, (150, 2)) + rng.normal(0, 0.1, (12, 150, 2))
    flow = start + np.arange(12)[:, None, None] * (9.0, 2.0)
    rows = [
        pd.DataFrame(place, columns=["x", "y"]).assign(frame=t, particle=np.arange(150))
        for t, place in enumerate(flow)
    ]
    said = checked(pd.concat(rows, ignore_index=True))
    assert not any("chance" in word for word in said)
