"""Frames that do not follow each other as they were taken, and films in which all do."""

from __future__ import annotations

import av
import numpy as np
import pytest

from pipeline.video import survey
from pipeline.video.settings import Reading
from tests.video.test_survey import CLEAN, film, surveyed


def mean(images: np.ndarray, t: int) -> np.ndarray:
    """Of frames t and t + 1."""
    return np.rint(0.5 * (images[t].astype(float) + images[t + 1])).astype(np.uint8)


def left_out(found: survey.Survey) -> list[int]:
    (video,) = found.videos
    return np.flatnonzero(~video.seen).tolist()


@pytest.mark.parametrize("first", [1, 7, 20, 37])
def test_two_frames_in_each_others_place_are_left_out(tmp_path, first):
    images = CLEAN.copy()
    images[[first, first + 1]] = CLEAN[[first + 1, first]]
    found = surveyed(tmp_path, images)
    assert left_out(found) == [first, first + 1]
    assert f"frames {first} and {first + 1} of a are in each other's place" in found.warnings[0]


def test_a_stretch_that_is_shown_backwards_is_a_run_of_its_own(tmp_path):
    images = CLEAN.copy()
    images[14:23] = CLEAN[14:23][::-1]
    found = surveyed(tmp_path, images)
    assert [(v.first, len(v)) for v in found.videos] == [(0, 14), (14, 9), (23, 17)]
    (said,) = found.warnings
    assert "frames 14 to 22 of a seem to be shown backwards" in said


@pytest.mark.parametrize("rows", [slice(60, None), slice(None, 40), slice(75, None)])
@pytest.mark.parametrize("other", [1, -1])
def test_a_frame_with_a_part_of_the_next_or_the_last_one_is_left_out(tmp_path, rows, other):
    images = CLEAN.copy()
    images[20, rows] = CLEAN[20 + other, rows]
    found = surveyed(tmp_path, images)
    assert left_out(found) == [20]
    assert "frame 20 of a is torn" in found.warnings[0]


def test_a_mean_of_two_frames_is_none(tmp_path):
    found = surveyed(tmp_path, np.insert(CLEAN, 20, mean(CLEAN, 19), axis=0))
    assert left_out(found) == [20]
    assert "1 of 41 frames of a are the mean of the one before" in found.warnings[0]


def test_means_by_a_rule_have_raised_the_rate(tmp_path):
    """25 frames a second made 30: the clock is that of the others."""
    images = [CLEAN[0]]
    for t in range(1, 40):
        images += [mean(CLEAN, t - 1), CLEAN[t]] if t % 5 == 0 else [CLEAN[t]]
    found = surveyed(tmp_path, np.array(images), fps=30.0)
    (video,) = found.videos
    np.testing.assert_array_equal(video.number[video.seen], np.arange(40))
    assert "1 of every 6 frames" in found.warnings[0]
    assert "from 5 to 6" in found.warnings[0]


def compressed(path, images: np.ndarray, quality: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(quality)})
        stream.width, stream.height = images.shape[2], images.shape[1]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("back", [False, True])
def test_a_film_that_was_looped_and_then_compressed_is_named(tmp_path, back):
    again = CLEAN[-2::-1] if back else CLEAN
    compressed(tmp_path / "a.mp4", np.concatenate([CLEAN, again]), 20)
    said = [s for s in survey.survey(tmp_path, Reading()).warnings if "looped" in s]
    assert len(said) == 1
    assert ("backwards" in said[0]) == back


@pytest.mark.parametrize("quality", [16, 23, 30])
def test_compression_alone_gives_no_word(tmp_path, quality):
    """Frames between two others are made of them, and nearly their means."""
    compressed(tmp_path / "a.mp4", CLEAN, quality)
    assert survey.survey(tmp_path, Reading()).warnings == []


def test_a_sample_that_comes_back_is_no_loop(tmp_path):
    """Its pixel noise does not."""
    wave = 3 * np.sin(2 * np.pi * np.arange(80) / 16)
    still = film(1, noise=0)[0]
    random = np.random.default_rng(0)
    images = np.array([np.roll(still, round(4 * x), axis=1) for x in wave]).astype(float)
    images = np.clip(images + random.normal(0, 8, images.shape), 0, 255).astype(np.uint8)
    assert surveyed(tmp_path, images).warnings == []


def test_a_part_that_rests_now_and_then_is_not_torn(tmp_path):
    """Half of the view stands still for stretches that begin and end anywhere."""
    rests = np.random.default_rng(3).random(40) < 0.3
    kept = np.maximum.accumulate(np.where(rests, 0, np.arange(40)))
    images = CLEAN.copy()
    images[:, 60:] = CLEAN[kept][:, 60:]
    assert left_out(surveyed(tmp_path, images)) == []


def test_noise_has_no_order(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (40, 64, 64)).astype(np.uint8)
    assert surveyed(tmp_path, images).warnings == []
