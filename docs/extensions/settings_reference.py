"""The reference of settings, from the schema that their classes make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from sphinx.application import Sphinx

from pipeline.schema import plain, schema
from pipeline.settings import Settings

HOME = Path(__file__).resolve().parents[2]
PLACE = "<!-- settings -->"
SECTION = "a section"

PLAIN = str.maketrans({mark: f"\\{mark}" for mark in "<>*$"})  # not for Markdown to read
BOUNDS = {
    "minimum": "≥ {:g}",
    "exclusiveMinimum": "> {:g}",
    "maximum": "≤ {:g}",
    "exclusiveMaximum": "< {:g}",
    "multipleOf": "multiple of {}",
}


class Setting(NamedTuple):
    """One key as the reference shows it."""

    key: str  # dotted
    allowed: str  # SECTION where it holds others
    default: str  # "" where there is none; of a section, the kind it is for
    text: str  # how to choose it; that of the key above where nothing is said


def allowed(schema: dict[str, Any]) -> str:
    """What a schema lets through, in a few words."""
    if "enum" in schema:
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    kinds = schema.get("type", "anything")
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    if "items" in schema:
        words[words.index("array")] = _list(schema)
    bounds = [say.format(schema[name]) for name, say in BOUNDS.items() if name in schema]
    if "multipleOf" in schema.get("not", {}):
        bounds.append("odd")
    return ", ".join([" or ".join(words), *bounds])


def _list(schema: dict[str, Any]) -> str:
    low, high = schema.get("minItems"), schema.get("maxItems")
    count = f"{low} " if low is not None and low == high else ""
    items = schema["items"]
    keys = f" of {', '.join(items['properties'])}" if "properties" in items else ""
    return f"list of {count}({allowed(items)}{keys})"


def settings(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[Setting]:
    """Every setting of a schema and of the sections in it; ``values`` are the defaults."""
    above = ""
    for name, inner in schema["properties"].items():
        if not inner:
            continue  # said elsewhere
        key, known = path + name, isinstance(values, dict) and name in values
        if "properties" in inner:
            yield Setting(key, SECTION, "", _sentence(inner))
            yield from settings(inner, values[name] if known else None, f"{key}.")
            yield from kinds(inner, key)
        else:
            above = _sentence(inner) if "description" in inner else above
            yield Setting(key, allowed(inner), _default(values[name]) if known else "", above)


def kinds(section: dict[str, Any], key: str) -> Iterator[Setting]:
    """The settings that a section takes for some values of its `kind` only."""
    for case in section.get("allOf", []):
        names, taken = case["if"]["properties"]["kind"]["enum"], case["then"]
        mark = " or ".join(f"`{name}`" for name in names)
        yield Setting(key, SECTION, f"of kind {mark}", _sentence(taken))
        yield from settings(taken, None, f"{key}.")


def _sentence(part: dict[str, Any]) -> str:
    """What a key is, and its unit where the sentence does not say it."""
    words, unit = part.get("description", "").rstrip("."), part.get("unit", "")
    said = unit.lower() in words.lower()
    return "".join((words, "" if said else f" ({unit})", "." if words else "")).translate(PLAIN)


def _default(value: Any) -> str:
    return f"`{yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}`"


def markdown(found: Iterator[Setting]) -> str:
    """The reference as Markdown: a heading per section, a definition per key."""
    lines: list[str] = []
    for setting in found:
        if setting.allowed == SECTION:
            lines += ["", f"## `{setting.key}` {setting.default}".rstrip(), "", setting.text]
        else:
            default = f" Default: {setting.default}." if setting.default else ""
            lines += ["", f"`{setting.key}`"]
            lines += [f": {setting.text} {_capital(setting.allowed)}.{default}"]
    return "\n".join(lines)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Puts the reference where a page has the mark for it."""
    if PLACE in source[0]:
        for path in (HOME / "pipeline").rglob("*settings.py"):
            app.env.note_dependency(str(path))
        found = settings(schema(Settings), plain(Settings()))
        source[0] = source[0].replace(PLACE, markdown(found))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
