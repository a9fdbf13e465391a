"""Values that cannot be meant, each refused in a sentence and at once: before any work where the
settings decide, before anything is estimated where the video does."""

from __future__ import annotations

import importlib.util
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pipeline.errors import InputError
from pipeline.schema import Refused
from pipeline.settings import Settings, sections
from pipeline.video.parameters import Given, check_fits
from pipeline.video.settings import Reading
from pipeline.video.survey import open_all

HOME = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("settings", HOME / "workflow" / "settings.py")
settings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(settings)

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in pairwise("abcdefgh")
)
# What stands in config/mine.yaml, and what is said of it.
FILES = {
    "not a number": ("video: {mpp: .nan}", "video.mpp (micrometres per pixel): must be a finite"),
    "infinite": ("video: {fps: .inf}", "must be a finite number or null, got inf"),
    "minus infinity": ("split: {train: -.inf}", "must be a finite number or null, got -inf"),
    "infinite integer": ("train: {steps: .inf}", "train.steps: must be an integer, got inf"),
    "nan in a list": ("imported: {box: [.nan, 1.0]}", "must be a finite number, got nan"),
    "not a number elsewhere": ("train: {steps: .NaN}", "train.steps: must be an integer, got nan"),
    "a key twice": ("video: {fps: 20, fps: 30}", "says 'fps' twice, in lines 1 and 1: keep one"),
    "a section twice": (
        "train:\n  steps: 5\ntrain:\n  batch: 2",
        "twice, in lines 1 and 3",
    ),
    "octal": ("seeds: 011", "must be an integer, got '011': write 11"),
    "hexadecimal": ("seeds: 0x10", "must be an integer, got '0x10': write a plain decimal number"),
    "sixties": ("video: {fps: 1:30}", "got '1:30': write a plain decimal number"),
    "a comma": ("video: {fps: '24,5'}", "got '24,5': write 24.5"),
    "a word": ("seeds: three", "must be an integer, got 'three'."),
    "metres for micrometres": (
        "video: {mpp: 1.0e-7}",
        "video.mpp (micrometres per pixel): must be above 1e-06, got 1e-07",
    ),
    "a key without its section": ("mpp: 0.1", "mpp is not a setting: did you mean video.mpp?"),
    "a key of another section": (
        "video: {polarity: dark}",
        "video.polarity is not a setting: did you mean detect.polarity?",
    ),
    "a section in a section": ("video: {detect: {diameter: 9}}", "did you mean detect?"),
    "no blank behind a colon": (
        "video:\n  mpp:0.1",
        "blank behind the colon, got 'mpp:0.1'",
    ),
    "a tab": ("video:\n\tmpp: 0.1", "in line 2: it holds a tab: use blanks"),
    "a word for true": ("video: {flicker: 1}", "video.flicker: must be true or false, got 1"),
    "one name for a list": ("models: gns", "must be a list [...], got 'gns': write [gns]."),
    "names without brackets": ("models: gns, dpd", "got 'gns, dpd': write [gns, dpd]."),
    "dashes without a blank": ("models:\n  -gns\n  -dpd", "put a blank behind each dash"),
    "a list for a number": ("video: {mpp: [0.1]}", "got [0.1]: write 0.1 without brackets"),
    "a number in quotes": ("video: {mpp: '0.1'}", "got '0.1': write 0.1 without quotes"),
    "quotes of a letter": ("video:\n  mpp: “0.1”", "write 0.1 without quotes"),
    "a ratio": ("video: {fps: 1/30}", "got '1/30': write 0.0333333"),
    "thousands": ("video: {fps: '1,000'}", "got '1,000': write a plain decimal number"),
    "a remark behind a number": ("video:\n  mpp: 0.1#um", "write the number alone"),
    "true in quotes": ("tracks: {use: 'true'}", "got 'true': write true without quotes"),
    "none of Python": ("video: {mpp: None}", "got 'None': write null."),
    "not a number of Python": ("video: {mpp: nan}", "got 'nan': write null."),
    "by itself": ("video: {mpp: auto}", "got 'auto': write null."),
    "two keys in a line": ("video:\n  mpp:0.1\n  fps: 3", "line 3: there is a second colon"),
    "a key too far out": ("video:\n    mpp: 1\n  fps: 3", "line 3: it does not go on from"),
    "an open bracket": ("models: [gns\nvideo:\n  mpp: 1", "line 1: the [ there is not closed"),
    "an open quotation": ("video:\n  mpp: '0.1\n", "line 2: the quotation mark there is not"),
    "a mark": ("video:\n  channel: @x", "line 2: a text that begins with such a mark belongs"),
    "a blank of a web page": ("video:\n\u00a0 mpp: 1", "an invisible letter (U+00A0) in line 2"),
    "a path of keys": ("video.mpp: 0.1", "write video: and, in a line below and farther in, mpp:"),
    "a section in a line": ("video:{mpp: 1}", "'video:{mpp' is not a setting: put a blank behind"),
    "a section of dashes": ("video:\n  - mpp: 1\n  - fps: 3", "{'fps': 3}]: take the dashes away"),
    "pixels by another name": ("pixel_size: 0.1", "not a setting: did you mean video.mpp?"),
    "one seed": ("seed: 3", "did you mean seeds or lammps.scaled.seed?"),
    "a letter of micro": ("imported: {length_unit: µm}", "got 'µm': write um."),
    "a word for a unit": ("imported: {time_unit: seconds}", "got 'seconds': write s."),
    "a unit of one": ("imported: {time_unit: 1}", 'got 1: write "1" in quotes.'),
    "a capital": ("size: Full", "got 'Full': did you mean full?"),
    "a unit": (
        "video: {mpp: 0.35 um}",
        "got '0.35 um': write the number alone, in micrometres per",
    ),
    "true for a number": ("seeds: true", "must be an integer, got True"),
    "a bomb of references": (BOMB, "refers to another place (*a) in line 2: write it out"),
    "a reference to itself": ("a: &a [*a]", "refers to another place (*a) in line 1"),
    "a deep nest": ("a: " + "[" * 5000 + "]" * 5000, "is nested more than 20 deep in line 1"),
    "a large file": ("# " + "x" * 300_000, "has more than 200000 characters"),
    "a key that is a number": ("video: {1: 2}", "has a key in line 1 that is no word: 1"),
    "a key that is a list": ("? [a, b]\n: 1", "has a key in line 1 that is no word"),
    "no mapping": ("- a\n- b", "must hold keys and values (`key: value`), got a list: take"),
    "no section": ("train: 3", "train: must be a section of keys and values"),
    "an empty section": ("train:", "train: holds nothing: write its keys below it, farther in"),
    "full that is none": ("full: 3", "full must hold keys and values, got 3"),
    "a mistake in full": (
        "full: {train: {stepz: 3}}",
        "train.stepz is not a setting",
    ),
    "two documents": (
        "seeds: 1\n---\nseeds: 2",
        "is not valid YAML in line 2: the line of dashes begins",
    ),
    "a python object": ("seeds: !!python/object:os.system {}", "has the tag tag:yaml.org,2002:py"),
    "a type by name": ("seeds: !!bool maybe", "has the tag tag:yaml.org,2002:bool in line 1"),
    "a set": (
        "models: !!set {gns}",
        "2002:set in line 1: write the plain value",
    ),
    "a long number": (f"seeds: {'1' * 4000}", "seeds: must be at most 100, got 1111"),
    "a thousand models": (f"models: [{'gns,' * 20_000}]", "takes this many entries at most: 1000"),
    "a key of two lines": ('"a\\nb": 1', "'a\\nb' is not a setting"),
    "an empty key": ('"": 1', "'' is not a setting"),
    "a bell": ("seeds: \x07", "is not valid YAML"),
    "far apart": (
        "detect: {separation: 1.0e+9}",
        "separation (pixels): must be at most 10000",
    ),
    "every pixel": ("detect: {percentile: 100}", "detect.percentile: must be below 100, got 100"),
    "a wide blur": ("video: {background: 1e9}", "video.background (pixels): must be at most 5000"),
    "many steps": ("train: {steps: 1000000000000}", "train.steps: must be at most 100000000"),
    "a huge number": (f"seeds: {'9' * 5000}", "holds a number that cannot be read"),
    "one frame": ("video: {frames: [0, 1]}", "video.frames keeps 1 of the frames, got [0, 1]"),
    "a part of a frame": (
        "video: {frames: [0.5, 9]}",
        "frames.0: must be an integer, got 0.5",
    ),
    "a small crop": ("video: {crop: [0, 0, 4, 4]}", "video.crop must keep at least 8 x 8 pixels"),
    "a crop of three": ("video: {crop: [0, 0, 9]}", "needs this many entries at least: 4"),
    "an even diameter": ("detect: {diameter: 8}", "must be odd, got 8"),
    "a model twice": ("models: [gns, gns]", "models: must not name anything twice"),
    "no model": ("models: []", "models: needs this many entries at least: 1"),
    "springs and times": (
        "simulate: {kind: viscoelastic, cycles: [{shear: 1, ramp: 1, hold: 0, frames: 9}], "
        "rubber: {g: [0.5]}}",
        "must have as many entries, got 1 and 2",
    ),
    "no cycles": ("simulate: {kind: viscoelastic}", "simulate.cycles: must be given"),
    "no such system": ("simulate: {kind: gas}", "simulate.kind: must be one of monolayer"),
    "another system's key": (
        "simulate: {kind: ideal_gas, arms: 3}",
        "arms is not a setting",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_config_file_is_refused_at_once(tmp_path, monkeypatch, case):
    text, sentence = FILES[case]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    begin = time.process_time()
    with pytest.raises(settings.SettingsError) as refusal:
        settings.settings("mine", {})
    assert sentence in str(refusal.value)
    assert "mine.yaml" in str(refusal.value)
    assert len(str(refusal.value)) < 2000
    assert time.process_time() - begin < 10  # of a bomb, minutes and gigabytes


NO_FILES = {
    "a folder": (Path.mkdir, "is no file"),
    "a link to nowhere": (lambda path: path.symlink_to("/nowhere"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "Too many levels"),
    "a pipe": (os.mkfifo, "is no file"),
    "a device without an end": (lambda path: path.symlink_to("/dev/zero"), "is no file"),
}


@pytest.mark.parametrize(("lay", "sentence"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_config_file_is_refused(tmp_path, monkeypatch, lay, sentence):
    (tmp_path / "config").mkdir()
    lay(tmp_path / "config" / "mine.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingsError, match=rf"mine\.yaml .*{sentence}"):
        settings.settings("mine", {})


@pytest.mark.parametrize("name", ["", ".", "..", "-n", "_x", "a b", "a/b", "{x}", "ü", "x" * 101])
def test_what_is_no_name_of_a_data_set(name):
    with pytest.raises(settings.SettingsError, match="may hold letters, digits"):
        settings.settings(name, {})


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("1E3", 1000.0), ("5", 5.0), (".5", 0.5), ("1_000", 1000.0), ("+2.", 2.0)],
)
def test_numbers_are_decimal(tmp_path, monkeypatch, text, value):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_text(f"video: {{fps: {text}}}")
    monkeypatch.chdir(tmp_path)
    assert settings.settings("mine", {})["video"]["fps"] == value


def test_a_file_that_is_no_text_is_refused(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mine.yaml").write_bytes("# Größe\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingsError, match=r"mine\.yaml is not text in UTF-8 \(byte 4\)"):
        settings.settings("mine", {})


@pytest.mark.parametrize("given", [{"seeds": "&a [*a]"}, {"video": {"mpp": "{a: 1, a: 2}"}}])
def test_the_command_line_is_read_as_strictly(given):
    with pytest.raises(settings.SettingsError, match="The command line's"):
        settings.settings("mine", given)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"channel": 2}, "video.channel is 2 and .* is grey: leave it out"),
        ({"crop": (0, 0, 40, 40)}, "video.crop must lie inside the 32 x 24 pixels of"),
        ({"crop": (0, 0, 20, 24), "pixel_aspect": 0.5}, "inside the 32 x 12 pixels of"),
        ({"background": 100.0}, "video.background must be at most the size of the frame, 32"),
        ({"frames": (2, 50)}, "frames must lie in 0 to 7"),
    ],
)
def test_what_the_video_contradicts_is_refused(tmp_path, asked, sentence):
    grey = np.random.default_rng(0).integers(0, 255, (7, 24, 32), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="minisblack")
    with pytest.raises(ValueError, match=sentence):
        open_all(tmp_path, Reading(**asked))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"diameter": 301}, "detect.diameter must be at most 66.6"),
        ({"separation": 900.0}, "detect.separation must be at most 200 pixels"),
        ({"search_range": 900.0}, "link.search_range must be at most 200 pixels"),
    ],
)
def test_what_the_frames_are_too_small_for_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        check_fits(Given(**given), (200, 300))


def test_a_caller_in_python_is_told_the_same():
    with pytest.raises(Refused, match=r"mpp \(micrometres per pixel\): must be a finite number"):
        Reading(mpp=float("nan"))
    with pytest.raises(Refused, match="fpss is not a setting: did you mean fps"):
        Reading().replace(fpss=1.0)
    with pytest.raises(AttributeError):
        sections({"video": {"fps": 3}}).train  # noqa: B018
    assert sections({"video": {"fps": 3}}).video == Settings().video.replace(fps=3.0)
