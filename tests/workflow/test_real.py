"""Real videos and broken ones through snakemake, as a user puts them into data/."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import yaml

from pipeline import h5md
from pipeline.settings import sections
from pipeline.video.survey import open_all

HOME = Path(__file__).resolve().parents[2]
REAL = HOME.parent / "shared" / "data"
ROLLERS = REAL / "quincke_rollers"
DISCS = REAL / "magnetic_discs" / "N40-light.mp4"


@pytest.mark.slow
@pytest.mark.skipif(not ROLLERS.is_dir(), reason=f"the real video is not here: {ROLLERS}")
def test_nine_frames_of_rollers_make_a_report_that_says_what_they_cannot(tmp_path, snakemake):
    film = shutil.ignore_patterns("*.csv.gz")  # its tracks would enter in place of tracking
    shutil.copytree(ROLLERS, tmp_path / "data" / "part", ignore=film)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "part.yaml").write_text(
        "video: {crop: [60, 600, 280, 820]}\n"
        "graph: {cutoff: 0.9}\n"
        "train: {steps: 10, validate_every: 5, strength: false, localisation: covariance}\n"
        "report: {movie: false}\n"
    )
    run = snakemake(tmp_path, "--cores", "2", "results/part/report.html")
    assert run.returncode == 0, run.stderr[-3000:]
    made = tmp_path / "results" / "part"
    page = (made / "report.html").read_text()
    assert "With 9 frames the model learned from 4, was chosen on 2 and is judged on 3" in page
    assert len(re.findall(r'class="lamp"', page)) == 6
    assert "No physical scale was given" in page
    with open(made / "comparison.csv") as file:
        assert {"rdf", "msd"} <= {row["metric"] for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bulk_water", "quincke_rollers", "hydrogel_packing"])
def test_shipped_settings_fit_their_video(name):
    if not (REAL / name).is_dir():
        pytest.skip(f"the real video is not here: {REAL / name}")
    overlay = yaml.safe_load((HOME / "config" / f"{name}.yaml").read_text())
    defaults = yaml.safe_load((HOME / "config" / "config.yaml").read_text())
    given = {"video": {**defaults["video"], **overlay.get("video", {})}}
    videos = open_all(REAL / name, sections(given).video)
    assert min(videos[0].shape) > 400


@pytest.mark.slow
@pytest.mark.skipif(not DISCS.is_file(), reason=f"the real video is not here: {DISCS}")
def test_discs_between_walls_are_all_free_without_any_setting(tmp_path, snakemake):
    (tmp_path / "data" / "discs40").mkdir(parents=True)
    shutil.copy(DISCS, tmp_path / "data" / "discs40")
    (tmp_path / "config").mkdir()
    # For the time it takes: fewer frames, which is no help.
    (tmp_path / "config" / "discs40.yaml").write_text("video: {frames: [0, 120]}")
    run = snakemake(tmp_path, "--cores", "2", "results/discs40/trajectory.h5")
    assert run.returncode == 0, run.stderr[-3000:]
    found = h5md.read(tmp_path / "results" / "discs40" / "trajectory.h5")
    assert found.attributes["edge"]["closed"], found.attributes["edge"]["why"]
    assert found.attributes["regime"] == "inertial"
    assert not found.driven.any()
    assert found.free[1:].sum(axis=1).min() >= 39
    assert found.free[1:].sum(axis=1).max() == 40


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 64, 80)).astype(np.uint8)


def one_frame(folder: Path) -> str:
    tifffile.imwrite(folder / "v.tif", noise(1))
    return "v.tif gives 1 frame, of shape (64, 80), and motion needs 2 or more"


def cut_short(folder: Path) -> str:
    tifffile.imwrite(folder / "v.tif", noise(6))
    whole = (folder / "v.tif").read_bytes()
    (folder / "v.tif").write_bytes(whole[: len(whole) // 2])
    return "v.tif is cut short"


def sizes_differ(folder: Path) -> str:
    for k, image in enumerate(noise(4)):
        imageio.imwrite(folder / f"f{k}.png", image[: 60 if k == 2 else 64])
    return "the frames differ in size: data/bad/f2.png has (60, 80)"


def only_text(folder: Path) -> str:
    (folder / "notes.txt").write_text("the video is on the other disk")
    return "no video found in data/bad: put one there"


def contradicted(folder: Path) -> str:
    resolution = (2.0, 2.0)  # pixels per micrometre
    tifffile.imwrite(
        folder / "v.tif", noise(6), imagej=True, resolution=resolution, metadata={"unit": "um"}
    )
    (folder.parents[1] / "config").mkdir()
    (folder.parents[1] / "config" / "bad.yaml").write_text("video: {mpp: 0.68}\n")
    return "video.mpp = 0.68 um per px contradicts data/bad/v.tif, which states 0.5"


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [one_frame, cut_short, sizes_differ, only_text, contradicted])
def test_a_bad_input_ends_the_run_in_a_sentence(tmp_path, spoil, snakemake):
    folder = tmp_path / "data" / "bad"
    folder.mkdir(parents=True)
    sentence = spoil(folder)
    run = snakemake(tmp_path, "--cores", "2", "results/bad/report.html")
    assert run.returncode != 0
    end = [line for line in run.stderr.splitlines() if line.strip()][-6:]
    assert any(line.startswith("error: ") and sentence in line for line in end), end
    assert "Traceback" not in run.stderr
    logs = list((tmp_path / "results" / "bad" / "logs").glob("*.log"))
    assert any("Traceback" in log.read_text() for log in logs)
