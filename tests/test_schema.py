"""Typed settings: what is written is read again, and what cannot be meant is refused."""

from __future__ import annotations

import json
from typing import Literal

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.learn.settings import Training, variant
from pipeline.schema import Refused, Section, commented, key, plain, read, schema
from pipeline.setting_errors import problems
from pipeline.settings import Settings, sections
from pipeline.simulate.systems import SYSTEMS


class Inner(Section):
    """A part."""

    size: int = key("How large.", default=3, least=1, most=9, odd=True)
    names: tuple[str, ...] = key("Who.", default=("a",), choices=("a", "b"), distinct=True)


class Outer(Section):
    """A whole."""

    width: float | None = key("How wide. null: estimated.", default=None, unit="px", above=0)
    kind: Literal["plain", "odd"] = key("", default="plain")
    spot: tuple[float, float] = key("Where.", default=(0.0, 1.0), most=2)
    flags: bool | tuple[bool, ...] | None = key("Which.", default=None, entries=(2, 3))
    inner: Inner = key("Inside.", default=Inner())
    hidden: Literal["here", "there"] = "here"


CHANGED = Outer(width=2.0, flags=(True, False), inner=Inner(size=5, names=("b", "a")))


@pytest.mark.parametrize("section", [Outer(), CHANGED, Settings(), *SYSTEMS.values()])
def test_what_is_written_is_read_again(section):
    text = commented(section, "Of this file.")
    assert text.startswith("# Of this file.")
    content = yaml.safe_load(text)
    assert content == {k: v for k, v in plain(section).items() if k in content}
    assert read(section, content) == section
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_system_is_told_by_its_kind(kind):
    found = sections({"simulate": {"kind": kind, "seed": 5}}).simulate
    assert found == SYSTEMS[kind].replace(seed=5)
    assert plain(Settings(simulate=found))["simulate"]["kind"] == kind


def test_the_schema_is_one_and_takes_the_defaults():
    rules = schema(Settings)
    Draft202012Validator.check_schema(rules)
    json.dumps(rules)
    Draft202012Validator(rules).validate(plain(Settings()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 0}, "width (px): must be above 0, got 0."),
        ({"width": "wide"}, "width (px): must be a number or null, got 'wide'."),
        ({"width": float("inf")}, "must be a finite number or null, got inf."),
        ({"kind": "old"}, "kind: must be one of plain, odd, got 'old'."),
        ({"spot": (1.0,)}, "spot: needs this many entries at least: 2, got [1.0]."),
        ({"spot": (1.0, 3.0)}, "spot.1: must be at most 2, got 3.0."),
        ({"flags": (True,)}, "flags: needs this many entries at least: 2"),
        ({"hidden": "nowhere"}, "hidden: must be one of here, there, got 'nowhere'."),
        ({"innner": 3}, "innner is not a setting: did you mean inner?"),
    ],
)
def test_what_is_out_of_bounds_is_refused(changes, sentence):
    with pytest.raises(Refused) as refusal:
        Outer().replace(**changes)
    assert sentence in str(refusal.value)


def test_what_is_out_of_bounds_inside_is_named_by_its_place():
    wrong = [*problems(schema(Outer), {"inner": {"size": 4, "names": ["a", "c"], "sise": 3}})]
    assert wrong == [
        "inner.sise is not a setting: did you mean size?",
        "inner.names.1: must be one of a, b, got 'c'.",
        "inner.size: must be odd, got 4.",
    ]


def test_a_variant_is_over_what_was_asked_for():
    asked = Training(steps=7, strain="paper")
    assert variant("metriplectic", asked) == asked
    assert variant("metriplectic_no_udev", asked) == asked.replace(strain="none")
    assert variant("gns", asked).model == "gns"
    with pytest.raises(Refused, match="There is no model 'gnn'"):
        variant("gnn")
    with pytest.raises(Refused, match="loss: must be one of heat, paper"):
        Training(loss="printed")
