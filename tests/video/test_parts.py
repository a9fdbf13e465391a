"""Films of a folder that are parts of one, and others that are none."""

from __future__ import annotations

import pytest
import tifffile

from pipeline.video import survey
from pipeline.video.settings import Reading
from tests.video.test_survey import CLEAN, film

OTHER = film(20, seed=5)


def said(folder, *stacks, **asked) -> list[str]:
    for k, images in enumerate(stacks, start=1):
        tifffile.imwrite(folder / f"film_{k}.tif", images, photometric="minisblack")
    return survey.survey(folder, Reading(**asked)).warnings


def test_a_film_that_goes_on_in_other_files_is_named(tmp_path):
    (word,) = said(tmp_path, CLEAN[:14], CLEAN[14:27], CLEAN[27:])
    assert word.startswith("film_2 seems to go on where film_1 ends, and 1 more so: are they parts")


@pytest.mark.parametrize("frames", [None, (2, 18)])
def test_parts_that_overlap_are_named(tmp_path, frames):
    first = 0 if frames is None else 2
    (word,) = said(tmp_path, CLEAN[:20], CLEAN[15 - first :], frames=frames)
    assert word.startswith("film_2 begins with frame 15 of film_1")


def test_other_films_are_no_parts(tmp_path):
    assert said(tmp_path, CLEAN[:20], OTHER, CLEAN[28:]) == []
