"""What is said of settings that a schema refuses: the key, its bound, the value got, what to do."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from pipeline.setting_hints import instead, one_of

Plain = dict[str, Any]  # what YAML and JSON hold


def _finite(checker: Any, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (isinstance(value, float) and math.isfinite(value))


VALIDATOR = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _finite),
)


def problems(rules: Plain, given: Any) -> Iterator[str]:
    """A sentence for every value that a schema refuses, in the order of the keys."""
    errors = VALIDATOR(rules).iter_errors(given)
    for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path))):
        yield from _sentences(error, rules)


def _homes(rules: Plain, name: str, before: str = "") -> Iterator[str]:
    """Where a key of this name belongs, sections inside sections included."""
    for key_name, inner in rules.get("properties", {}).items():
        if key_name == name:
            yield before + name
        yield from _homes(inner, name, f"{before}{key_name}.")


# What other programs call our keys, plain: no letters in common tell these.
SYNONYMS = {
    "mpp": {"pixelsize", "umperpx", "umperpixel", "micronsperpixel", "scale", "resolution"},
    "fps": {"framerate", "framespersecond", "rate", "frequency"},
    "crop": {"roi", "region"},
    "diameter": {"particlesize", "spotsize"},
    "polarity": {"invert", "inverted"},
    "minmass": {"threshold", "minintensity"},
    "search_range": {"maxdisplacement", "maxdisp", "maxstep"},
    "drift": {"subtractdrift", "dedrift"},
}


def unknown(before: str, name: str, known: Sequence[str], rules: Plain | None = None) -> str:
    """What to say of a key ``name`` in the section ``before`` that is none of the ``known``.

    Args:
        rules: schema of the whole, in which the key may have another home.
    """
    shown = name if name.isprintable() and name else _shown(name)
    head, mark, rest = name.partition(".")
    if mark and head in known:
        return (
            f"{before}{shown} is not a setting: write {head}: and, in a line below and farther in, "
            f"{rest}: with its value."
        )
    if ":" in name:
        return f"{before}{_shown(name)} is not a setting: put a blank behind every colon."
    plain = re.sub(r"[\W_]", "", name.lower())
    meant = [key_name for key_name, words in SYNONYMS.items() if plain in words]
    close = [key_name for key_name in known if key_name in meant]
    close = close or difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    homes = [home for word in (name, *meant) for home in _homes(rules or {}, word)]
    if not (meant and close):
        close += [home for home in homes if home not in close]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(known)}."
    return f"{before}{shown} is not a setting: {hint}"


def _sentences(error: ValidationError, rules: Plain) -> Iterator[str]:
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for extra in sorted(set(error.instance) - set(known), key=str):
            yield unknown(f"{place}." if place else "", str(extra), known, rules)
        return
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{f'{place}.' if place else ''}{name}: must be given."
        return
    if error.instance is None and error.schema.get("type") == "object":
        yield f"{place}: holds nothing: write its keys below it, farther in, or take it away."
        return
    unit = error.schema.get("unit")
    note = f" ({unit})" if unit else ""
    hint = ""
    if error.validator in ("type", "enum"):
        choices = error.validator_value
        enum = error.validator == "enum"
        hint = one_of(error.instance, choices) if enum else instead(error.instance, error.schema)
    yield (
        f"{place}{note}: {_expectation(error)}, got {_shown(error.instance)}"
        f"{f': {hint}' if hint else ''}{'' if hint.endswith('?') else '.'}"
    )


def _shown(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 100 else f"{words[:100]} ..."


# What schemas call otherwise than whoever writes a config file.
WORDS = {
    "null": "null",
    "boolean": "true or false",
    "array": "a list [...]",
    "object": "a section of keys and values, `key: value` with a blank behind the colon",
}


def _expectation(error: ValidationError) -> str:
    bound = error.validator_value
    if error.validator == "type":
        kinds = [bound] if isinstance(bound, str) else list(bound)
        must = "must be " + " or ".join(
            WORDS.get(kind, f"a{'n' * (kind[0] in 'aeiou')} {kind}") for kind in kinds
        )
        lost = isinstance(error.instance, float) and not math.isfinite(error.instance)
        return must.replace("number", "finite number") if lost else must
    if error.validator == "enum":
        return "must be one of " + ", ".join("null" if v is None else str(v) for v in bound)
    words = {
        "minimum": "must be at least",
        "maximum": "must be at most",
        "exclusiveMinimum": "must be above",
        "exclusiveMaximum": "must be below",
        "minItems": "needs this many entries at least:",
        "maxItems": "takes this many entries at most:",
    }
    if error.validator in words:
        return f"{words[error.validator]} {bound}"
    if error.validator == "not":
        return "must be odd"
    if error.validator == "uniqueItems":
        return "must not name anything twice"
    return f"is wrong ({_shown(error.message)})"
