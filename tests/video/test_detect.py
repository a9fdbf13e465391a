"""Detection against known positions, trackpy's published numbers, and its own parallel form."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
import tifffile

from pipeline import tables
from pipeline.video.detect import detected, features, joined, locate
from pipeline.video.frames import open_run
from pipeline.video.parameters import Detection
from pipeline.video.preprocess import Correction
from pipeline.video.sources import runs
from pipeline.video.spots import mutual

SETTINGS = Detection(diameter=9, minmass=400, separation=6.5, percentile=50)
ROOT = Path(__file__).parents[2]


def test_every_spot_is_found_once_and_in_its_place(rendered):
    path, truth = rendered()
    table = features([open_run(*runs(path))], SETTINGS)
    tables.checked(table, tables.FEATURES)
    for t, points in enumerate(truth):
        found = table.loc[table["frame"] == t, ["y", "x"]].to_numpy()
        i, j = mutual(points, found, 2.0)
        inside = ((points > 7) & (points < 152)).all(axis=1)
        assert np.isin(np.flatnonzero(inside), i).mean() == 1.0
        assert len(i) == len(found)
        assert np.abs(found[j] - points[i]).mean() < 0.06


def test_runs_are_numbered_and_frames_in_order(rendered):
    path, _ = rendered(frames=5)
    video = open_run(*runs(path))
    table = features([video, video], SETTINGS, frames_per_chunk=2)
    first, second = (table[table["run"] == run].drop(columns="run") for run in (0, 1))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))
    assert table["frame"].is_monotonic_increasing is False
    assert first["frame"].is_monotonic_increasing
    assert sorted(first["frame"].unique()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [2, 3, 11])
def test_shares_of_the_frames_make_the_same_table(rendered, tmp_path, count):
    path, _ = rendered(frames=4)
    video = open_run(*runs(path))
    parts = [tmp_path / f"{k}.parquet" for k in range(count)]
    for k, part in enumerate(parts):  # of the last, some have no frame at all
        with tables.block_writer(part, tables.FEATURES) as append:
            for table in detected([video, video], SETTINGS, part=(k, count)):
                append(table)
    found = pd.concat(joined(parts, SETTINGS), ignore_index=True)
    pd.testing.assert_frame_equal(found, features([video, video], SETTINGS))


def test_dark_spots_are_the_negative_of_bright_ones(rendered):
    path, _ = rendered(frames=2)
    image = open_run(*runs(path))[0]
    bright = locate(image, SETTINGS)
    dark = locate(255 - image, SETTINGS._replace(invert=True))
    np.testing.assert_allclose(bright[["y", "x"]], dark[["y", "x"]], atol=1e-9)


def test_trackpy_oracle(real):
    image = imageio.imread(real("oracles/trackpy_v0.4") / "T76S3F00001.png")
    expected = np.load(real("oracles/trackpy_v0.4") / "reproducibility_v0.4.npz")["arr_3"]
    found = locate(image, Detection(9, 140, separation=10, percentile=64, invert=True))
    np.testing.assert_allclose(found[["y", "x"]], expected, atol=1e-6)


def test_published_count_in_bulk_water(real):
    (source,) = runs(real("bulk_water"))
    found = locate(open_run(source)[0], Detection(11, 20, 12, 64, invert=True))
    assert len(found) == 535


def test_squeezed_pixels(real):
    """Hydrogel at its published settings: 614 to 631 a frame between x = 110 and 1198."""
    (source,) = runs(real("hydrogel_packing"))
    video = open_run(source, correction=Correction(pixel_aspect=4 / 3), span=(0, 2))
    table = features([video], Detection(39, 8000, 27, 50, invert=True))
    table = table[(table["x"] > 110) & (table["x"] < 1198)]
    assert table.groupby("frame").size().between(0.95 * 614, 1.05 * 631).all()


def test_no_particles_is_refused(tmp_path):
    noise = np.random.default_rng(0).poisson(100, (3, 64, 64)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise, photometric="minisblack")
    with pytest.raises(ValueError, match="no particles found in any frame"):
        features([open_run(*runs(tmp_path))], SETTINGS)


def test_even_diameter_is_refused(rendered):
    path, _ = rendered(frames=2)
    with pytest.raises(ValueError, match="diameter must be an odd number of 3 or more, got 8"):
        locate(open_run(*runs(path))[0], SETTINGS._replace(diameter=8))


def test_no_flood_of_warnings(rendered):
    path, _ = rendered(frames=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        features([open_run(*runs(path))], SETTINGS)
    assert not [w for w in caught if "site-packages/trackpy" in w.filename]


SCRIPT = """
from pipeline import tables
from pipeline.video.detect import features
from pipeline.video.frames import open_run
from pipeline.video.parameters import Detection
from pipeline.video.sources import runs
video = open_run(*runs({path!r}))
print("script runs")
table = features([video], Detection(9, 400, 6.5, 50), workers=2, frames_per_chunk=3, start=0)
tables.write({out!r}, table, tables.FEATURES)
"""


class Deadly:
    """A video that kills the process which first reads its fifth frame."""

    def __init__(self, video, marker):
        self.video, self.marker = video, marker
        self.seen, self.number, self.correction = video.seen, video.number, video.correction

    def __len__(self):
        return len(self.video)

    def frames(self, start, stop):
        if start == 4 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.video.frames(start, stop)


@pytest.mark.slow
def test_a_lost_worker_is_made_up_for(rendered, tmp_path, capfd):
    path, _ = rendered()
    video = open_run(*runs(path))
    marker = tmp_path / "killed"
    found = features([Deadly(video, marker)], SETTINGS, workers=2, frames_per_chunk=1, start=0)
    assert marker.exists()
    assert "dask dashboard: http://" in capfd.readouterr().err
    pd.testing.assert_frame_equal(found, features([video], SETTINGS))


@pytest.mark.slow
def test_dask_agrees_with_serial_and_needs_no_guarded_script(rendered, tmp_path):
    path, _ = rendered()
    out = tmp_path / "features.parquet"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(path=str(path), out=str(out)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("script runs") == 1
    assert "Warning" not in done.stderr
    serial = features([open_run(*runs(path))], SETTINGS)
    pd.testing.assert_frame_equal(tables.read(out, tables.FEATURES), serial)
