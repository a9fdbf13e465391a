"""Films that arrive damaged or mislabelled, whose right answer is known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.trajectory import Trajectory
from pipeline.units import Scale
from pipeline.video import survey
from pipeline.video.assembly import View, assemble
from pipeline.video.detect import features
from pipeline.video.link import link
from pipeline.video.settings import Reading
from pipeline.video.tune import tune


class Result:
    """What a file becomes with default settings and a few others of the section `video`."""

    def __init__(self, path: Path, **asked: Any) -> None:
        video = Reading(**asked)
        found = survey.survey(path, video)
        self.videos, self.said = found.videos, " ".join(found.warnings)
        chosen = tune(self.videos).parameters
        self.features = features(self.videos, chosen.detection)
        seen = [v.number[v.seen] for v in self.videos]
        self.tracks, self.linking = link(self.features, chosen.linking(), seen)
        shift = self.videos[0].correction.shift
        moved = ((0.0, 0.0), (0.0, 0.0))
        if shift is not None:
            moved = (tuple(shift.min(0)[::-1]), tuple(shift.max(0)[::-1]))
        margin = (chosen.diameter + 1) / 2
        view = View(self.videos[0].shape, margin, 1.72, 0.5, moved=moved)
        note = {"dataset": path.stem, "synthetic": False}
        scale = Scale(video.mpp, found.fps)
        self.trajectory: Trajectory = assemble(self.tracks, view, scale, note, seen)

    @property
    def count(self) -> pd.Series:
        return self.features.groupby(["run", "frame"]).size()

    def speed(self, rows: slice) -> float:
        present = self.trajectory.present[rows]
        return float(np.linalg.norm(self.trajectory.velocity[rows], axis=2)[present].mean())


@pytest.fixture(scope="module")
def control(real):
    return Result(real("door") / "control.tif")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["append_in_chunks", "write_per_frame", "compression_changes"])
def test_every_write_counts(real, control, name):
    found = Result(real("door") / f"{name}.tif")
    assert len(found.videos[0]) == 40
    pd.testing.assert_frame_equal(found.features, control.features)
    assert found.said == ""


@pytest.mark.slow
def test_a_stream_copied_cut_begins_where_it_says(real, control):
    found = Result(real("door") / "trimmed_edit_list.mp4")
    (video,) = found.videos
    assert len(video) == 25
    late = control.features[control.features["frame"] == 15]
    first = found.features[found.features["frame"] == 0]
    near = np.linalg.norm(
        late[["y", "x"]].to_numpy()[:, None] - first[["y", "x"]].to_numpy(), axis=2
    ).min(axis=1)
    assert np.median(near) < 0.1  # compression; a frame earlier or later is 0.289 px away
    assert found.linking["n_tracks"] == 105


@pytest.mark.slow
def test_b_frames_in_avi_whatever_the_cores(real):
    (video,) = survey.open_all(real("door") / "b_frames_avi.avi", Reading())
    whole = np.stack(list(video))
    assert len(whole) == 150
    for size in (1, 7, 19, 64):
        for start in range(0, 150, size):
            np.testing.assert_array_equal(
                np.stack(list(video.frames(start, start + size))), whole[start : start + size]
            )
    change = [np.abs(a - b.astype(int)).mean() for a, b in pairwise(whole)]
    assert max(change) < 1.5 * np.median(change)


@pytest.mark.slow
def test_speeds_by_the_stamps(real):
    found = Result(real("door") / "variable_rate.mp4", fps=1 / 0.033)
    fast, slow = found.speed(slice(1, 30)), found.speed(slice(30, 60))
    assert (fast, slow) == (pytest.approx(8.7, abs=0.15), pytest.approx(8.3, abs=0.15))
    assert "frame rate of variable_rate changes: from frame 29 on" in found.said
    assert found.linking["n_tracks"] == pytest.approx(105, abs=3)


@pytest.mark.slow
def test_focal_planes_are_asked_for(real):
    path = real("door") / "planes_as_time.tif"
    with pytest.raises(ValueError, match=r"3 focal planes at each of 20 times: say .*video\.plane"):
        Result(path)
    assert len(Result(path, plane=1).videos[0]) == 20


@pytest.mark.slow
def test_signed_levels_with_dark_spots(real, control):
    found = Result(real("door") / "int16_dark.tif")
    assert found.count.between(100, 110).all()
    assert found.speed(slice(1, None)) == pytest.approx(control.speed(slice(1, None)), rel=0.02)


@pytest.mark.slow
def test_a_flat_first_frame_is_named_and_left_out(real):
    found = Result(real("door") / "flat_first_frame.tif")
    assert found.linking["n_tracks"] == pytest.approx(105, abs=3)
    assert found.said == "frame 0 of flat_first_frame is flat: left out."
    assert found.features["frame"].min() == 1


@pytest.mark.slow
def test_registered_drift_keeps_what_was_seen_all_along(real, control):
    found = Result(real("door") / "drift_registered.tif", registration=True).trajectory
    assert found.box.lengths == pytest.approx([92, 149.6], abs=1.0)
    assert found.number_density() == pytest.approx(control.trajectory.number_density(), rel=0.03)
    assert np.linalg.norm(found.velocity, axis=2)[found.present].mean() == pytest.approx(
        control.speed(slice(1, None)), rel=0.03
    )
