"""The methods paragraphs say what was done, and cite it."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from pipeline.report.methods import methods, percent_of
from pipeline.report.results import Results
from tests.report.conftest import SETTINGS


def written(folder: Path) -> tuple[str, str]:
    found = methods(Results(folder, SETTINGS))
    return " ".join(found.paragraphs), " ".join(source.text for source in found.citations)


def test_every_number_has_its_source(folder: Path) -> None:
    text, cited = written(folder)
    assert "{" not in text
    for k, name in ((1, "trackpy"), (2, "Crocker")):
        assert f"[{k}]" in text
        assert name in cited


def test_what_training_did_about_noise_and_sizes_is_told(folder: Path) -> None:
    text, cited = written(folder)
    assert "corrected score" in text
    assert "strength of its own" in text
    assert "period is 12 frames" in text
    assert "60 steps of 5 snapshots each" in text
    for name in ("Nakamura", "Maity", "Eilers"):
        assert name in cited


def test_what_it_did_not_do_is_not(folder: Path, tmp_path: Path) -> None:
    plain = shutil.copytree(folder, tmp_path / "plain")
    record = {"training": {"localisation": "covariance", "strength": False}, "measured": {}}
    for path in plain.glob("metriplectic/*/model.yaml"):
        path.write_text(yaml.safe_dump(record))
    text, cited = written(plain)
    assert "corrected score" not in text
    assert "strength" not in text
    assert "added to that of the velocities" in text
    assert "Nakamura" not in cited
    assert "Eilers" not in cited


def test_a_split_is_a_share_or_a_number() -> None:
    assert percent_of(0.375) == "37.5 %"
    assert percent_of(225) == "225 snapshots"
