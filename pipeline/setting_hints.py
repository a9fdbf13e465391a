"""What to write in place of a value that a schema refuses: slips of YAML, units, decimal commas."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from typing import Any

from pipeline.units import MICROMETRES, SECONDS

QUOTES = " \"'`“”„‘’"
NOTHING = {"none", "nan", "auto", "automatic", "n/a", "na", "default", "null", "nil", ""}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


LONGEST = 100  # letters of a value for which there is a hint


def instead(value: Any, schema: dict[str, Any]) -> str:
    """What to write for a value of a wrong type; "" where nobody knows.

    Args:
        schema: of the value; its ``type`` names what may stand there.
    """
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    numeric = bool({"number", "integer"} & set(kinds))
    if isinstance(value, str) and len(value) > LONGEST:
        return ""
    if isinstance(value, str):
        bare = value.strip(QUOTES)
        if "null" in kinds and bare.lower() in NOTHING:
            return "write null"
        if "boolean" in kinds and bare.lower() in ("true", "false"):
            return f"write {bare.lower()} without quotes"
        if numeric:
            return _number(bare, schema.get("unit", ""))
    if "array" in kinds and isinstance(value, str | int | float) and not isinstance(value, bool):
        return _list(str(value).strip(), schema)
    if isinstance(value, list) and len(value) == 1 and "array" not in kinds:
        only = value[0]
        plain = isinstance(only, str | int | float)
        return f"write {only} without brackets or a dash" if plain else ""
    if kinds == ["object"] and isinstance(value, list) and isinstance(next(iter(value), 0), dict):
        return "take the dashes away"
    return ""


def _number(bare: str, unit: str) -> str:
    """What to write for a text that should be a number."""
    ratio = re.fullmatch(rf"({NUMBER})\s*/\s*({NUMBER})", bare)
    decimal = bare.replace(",", ".") if re.fullmatch(r"[-+]?\d+,(\d{1,2}|\d{4,})", bare) else bare
    if re.fullmatch(NUMBER, decimal) and math.isfinite(float(decimal)):
        shown = f"{float(decimal):.15g}"
        return f"write {shown} without quotes" if shown == bare else f"write {shown}"
    if ratio and float(ratio[2]):
        return f"write {float(ratio[1]) / float(ratio[2]):.6g}"
    if re.match(rf"{NUMBER}\s*[^\d\s.,:/xX_+-]", bare) or re.fullmatch(rf"{NUMBER}\s*[,;]", bare):
        meant = f", in {unit}" if unit and " per " in unit else ""
        return f"write the number alone{meant}"
    return "write a plain decimal number" if bare[:1].isdigit() else ""


def _list(text: str, schema: dict[str, Any]) -> str:
    """What to write for a text that should be a list."""
    if text.startswith("-") and not re.fullmatch(NUMBER, text):
        return "put a blank behind each dash"
    parts = re.split(r"\s*,\s*|\s+", text.strip("()"))
    return f"write [{', '.join(parts)}]" if len(parts) >= schema.get("minItems", 0) else ""


def one_of(value: Any, choices: Sequence[Any]) -> str:
    """Which of some words was meant: another name of a unit, a number for its word, a slip."""
    words = [choice for choice in choices if isinstance(choice, str)]
    if isinstance(value, int | float) and str(value) in words:
        return f'write "{value}" in quotes'
    if not isinstance(value, str) or len(value) > LONGEST:
        return ""
    for sizes in (MICROMETRES, SECONDS):
        size = sizes.get(value.lower())
        for word in words:
            if size is not None and sizes.get(word.lower()) == size:
                return f"write {word}"
    plain = {word.lower(): word for word in words}
    close = difflib.get_close_matches(value.lower(), plain, n=1, cutoff=0.8)
    return f"did you mean {plain[close[0]]}?" if close else ""
