"""The reference of settings is complete, and says what config.yaml says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "extensions"))
from settings_reference import CONFIG, SCHEMA, SECTION, allowed, comments, markdown, settings

FOUND = list(settings(yaml.safe_load(SCHEMA.read_text()), CONFIG.read_text()))


def test_every_setting_is_explained():
    assert not [s.key for s in FOUND if s.allowed != SECTION and not s.text]


def test_every_default_is_there():
    def leaves(values, path=""):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{path}{name}.")
            else:
                yield path + name

    shown = {s.key for s in FOUND if s.default or s.allowed == SECTION}
    assert set(leaves(yaml.safe_load(CONFIG.read_text()))) <= shown


def test_comments_belong_to_the_keys_below_them():
    text = "# Of a.\na: 1\n\nb:\n  # Two\n  # lines.\n  c: [1]\n  d: 2\n\n  e: 3\nf: 4\n"
    assert comments(text) == {
        "a": "Of a.",
        "b": "",
        "b.c": "Two lines.",
        "b.d": "Two lines.",
        "b.e": "",
        "f": "",
    }


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"enum": [None, "dark"]}, "null, `dark`"),
        ({"type": ["integer", "null"], "minimum": 3}, "integer or null, ≥ 3"),
        ({"type": "array", "items": {"type": "number"}}, "list of (number)"),
    ],
)
def test_what_is_allowed_is_said(schema, words):
    assert allowed(schema) == words


def test_comments_are_not_read_as_markup():
    page = markdown(settings({"properties": {"a": {"type": "number"}}}, "# ln <T> * 2\na: 1\n"))
    assert r"ln \<T\> \* 2" in page
