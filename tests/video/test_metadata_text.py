"""Times of images in the notes that Micro-Manager writes beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.video.metadata_text import image_times

TIMES = 33.4 * np.array([0, 1, 2, 5, 6])
NAMES = [f"img_{k:09d}_Default_000.tif" for k in range(5)]


def written(folder: Path, keys: list[str]) -> list[Path]:
    told = {"Summary": {"Interval_ms": 33.4}}
    for key, name, time in zip(keys, NAMES, TIMES, strict=True):
        told[key] = {"ElapsedTime-ms": time, **({} if "/" in key else {"FileName": name})}
    (folder / "metadata.txt").write_text(json.dumps(told, indent=2))
    return [folder / name for name in NAMES]


@pytest.mark.parametrize("form", ["FrameKey-{k}-0-0", "Metadata-Default/{name}"])
def test_times_of_both_versions(tmp_path, form):
    paths = written(tmp_path, [form.format(k=k, name=name) for k, name in enumerate(NAMES)])
    np.testing.assert_allclose(image_times(paths), TIMES / 1000)


def test_a_recording_that_was_stopped_lacks_a_bracket(tmp_path):
    paths = written(tmp_path, [f"FrameKey-{k}-0-0" for k in range(5)])
    text = (tmp_path / "metadata.txt").read_text().rstrip()
    (tmp_path / "metadata.txt").write_text(text.removesuffix("}").rstrip() + ",")
    np.testing.assert_allclose(image_times(paths), TIMES / 1000)


def test_damage_is_said(tmp_path):
    paths = written(tmp_path, [f"FrameKey-{k}-0-0" for k in range(5)])
    (tmp_path / "metadata.txt").write_text('{"FrameKey-0-0-0": {"Elap')
    with pytest.raises(ValueError, match="cut short or damaged"):
        image_times(paths)


def test_other_notes_say_nothing(tmp_path):
    (tmp_path / "metadata.txt").write_text("filmed on a Monday")
    assert image_times([tmp_path / name for name in NAMES]) is None
    assert image_times([tmp_path / "elsewhere" / NAMES[0]]) is None
