"""What is said of settings that a schema refuses: the key, its bound, the value got, what to do."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

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
    homes = list(_homes(rules or {}, name))
    if homes:
        return f"{before}{name} is not a setting: did you mean {' or '.join(homes)}?"
    plain = re.sub(r"[\W_]", "", name.lower())
    close = [key_name for key_name in known if plain in SYNONYMS.get(key_name, ())]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
    shown = name if name.isprintable() and name else _shown(name)
    return f"{before}{shown} is not a setting: {hint}"


def _sentences(error: ValidationError, rules: Plain) -> Iterator[str]:
    place = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for extra in sorted(set(error.instance) - set(known), key=str):
            yield unknown(f"{place}." if place else "", str(extra), known, rules)
        return
    unit = error.schema.get("unit")
    note = f" ({unit})" if unit else ""
    expected, value = _expectation(error), error.instance
    wanted = "number" in expected or "integer" in expected
    like_one = wanted and isinstance(value, str) and value[:1].isdigit()
    hint = ": write a plain decimal number" if like_one else ""
    yield f"{place}{note}: {expected}, got {_shown(value)}{hint}."


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
        "required": "must be given:",
    }
    if error.validator in words:
        return f"{words[error.validator]} {bound}"
    if error.validator == "not":
        return "must be odd"
    if error.validator == "uniqueItems":
        return "must not name anything twice"
    return f"is wrong ({_shown(error.message)})"
