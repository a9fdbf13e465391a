"""What is entered under one name in several places is entered in all of them."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipeline.baselines.build import KINDS
from pipeline.learn.baseline import SCALES
from pipeline.learn.settings import VARIANTS, complete
from pipeline.report import style
from pipeline.simulate import films
from pipeline.simulate.systems import SYSTEMS

HOME = Path(__file__).resolve().parents[2]
SCHEMA = yaml.safe_load((HOME / "workflow" / "schemas" / "config.schema.yaml").read_text())
SIMULATE = SCHEMA["properties"]["simulate"]


def test_every_model_can_be_asked_for_and_drawn():
    assert set(SCHEMA["properties"]["models"]["items"]["enum"]) == set(VARIANTS)
    assert set(VARIANTS) <= set(style.COLOURS) & set(style.NAMES)
    told = (HOME / "config" / "config.yaml").read_text().split("\nmodels:")[0]
    assert [name for name in VARIANTS if name not in told] == []


def test_every_model_can_be_trained():
    for settings in VARIANTS.values():
        complete(settings)


def test_every_baseline_has_something_to_start_from():
    assert set(SCALES) == set(KINDS)


def test_every_simulation_has_its_settings():
    kinds = set(SIMULATE["properties"]["kind"]["enum"])
    cases = [case["if"]["properties"]["kind"] for case in SIMULATE["allOf"]]
    assert kinds == {name for case in cases for name in case.get("enum", [case.get("const")])}
    assert set(SYSTEMS) == kinds - set(films.KINDS)
    rules = (HOME / "workflow" / "datasets.py").read_text()
    assert [kind for kind in films.KINDS if f'"{kind}"' not in rules] == []
