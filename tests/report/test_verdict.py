"""The verdict says yes, with care, no or cannot be said, from the numbers in the files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline.report import verdict
from pipeline.report.results import Results
from tests.report.conftest import SETTINGS


@pytest.fixture
def results(folder: Path, tmp_path: Path) -> Results:
    """A copy that a test may spoil."""
    return Results(shutil.copytree(folder, tmp_path / "walk"), SETTINGS)


def test_all_six_questions_are_answered(results: Results) -> None:
    lights = verdict.lights(results)
    assert len(lights) == 6
    assert all(any(c.isdigit() for c in light.sentence) for light in lights)
    assert all(light.threshold for light in lights)
    assert {light.state for light in lights} <= set(verdict.WORDS)
    assert verdict.summary(lights).startswith("Of 6 questions")


def test_the_manual_names_the_bounds_that_decide() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/report.md").read_text()
    for question, _, threshold in verdict.QUESTIONS:
        (row,) = re.findall(rf"^\| {re.escape(question)} \|(.*)$", page, re.M)
        named, decisive = (
            {float(one) for one in re.findall(r"\b\d+(?:\.\d+)?(?:e-\d+)?", text.replace("−", "-"))}
            for text in (row, threshold)
        )
        assert named <= decisive, question
