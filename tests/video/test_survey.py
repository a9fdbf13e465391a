"""What one look through a film finds: frames that are none, cuts, jumps, and its clock."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.video import survey, survey_file
from pipeline.video.detect import features, locate
from pipeline.video.frames import write_examples
from pipeline.video.link import link
from pipeline.video.parameters import Detection, Linking
from pipeline.video.settings import Reading
from pipeline.video.tune import tune
from tests.edits import unsealed

ASKED = Reading()
SPOTS = Detection(9, 300.0, 8.0, 50)


def film(count: int, seed: int = 0, size: int = 120, shift=None, noise: float = 2.0) -> np.ndarray:
    """(T, size, size) uint8: spots on a lattice that jiggle, moved by shift (T, 2) (y, x)."""
    random = np.random.default_rng(seed)
    shift = np.zeros((count, 2)) if shift is None else np.asarray(shift)
    cells = np.arange(-4 * 15, size + 4 * 15, 15)
    start = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
    start = start + random.uniform(-3, 3, start.shape)
    y, x = np.mgrid[:size, :size]
    frames = []
    for t in range(count):
        start = start + random.normal(0, 0.15, start.shape)
        scene = np.full((size, size), 40.0)
        for row, column in start + shift[t]:
            if -8 < row < size + 8 and -8 < column < size + 8:
                here = (
                    slice(max(int(row) - 8, 0), max(int(row) + 9, 0)),
                    slice(max(int(column) - 8, 0), max(int(column) + 9, 0)),
                )
                apart = (y[here] - row) ** 2 + (x[here] - column) ** 2
                scene[here] += 150 * np.exp(-apart / 8)
        frames.append(np.clip(scene + random.normal(0, noise, scene.shape), 0, 255))
    return np.rint(frames).astype(np.uint8)


CLEAN = film(40)
ELSEWHERE = film(3, seed=7)[1]


def surveyed(folder, images, **asked) -> survey.Survey:
    tifffile.imwrite(folder / "a.tif", images, photometric="minisblack")
    return survey.survey(folder, ASKED.replace(**asked))


def test_a_clean_film_gives_no_word(tmp_path):
    found = surveyed(tmp_path, CLEAN)
    (video,) = found.videos
    assert video.seen.all()
    assert (found.warnings, found.fps) == ([], None)
    np.testing.assert_array_equal(video.number, np.arange(40))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bad=st.dictionaries(
        st.integers(0, 39),
        st.sampled_from(["black", "grey", "white", "repeated", "elsewhere"]),
        min_size=1,
        max_size=8,
    )
)
@example(bad=dict.fromkeys((1, 9, 11, 13), "elsewhere") | dict.fromkeys((4, 6), "black"))
def test_random_faults_are_found_and_named(tmp_path_factory, bad):
    """Every frame that is none is left out, no other one is, and all stay one run."""
    bad = {t: kind for t, kind in bad.items() if t - 1 not in bad and t not in (0, 39)}
    images = CLEAN.copy()
    random = np.random.default_rng(1)
    for t, kind in bad.items():
        level = {"black": 3, "grey": 120, "white": 250}.get(kind)
        if level is not None:
            images[t] = np.clip(level + random.normal(0, 1, images[t].shape), 0, 255)
        else:
            images[t] = images[t - 1] if kind == "repeated" else ELSEWHERE
    found = surveyed(tmp_path_factory.mktemp("bad"), images)
    (video,) = found.videos
    assert set(np.flatnonzero(~video.seen)) == set(bad)
    np.testing.assert_array_equal(video.number, np.arange(40))
    said = " ".join(found.warnings)
    flat = [t for t, kind in bad.items() if kind in ("black", "grey", "white")]
    assert ("flat" in said, "repeat" in said, "unlike" in said) == (
        bool(flat),
        "repeated" in bad.values(),
        "elsewhere" in bad.values(),
    )


def test_a_frame_between_two_that_show_something_else_stays(tmp_path):
    """The same picture of something else comes and goes: nothing has changed places."""
    images = CLEAN.copy()
    images[[10, 12, 14]] = ELSEWHERE
    found = surveyed(tmp_path, images)
    (video,) = found.videos
    assert np.flatnonzero(~video.seen).tolist() == [10, 12, 14]
    (said,) = found.warnings
    assert "unlike" in said


def test_settings_are_not_estimated_from_frames_that_are_none(tmp_path):
    """The first frame is flat, the middle one white: as if they were not there."""
    images = CLEAN.copy()
    images[[0, 39]], images[[19, 20]] = 100, 255
    spoilt = surveyed(tmp_path, images)
    (tmp_path / "clean").mkdir()
    clean = surveyed(tmp_path / "clean", CLEAN)
    one, other = tune(spoilt.videos).parameters, tune(clean.videos).parameters
    assert one.diameter == other.diameter
    assert one.search_range == pytest.approx(other.search_range, rel=0.1)
    table = features(spoilt.videos, one.detection)
    assert sorted(set(range(40)) - set(table["frame"])) == [0, 19, 20, 39]
    write_examples(tmp_path / "frames.h5", spoilt.videos)


def test_frames_without_particles_are_counted_and_those_left_out_are_not(tmp_path):
    images = CLEAN.copy()
    images[10], images[20] = 40, 255
    images[20, ::2] = 0
    found = surveyed(tmp_path, images)
    found.videos[0].seen[20] = True  # shows something, but no particle
    table = features(found.videos, SPOTS)
    table = table[table["frame"] != 20]
    seen = [video.number[video.seen] for video in found.videos]
    summary = link(table, Linking(4.0, 2, 5), seen)[1]
    assert len(summary["per_frame"]) == 39
    assert summary["per_frame"].count(0) == 1
    assert "in 1 frames no particle was found" in " ".join(summary["warnings"])


def test_a_cut_is_a_new_run(tmp_path):
    found = surveyed(tmp_path, np.concatenate([CLEAN[:25], film(15, seed=9)]))
    assert [len(video) for video in found.videos] == [25, 15]
    assert found.warnings == ["a is cut at frame 25: what follows is a run of its own."]
    np.testing.assert_array_equal(found.videos[1].number, np.arange(15))
    table = features(found.videos, SPOTS)
    assert table.groupby("run")["frame"].max().tolist() == [24, 14]


@pytest.mark.parametrize("step", [(0, 22), (-31, 8)])
def test_a_jump_of_the_stage_is_named_with_its_length(tmp_path, step):
    shift = np.zeros((40, 2))
    shift[18:] = step
    images = film(40, shift=shift)
    found = surveyed(tmp_path, images)
    assert [len(video) for video in found.videos] == [18, 22]
    assert f"jumps by ({-step[1]}, {-step[0]}) px at frame 18" in found.warnings[0]
    (video,) = surveyed(tmp_path, images, registration=True).videos
    moved = video.correction.shift
    np.testing.assert_allclose(moved[30] - moved[5], step, atol=0.3)


def test_a_raised_frame_rate(tmp_path):
    shown = np.arange(48) * 25 // 30
    found = surveyed(tmp_path, CLEAN[shown], fps=25.0)
    (video,) = found.videos
    np.testing.assert_array_equal(video.number[video.seen], np.arange(40))
    assert found.fps == 25.0
    assert "1 of every 6 frames of a repeat the one before" in found.warnings[0]
    assert surveyed(tmp_path, CLEAN[shown], repeats="keep").videos[0].seen.all()


def test_a_long_gap_is_a_new_run_and_a_short_one_a_gap(tmp_path):
    import imageio.v3 as imageio

    for t in range(40):
        number = t + 3 * (t >= 10) + 500 * (t >= 25)
        imageio.imwrite(tmp_path / f"f_{number:04d}.png", CLEAN[t])
    found = survey.survey(tmp_path, ASKED)
    assert [video.number[-1] for video in found.videos] == [27, 14]
    assert "503 frames" in found.warnings[0]
    table = features(found.videos, SPOTS)
    seen = [video.number[video.seen] for video in found.videos]
    tracks, _ = link(table, Linking(4.0, 3, 5), seen)
    first = tracks[tracks["run"] == 0]
    filled = first.groupby("frame")["filled"].mean()
    assert (filled.loc[[10, 11, 12]] == 1).all()
    assert filled.drop([10, 11, 12]).max() < 0.2


def test_a_survey_comes_back_from_disk(tmp_path):
    images = np.concatenate([CLEAN[:25], film(15, seed=9)])
    images[3] = 50
    (tmp_path / "data").mkdir()
    made = surveyed(tmp_path / "data", images, flicker=True, registration=True)
    survey_file.write(tmp_path / "s.h5", tmp_path / "s.json", made)
    asked = ASKED.replace(flicker=True, registration=True)
    again = survey_file.read(tmp_path / "s.h5", tmp_path / "data", asked)
    for one, other in zip(made.videos, again, strict=True):
        np.testing.assert_array_equal(one.seen, other.seen)
        np.testing.assert_array_equal(one.number, other.number)
        np.testing.assert_array_equal(one[2], other[2])
    (tmp_path / "data" / "a.tif").rename(tmp_path / "data" / "b.tif")
    with pytest.raises(ValueError, match="holds other videos than"):
        survey_file.read(tmp_path / "s.h5", tmp_path / "data", asked)


def test_runs_of_different_rate_are_refused(tmp_path, film):
    for name, rate in (("a.mp4", 25), ("b.mp4", 30)):
        film(tmp_path / name, CLEAN, "libx264", "yuv420p", rate=rate)
    with pytest.raises(ValueError, match=r"one frame rate, got intervals of 0\.04 s, 0\.03333 s"):
        survey.survey(tmp_path, ASKED)


@pytest.mark.parametrize("kind", ["int16", "int32", "float32", "float64", "uint32"])
@pytest.mark.parametrize("dark", [False, True])
def test_pixels_of_every_type_show_the_same_particles(tmp_path, kind, dark):
    """Signed levels with the ground taken off, floating point and 32 bit: as in 16 bit."""
    # Noise below one grey level is cut off by trackpy, so that the unit matters a little.
    fine = 100 if kind[0] == "f" else 1
    deep = fine * CLEAN[0].astype(np.uint16)
    settings = SPOTS._replace(invert=dark, minmass=300.0 * fine)
    expected = locate(255 * fine - deep if dark else deep, settings)
    levels = CLEAN.astype(float)
    levels = (255 - levels if dark else levels) - (0 if kind[0] == "u" else 128)
    levels = levels / 1000 if kind[0] == "f" else levels
    (video,) = surveyed(tmp_path, levels.astype(kind)).videos
    scale = 1e-3 if kind[0] == "f" else 1.0
    found = locate(video[0], SPOTS._replace(invert=dark, minmass=300.0 * scale))
    assert len(found) == len(expected)
    columns = ["y", "x"]
    one, other = (table.sort_values(columns)[columns].to_numpy() for table in (found, expected))
    assert np.abs(one - other).max() < 0.02
    assert found["mass"].median() == pytest.approx(
        scale / fine * expected["mass"].median(), rel=0.01
    )


def test_pixels_that_are_no_number_and_hot_ones(tmp_path):
    """A few NaN in every frame, one glaring pixel, one frame of nothing but NaN."""
    images = CLEAN.astype(np.float32)
    expected = features(surveyed(tmp_path, images).videos, SPOTS)
    random = np.random.default_rng(2)
    for image in images:
        image[tuple(random.integers(0, 120, (2, 40)))] = np.nan
    images[:, 60, 61] = 1e6
    images[7] = np.nan
    found = surveyed(tmp_path, images)
    (video,) = found.videos
    assert np.flatnonzero(~video.seen).tolist() == [7]
    said = " ".join(found.warnings)
    assert "frame 7 of a is full of invalid pixels: left out." in said
    assert "% of pixels that are no number" in said
    table = features(found.videos, SPOTS)
    one, other = (rows.groupby("frame").size() for rows in (expected, table))
    assert (one - other).abs().drop(7).max() <= 2


def test_a_span_is_looked_at_alone(tmp_path):
    images = CLEAN.copy()
    images[2] = 0
    found = surveyed(tmp_path, images, frames=[10, 30])
    (video,) = found.videos
    assert (len(video), video.first, found.warnings) == (20, 10, [])
    np.testing.assert_array_equal(video[0], images[10])
    with pytest.raises(ValueError, match="frames must lie in 0 to 40"):
        surveyed(tmp_path, images, frames=[50, 60])


def put(name, change):
    def act(file):
        array = file[name][()]
        del file[name]
        file[name] = change(array)

    return act


CONTRADICTIONS = {
    "no run": (lambda file: file.__delitem__("run0"), "it holds no run"),
    "fewer ticks": (put("run0/number", lambda a: a[1:]), "number of run0 has 7 rows and not 8"),
    "fewer that show": (put("run0/seen", lambda a: a[1:]), "seen of run0 has 7 rows and not 8"),
    "backwards": (put("run0/number", lambda a: a[::-1]), "frames of run0 are not in order"),
    "no numbers": (put("run0/number", lambda a: a * 1.5), "frames of run0 are not in order"),
    "no span": (lambda file: file.__delitem__("run0/span"), "it lacks 'span'"),
}


@pytest.mark.parametrize(("change", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_survey_that_contradicts_itself(tmp_path, change, said):
    folder, asked = tmp_path / "data", Reading()
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (8, 24, 32)).astype(np.uint8)
    tifffile.imwrite(folder / "a.tif", noise, photometric="minisblack")
    survey_file.write(tmp_path / "s.h5", tmp_path / "s.json", survey.survey(folder, asked))
    with unsealed(tmp_path / "s.h5") as file:
        change(file)
    for use in (survey_file.ticks, lambda path: survey_file.read(path, folder, asked)):
        with pytest.raises(InputError, match=said) as refusal:
            use(tmp_path / "s.h5")
        assert "s.h5" in str(refusal.value)


def test_a_film_that_is_played_again_or_back(tmp_path):
    for name, images in {
        "looped": np.concatenate([CLEAN, CLEAN[:25]]),
        "back": np.concatenate([CLEAN, CLEAN[-2::-1]]),
    }.items():
        (tmp_path / name).mkdir()
        found = surveyed(tmp_path / name, images)
        seen = np.concatenate([video.seen for video in found.videos])
        assert seen[:40].all()
        assert not seen[40:].any()
        origin = {"looped": 0, "back": 38}[name]
        said = " ".join(found.warnings)
        assert f"{len(images) - 40} frames (40, 41, 42, ...) of a are the very pictures" in said
        assert f"(the first, frame 40, is frame {origin}): the film is looped" in said
        kept = surveyed(tmp_path / name, images, repeats="keep")
        assert "very pictures" not in " ".join(kept.warnings)


def test_single_pictures_may_come_again(tmp_path):
    """Without noise, what hardly moves may look the same twice."""
    images = CLEAN.copy()
    images[[9, 20]] = images[[7, 14]]
    assert all(video.seen.all() for video in surveyed(tmp_path, images).videos)


def test_settings_are_those_of_the_longer_scenes(tmp_path):
    random = np.random.default_rng(0)
    y, x = np.mgrid[:120, :120]
    title = 100 + 60 * np.sin(x / 7) * np.cos(y / 9) + random.normal(0, 3, (6, 120, 120))
    found = surveyed(tmp_path, np.concatenate([np.rint(title).astype(np.uint8), CLEAN]))
    assert [len(video) for video in found.videos] == [6, 40]
    (tmp_path / "alone").mkdir()
    alone = tune(surveyed(tmp_path / "alone", CLEAN).videos).parameters
    chosen = tune(found.videos).parameters
    assert (chosen.diameter, chosen.polarity) == (alone.diameter, alone.polarity)
    assert chosen.minmass == pytest.approx(alone.minmass, rel=0.1)


def test_slow_motion_of_a_codec_that_repeats_nearly(tmp_path, film):
    film(tmp_path / "a.mp4", np.repeat(CLEAN, 5, axis=0), "libx264", "yuv420p", crf="18")
    found = survey.survey(tmp_path, ASKED)
    (video,) = found.videos
    assert np.flatnonzero(video.seen).tolist() == list(range(0, 200, 5))
    assert video.number[video.seen].tolist() == list(range(40))
    assert "4 of every 5 frames of a repeat the one before" in found.warnings[0]


def test_damage_about_a_flat_frame_is_left_out_whole(tmp_path):
    images = CLEAN.copy()
    images[18, 60:], images[19], images[20, :60] = 0, 0, 0
    found = surveyed(tmp_path, images)
    (video,) = found.videos
    assert np.flatnonzero(~video.seen).tolist() == [18, 19, 20]


def test_what_changes_without_a_shift_is_a_cut(tmp_path):
    images = CLEAN.copy()
    images[20:] = film(20, seed=9)
    said = " ".join(surveyed(tmp_path, images).warnings)
    assert "is cut at frame 20" in said
    assert "(0, 0) px" not in said
