"""What is entered under one name in several places is entered in all of them."""

from __future__ import annotations

from pathlib import Path

from pipeline.baselines.build import KINDS
from pipeline.learn.baseline import SCALES
from pipeline.learn.settings import VARIANTS, complete
from pipeline.report import style

HOME = Path(__file__).resolve().parents[2]


def test_every_model_can_be_asked_for_and_drawn():
    assert set(VARIANTS) <= set(style.COLOURS) & set(style.NAMES)
    told = (HOME / "config" / "config.yaml").read_text().split("\nmodels:")[0]
    assert [name for name in VARIANTS if name not in told] == []


def test_every_model_can_be_trained():
    for settings in VARIANTS.values():
        complete(settings)


def test_every_baseline_has_something_to_start_from():
    assert set(SCALES) == set(KINDS)
