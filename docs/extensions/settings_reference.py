"""The reference of settings, from the schema and the comments of config/config.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from sphinx.application import Sphinx

HOME = Path(__file__).resolve().parents[2]
CONFIG = HOME / "config" / "config.yaml"
SCHEMA = HOME / "workflow" / "schemas" / "config.schema.yaml"
PLACE = "<!-- settings -->"
SECTION = "a section"

PLAIN = str.maketrans({mark: f"\\{mark}" for mark in "<>*$"})  # not for Markdown to read
KEY = re.compile(r"( *)([A-Za-z_]\w*):( .*)?")
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
}


class Setting(NamedTuple):
    """One key as the reference shows it."""

    key: str  # dotted
    allowed: str  # SECTION where it holds others
    default: str  # "" where config.yaml has none; of a section, the kind it is for
    text: str  # how to choose it; "" where nothing is said


def comments(text: str) -> dict[str, str]:
    """The comment above each dotted key of a YAML file; a key without one shares that above it."""
    found: dict[str, str] = {}
    path: list[str] = []
    lines: list[str] = []
    last = ""
    for line in text.splitlines():
        if line.strip().startswith("#"):
            lines.append(line.strip().lstrip("# "))
        elif match := KEY.fullmatch(line):
            depth = len(match[1]) // 2
            beside = depth == len(path) - 1
            path = [*path[:depth], match[2]]
            last = " ".join(lines) or (last if beside else "")
            found[".".join(path)] = last
            lines = []
        elif not line.strip():
            lines, last = [], ""
    return found


def allowed(schema: dict[str, Any]) -> str:
    """What a schema lets through, in a few words."""
    if "enum" in schema:
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(allowed(part) for part in schema.get("anyOf") or schema["oneOf"])
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


def settings(schema: dict[str, Any], text: str) -> Iterator[Setting]:
    """Every setting of the schema, in its order, with what config.yaml says of it."""
    yield from Walk(schema, comments(text)).section(schema, "", yaml.safe_load(text))


class Walk(NamedTuple):
    """What a walk through the schema looks things up in."""

    schema: dict[str, Any]
    said: dict[str, str]

    def section(self, part: dict[str, Any], path: str, values: Any) -> Iterator[Setting]:
        """The settings of one section and of those in it; ``values`` are their defaults."""
        for name, inner in part["properties"].items():
            if not inner:
                continue  # said elsewhere
            key, known = path + name, isinstance(values, dict) and name in values
            words = (self.said.get(key) or _sentence(inner)).translate(PLAIN)
            default = _default(values[name]) if known else ""
            if "properties" in inner:
                yield Setting(key, SECTION, "", words)
                yield from self.section(inner, f"{key}.", values[name] if known else None)
                yield from self.kinds(inner, key)
            else:
                yield Setting(key, allowed(inner), default, words)

    def kinds(self, part: dict[str, Any], key: str) -> Iterator[Setting]:
        """The settings that a section takes for some values of its `kind` only."""
        for case in part.get("allOf", []):
            names = case["if"]["properties"]["kind"]
            asked = names.get("enum") or [names["const"]]
            taken = case["then"]
            if "$ref" in taken:
                taken = self.schema["$defs"][taken["$ref"].rpartition("/")[2]]
            mark = " or ".join(f"`{name}`" for name in asked)
            words = _sentence(taken).translate(PLAIN)
            yield Setting(key, SECTION, f"of kind {mark}", words)
            yield from self.section(taken, f"{key}.", None)


def _sentence(part: dict[str, Any]) -> str:
    """What the schema says: the title is what a key is, the description its unit."""
    words = ", ".join(part[name] for name in ("title", "description") if name in part)
    return _capital(words).rstrip(".") + "." if words else ""


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
        app.env.note_dependency(str(CONFIG))
        app.env.note_dependency(str(SCHEMA))
        text = CONFIG.read_text()
        found = settings(yaml.safe_load(SCHEMA.read_text()), text)
        source[0] = source[0].replace(PLACE, markdown(found))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
