"""The reference of settings is complete, and says what their classes say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "extensions"))
from settings_reference import SECTION, allowed, markdown, settings

from pipeline.schema import plain, schema
from pipeline.settings import Settings

FOUND = list(settings(schema(Settings), plain(Settings())))


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
    assert set(leaves(plain(Settings()))) <= shown


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
    one = {"type": "number", "description": "ln <T> * 2."}
    page = markdown(settings({"properties": {"a": one}}, {"a": 1}))
    assert r"ln \<T\> \* 2" in page
