"""Typed settings, each key said once: type, unit, default, bounds, and how to choose it.

A section is a frozen dataclass; its fields made by `key` are what a config file may hold, its other
fields only a caller in Python can set. From a section follow the JSON schema that refuses wrong
keys, the sentences of a refusal, the defaults, and the text of config/config.yaml with a comment
above every key. Settings are read at every start of snakemake: what they import must be light.

    type of a field            in a config file
    bool, int, float, str      the same; a float may be written as a whole number
    Literal["a", "b"]          one of these words
    tuple[T, ...]              a list; of a fixed length where the tuple is
    a section                  keys and values
    any of these | None        also null
"""

from __future__ import annotations

import dataclasses
import functools
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, dataclass_transform

import yaml

from pipeline.errors import InputError
from pipeline.setting_errors import Plain, problems, unknown

WIDTH = 100  # of the lines of a config file
MISSING = dataclasses.MISSING


class Key(NamedTuple):
    """What is said of a setting besides its type and default."""

    text: str  # what it is and how to choose it: the comment in config.yaml, whole sentences
    unit: str = ""  # as a refusal puts it in brackets behind the key
    above: float | None = None  # exclusive bounds, of a number or of each in a list
    below: float | None = None
    least: float | None = None  # inclusive ones
    most: float | None = None
    odd: bool = False
    entries: tuple[int, int | None] | None = None  # least and largest number of entries of a list
    distinct: bool = False  # no entry twice
    choices: tuple[str, ...] = ()  # what a str may be, where a register decides
    kinds: Mapping[str, Section] | None = None  # of a section of several kinds: their defaults
    needed: bool = False  # must be given, whatever its default


def key(text: str, *, default: Any = MISSING, **said: Any) -> Any:
    """A field that a config file may set; ``said`` are the other fields of `Key`."""
    return dataclasses.field(default=default, metadata={"key": Key(text, **said)})


class Refused(InputError):
    """Settings that cannot be used; ``sentences`` say why, one each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n  ".join(sentences))
        self.sentences = sentences


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key,))
class Section:
    """Settings of one stage. Subclasses are frozen dataclasses whose fields go by name.

    Raises:
        Refused: at construction, with a sentence per value out of its bounds.
    """

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    def __post_init__(self) -> None:
        cls: Any = type(self)
        own = {field.name: plain(getattr(self, field.name)) for field in _typed(cls)}
        if wrong := [*problems(_rules(cls), own)] or [*self.contradictions()]:
            raise Refused(wrong)

    def contradictions(self) -> Iterator[str]:
        """Sentences about values that do not go together."""
        return iter(())

    def replace(self, **changes: Any) -> Self:
        """The same settings with some changed.

        Raises:
            Refused: if a name is unknown or a value out of its bounds.
        """
        known = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        if strange := [unknown("", name, known) for name in changes if name not in known]:
            raise Refused(strange)
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


class Field(NamedTuple):
    """A key of a section with its type and its default there."""

    name: str
    type: Any
    default: Any
    key: Key
    configured: bool  # whether a config file may set it


@functools.cache
def _typed(cls: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        Field(
            field.name,
            hints[field.name],
            field.default,
            field.metadata.get("key", Key("")),
            "key" in field.metadata,
        )
        for field in dataclasses.fields(cls)
    )


def fields(section: Section | type[Section]) -> tuple[Field, ...]:
    """The keys of a section in their order; the defaults of an instance are its values."""
    cls: Any = section if isinstance(section, type) else type(section)
    known = tuple(field for field in _typed(cls) if field.configured)
    if isinstance(section, type):
        return known
    return tuple(field._replace(default=getattr(section, field.name)) for field in known)


def plain(value: Any) -> Any:
    """Settings as YAML and JSON hold them: the keys of a section, lists for tuples."""
    if isinstance(value, Section):
        found = {field.name: plain(field.default) for field in fields(value)}
        return {"kind": value.kind, **found} if hasattr(value, "kind") else found
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


# ------------------------------------------------------------------------------ what may be given


def schema(cls: type[Section]) -> Plain:
    """The JSON schema of a class; ``unit`` is a word of ours that validators pass over."""
    return {"type": "object", "description": _first_line(cls), **_inside(cls)}


@functools.cache
def _rules(cls: Any) -> Plain:
    """What a schema says, and the same of fields that only a caller sets."""
    return {"properties": {field.name: _schema(field.type, field.key) for field in _typed(cls)}}


def _inside(cls: type[Section]) -> Plain:
    needed = [f.name for f in fields(cls) if f.key.needed or f.default is MISSING]
    return {
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        "properties": {field.name: _schema(field.type, field.key) for field in fields(cls)},
    }


BOUNDS = {"above": "exclusiveMinimum", "below": "exclusiveMaximum", "least": "minimum"}
BOUNDS |= {"most": "maximum"}
NAMES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _schema(kind: Any, said: Key) -> Plain:
    """What a field of a type may hold: one part of the type after another."""
    parts = _options(kind)
    null = [None] if types.NoneType in parts else []
    names: list[str] = []
    found: Plain = {}
    for part in parts:
        if part in NAMES:
            names.append(NAMES[part])
            found |= _scalar(said)
        elif typing.get_origin(part) is typing.Literal:
            found["enum"] = [*null, *typing.get_args(part)]
        elif typing.get_origin(part) is tuple:
            names.append("array")
            found |= _list(part, said)
        elif part is not types.NoneType:
            names.append("object")
            inner = _cases(said.kinds) if said.kinds else _inside(part)
            found |= {"description": _first_line(part), **inner}
    if said.choices and "items" not in found:
        found, names = {"enum": [*null, *said.choices]}, []
    if names:
        names += ["null"] * len(null)
        found["type"] = names if len(names) > 1 else names[0]
    head = {"description": said.text, "unit": said.unit}
    return found | {name: words for name, words in head.items() if words}


def _options(kind: Any) -> tuple[Any, ...]:
    """What a type is one of."""
    several = typing.get_origin(kind) in (types.UnionType, typing.Union)
    return typing.get_args(kind) if several else (kind,)


def _scalar(said: Key) -> Plain:
    bounds = {BOUNDS[name]: getattr(said, name) for name in BOUNDS}
    found: Plain = {name: bound for name, bound in bounds.items() if bound is not None}
    if said.odd:
        found["not"] = {"type": "integer", "multipleOf": 2}
    return found


def _list(kind: Any, said: Key) -> Plain:
    inner = typing.get_args(kind)
    fixed = inner[-1] is not Ellipsis
    low, high = said.entries or ((len(inner), len(inner)) if fixed else (0, None))
    count = {"minItems": low or None, "maxItems": high, "uniqueItems": said.distinct or None}
    found = {name: value for name, value in count.items() if value is not None}
    items = _schema(inner[0], said._replace(text="", unit="", entries=None))
    return found | {"items": items}


def _cases(kinds: Mapping[str, Section]) -> Plain:
    """A case for each class of settings, for the names of kind that have it."""
    classes: dict[type[Section], list[str]] = {}
    for name, defaults in kinds.items():
        classes.setdefault(type(defaults), []).append(name)
    cases = []
    for cls, names in classes.items():
        own = _inside(cls)
        properties = {"kind": {}, **own["properties"]}
        case = {"required": ["kind"], "properties": {"kind": {"enum": names}}}
        words = {"description": _first_line(cls)}
        cases.append({"if": case, "then": {**words, **own, "properties": properties}})
    kind = {"description": "What is simulated.", "enum": list(kinds)}
    return {"required": ["kind"], "properties": {"kind": kind}, "allOf": cases}


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").partition("\n")[0]


# ---------------------------------------------------------------------------------------- reading


def read(into: Any, given: Mapping[str, Any]) -> Any:
    """Settings from what a schema let through, over those of ``into``, a section or its class.

    Raises:
        Refused: if a key is unknown or a value out of its bounds.
    """
    known = {field.name: field for field in fields(into)}
    over = {name: value for name, value in given.items() if name != "kind" or "kind" in known}
    if strange := [unknown("", str(name), [*known]) for name in over if name not in known]:
        raise Refused(strange)
    changes = {name: value_of(known[name], value) for name, value in over.items()}
    return into(**changes) if isinstance(into, type) else into.replace(**changes)


def value_of(field: Field, value: Any) -> Any:
    """The value of a key as its type has it: sections, tuples, and floats that were whole."""
    if value is None:
        return None
    if field.key.kinds is not None:
        return value if isinstance(value, Section) else read(field.key.kinds[value["kind"]], value)
    kinds = _options(field.type)
    if isinstance(value, Mapping):
        default = field.default
        return read(default if isinstance(default, Section) else kinds[0], value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        (lists,) = (option for option in kinds if typing.get_origin(option) is tuple)
        inner = field._replace(type=typing.get_args(lists)[0], default=MISSING)
        return tuple(value_of(inner, part) for part in value)
    if isinstance(value, bool | str):
        return value
    if float in kinds:
        return float(value)
    return int(value) if int in kinds else value


# ------------------------------------------------------------------------------------ config files


def commented(section: Section, head: str, indent: str = "") -> str:
    """The text of a config file with the keys of a section, a comment above each.

    A key whose text is empty stands under the comment of the key above it.
    """
    lines = [_comment(head)] if head else []
    for field in fields(section):
        if not indent:
            lines.append("")
        if field.key.text:
            lines.append(_comment(field.key.text, indent))
        if isinstance(field.default, Section):
            lines.append(f"{indent}{field.name}:")
            lines.append(commented(field.default, "", indent + "  "))
        else:
            lines.append(_entry(field, indent))
    return "\n".join(lines)


def _comment(text: str, indent: str = "") -> str:
    mark = f"{indent}# "
    parts = [
        textwrap.fill(part, WIDTH, initial_indent=mark, subsequent_indent=mark)
        for part in text.split("\n")
    ]
    return "\n".join(part or mark.rstrip() for part in parts)


def _entry(field: Field, indent: str) -> str:
    value = plain(field.default)
    words = yaml.safe_dump(value, default_flow_style=True, width=10_000).splitlines()[0]
    line = f"{indent}{field.name}: {words}"
    if len(line) <= WIDTH or not isinstance(value, list):
        return line
    items = "\n".join(f"{indent}  - {part}" for part in value)
    return f"{indent}{field.name}:\n{items}"
