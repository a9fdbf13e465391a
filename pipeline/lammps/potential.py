"""The portable potential file: a learned model as named words and numbers, in plain text.

    metriplectic-potential 1
    checksum <CRC-32 of everything below this line, 8 hexadecimal digits>
    word <name> <the rest of the line>
    numbers <name> <count>
    <count numbers, written so that reading them back gives the same float64>
    end

Names, ranges and counts stand in one table, lammps/potential_entries.h, which the plugin is
compiled with: what is written, read or run is checked by it, in the same words.
"""

from __future__ import annotations

import ast
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.files import whole

MAGIC = "metriplectic-potential"
VERSION = 1
PER_LINE = 6
TABLE = Path(__file__).parent / "sources" / "potential_entries.h"
REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COUNT = re.compile(r"\d{1,15}", re.ASCII)


class Potential(NamedTuple):
    """Contents of a potential file."""

    words: dict[str, str]
    numbers: dict[str, np.ndarray]  # float64, flat


class Unfit(Exception):
    """What is wrong with the contents of a file, as the end of a sentence that begins with it."""


class Entry(NamedTuple):
    """A row of the table, whose head says what the columns mean."""

    name: str
    when: str
    kind: str
    shape: str
    low: float
    high: float
    meaning: str


def rows(array: str) -> list[Entry]:
    """The rows of an array of the table."""
    found = re.search(rf"Entry {array}\[\] = \{{(.*?)\n\}};", TABLE.read_text(), re.DOTALL)
    assert found is not None
    return [Entry(*row) for row in ast.literal_eval(f"[{found[1].translate(TUPLES)}]")]


def _constant(name: str) -> float:
    found = re.search(rf"constexpr \w+ {name} = ([^;]+);", TABLE.read_text())
    assert found is not None
    return float(found[1])


TUPLES = str.maketrans("{}", "()")
ENTRIES = rows("ENTRIES")
MOST_INTERVALS, LEAST_WIDTH = _constant("MOST_INTERVALS"), _constant("LEAST_WIDTH")


def write(path: str | os.PathLike[str], potential: Potential) -> None:
    """Writes the file; it appears whole or not at all.

    Raises:
        InputError: if a word or number is not as the table says, or does not fit on its line.
    """
    try:
        contents = text(potential)
    except Unfit as what:
        raise InputError(f"The model does not run in LAMMPS: its potential file {what}.") from None
    with whole(path) as partial:
        partial.write_bytes(contents)


def text(potential: Potential) -> bytes:
    """The contents of the file.

    Raises:
        Unfit: if a word or number is not as the table says, or does not fit on its line.
    """
    check(potential)
    body = "".join(_lines(potential)).encode("utf-8", "surrogateescape")
    return f"{MAGIC} {VERSION}\nchecksum {_checksum(body)}\n".encode() + body


def read(path: str | os.PathLike[str]) -> Potential:
    """Reads what `write` wrote.

    Raises:
        InputError: if the file is something else, of another version, cut short, altered, or holds
            what the table does not allow; the sentence is that of the plugin.
    """
    # One character for each byte, as the plugin sees it.
    text = Path(path).read_bytes().decode("latin-1")
    if not text.startswith(f"{MAGIC} "):
        raise InputError(f"{path} is not a potential file: its first word must be {MAGIC}.")
    try:
        potential = _parse(_body(text))
        check(potential)
    except Unfit as what:
        raise InputError(f"{path} {what}: export the model again.") from None
    words = {
        name: word.encode("latin-1").decode("utf-8", "surrogateescape")
        for name, word in potential.words.items()
    }
    return potential._replace(words=words)


def _body(text: str) -> str:
    """What stands below the head of a file, whose version and checksum are right."""
    first, second, body = [*text.split("\n", 2), "", ""][:3]
    version = first.removeprefix(f"{MAGIC} ")
    if version != str(VERSION):
        raise Unfit(f"has format version {shown(version)}, expected {VERSION}")
    checksum = _checksum(body.encode("latin-1"))
    if second != f"checksum {checksum}":
        raise Unfit(
            f"was altered or cut short, for its checksum is {checksum} and its header "
            f"says {shown(second)}"
        )
    return body


def shown(text: str) -> str:
    """What stands in a file as messages show it: 40 characters, none that would spoil a log."""
    return "'" + re.sub(r"[^ -~]", "?", text[:40]) + "'"


def check(potential: Potential) -> None:
    """Holds words and numbers against the table, in its order.

    Args:
        potential: what to check.

    Raises:
        Unfit: the first entry that is missing, in excess or out of its range.
    """
    lengths: dict[str, int] = {}  # of the letters and axes in shapes
    words, numbers = set(), set()
    for entry in ENTRIES:
        if not _applies(entry.when, potential.words, lengths):
            continue
        if entry.kind == "word":
            words.add(entry.name)
            _check_word(entry, potential.words.get(entry.name))
            continue
        for name, shape, scope in _parts(entry):
            numbers.add(name)
            values = potential.numbers.get(name)
            if values is not None:
                _fill(name, shape, scope, len(values), lengths)
                _check_numbers(entry, name, values, potential, lengths)
            elif entry.when != "?":
                raise Unfit(f"lacks the numbers {name}")
    for name in sorted(set(potential.words) - words):
        raise Unfit(f"has the word {shown(name)}, which means nothing there")
    for name in sorted(set(potential.numbers) - numbers):
        raise Unfit(f"has numbers {shown(name)}, which mean nothing there")


def _applies(when: str, words: dict[str, str], lengths: dict[str, int]) -> bool:
    if when in ("", "?"):
        return True
    for condition in when.split(" "):
        name, _, wanted = condition.partition("=")
        found = str(lengths["D"]) if name == "D" else words.get(name)
        if found is None or (wanted and found not in wanted.split("|")):
            return False
    return True


def _parts(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Name, shape, and scope of the letters of the arrays of an entry."""
    name = entry.name
    if entry.kind != "network":
        yield name, entry.shape, name.split(".")[0]
        return
    inputs, outputs = entry.shape.split(" > ")
    yield f"{name}.input.weight", f"w {inputs}", name
    yield f"{name}.input.bias", "w", name
    yield f"{name}.hidden.weight", "u w", name
    yield f"{name}.hidden.bias", "u", name
    yield f"{name}.output.weight", f"{outputs} u", name
    yield f"{name}.output.bias", outputs, name


def _check_word(entry: Entry, word: str | None) -> None:
    if word is None and entry.when != "?":
        raise Unfit(f"lacks the word {entry.name}")
    if word is not None and entry.shape and word not in entry.shape.split(" "):
        raise Unfit(
            f"has {entry.name} = {shown(word)}, which must be one of {entry.shape} "
            f"({entry.meaning})",
        )


def _fill(
    name: str,
    shape: str,
    scope: str,
    count: int,
    lengths: dict[str, int],
) -> None:
    """Whether so many numbers have the shape; a factor not known yet follows from them."""
    product, unknown, text = 1, None, []
    for factor in shape.split(" "):
        letter, _, more = factor.partition("+")
        key = letter if letter == "D" or "." in letter else f"{scope}.{letter}"
        if not letter.isdigit() and key not in lengths:
            unknown = key, int(more or 0)
            text.append(factor)
            continue
        value = int(letter) if letter.isdigit() else lengths[key] + int(more or 0)
        product *= value
        text.append(str(value))
    rest = count // product - (unknown[1] if unknown else 0)
    if count % product or (rest < 1 if unknown else rest != 1):
        raise Unfit(f"has {count} numbers {name}, which must be {' x '.join(text)}")
    if unknown:
        lengths[unknown[0]] = rest


def _check_numbers(
    entry: Entry,
    name: str,
    values: np.ndarray,
    potential: Potential,
    lengths: dict[str, int],
) -> None:
    if entry.kind in ("axis", "radial"):
        lengths[name] = _check_axis(entry, values, float(potential.numbers["cutoff"][0]))
        return
    is_whole = entry.kind in ("whole", "ends", "direction")
    count = {"ends": "solid.n", "direction": "D"}.get(entry.kind)
    high = entry.high if count is None else lengths[count]
    right = (values >= entry.low) & (values <= high)
    if is_whole:
        right &= values == np.floor(values)

    def label(k: int) -> str:
        return (name if len(values) == 1 else f"{name}[{k}]") + f" = {values[k]:.10g}"

    if not right.all():
        raise Unfit(
            f"has {label(int(np.argmin(right)))}, which must be "
            f"{'a whole number ' if is_whole else ''}from {entry.low:.10g} to {high:.10g} "
            f"({entry.meaning})",
        )
    if entry.kind in ("quantiles", "times"):
        times = entry.kind == "times"
        wrong = values[1:] <= values[:-1] if times else values[1:] < values[:-1]
        if wrong.any():
            k = int(np.argmax(wrong)) + 1
            raise Unfit(
                f"has {label(k)} after {values[k - 1]:.10g}, which must "
                f"{'increase' if times else 'not decrease'} ({entry.meaning})",
            )
    if entry.kind == "ends" and (values[::2] == values[1::2]).any():
        one = values[::2][values[::2] == values[1::2]][0]
        raise Unfit(f"has a bond of particle {one:.10g} with itself in {name}")
    if name == "dimension":
        lengths["D"] = int(values[0])


def _check_axis(entry: Entry, axis: np.ndarray, cutoff: float) -> int:
    """Number of intervals."""
    name, meaning = entry.name, f" ({entry.meaning})"
    low, high, intervals = map(float, axis)
    for k, end in enumerate((low, high)):
        if not entry.low <= end <= entry.high:
            raise Unfit(
                f"has {name}[{k}] = {end:.10g}, which must be from {entry.low:.10g} to "
                f"{entry.high:.10g}{meaning}",
            )
    if not 1 <= intervals <= MOST_INTERVALS or intervals != int(intervals):
        raise Unfit(
            f"has {intervals:.10g} intervals of {name}, which must be a whole number from 1 to "
            f"{MOST_INTERVALS:.10g}{meaning}",
        )
    if not high - low >= LEAST_WIDTH * (1.0 + abs(low) + abs(high)):
        raise Unfit(f"has {name} from {low:.10g} to {high:.10g}, which is no interval{meaning}")
    if entry.kind == "radial" and (low, high) != (0.0, cutoff):
        raise Unfit(
            f"has {name} from {low:.10g} to {high:.10g}, which must be from 0 to the cutoff "
            f"{cutoff:.10g}{meaning}",
        )
    return int(intervals)


def _lines(potential: Potential) -> Iterator[str]:
    for name, word in potential.words.items():
        if "\n" in word:
            raise Unfit(f"has the word {name} = {shown(word)}, which does not fit on a line")
        yield f"word {name} {word}\n"
    for name, value in potential.numbers.items():
        texts = [repr(x) for x in value.tolist()]
        yield f"numbers {name} {len(texts)}\n"
        for k in range(0, len(texts), PER_LINE):
            yield " ".join(texts[k : k + PER_LINE]) + "\n"
    yield "end\n"


def _parse(body: str) -> Potential:
    potential = Potential({}, {})
    *whole_lines, rest = body.split("\n")
    lines = iter(whole_lines)
    for line in lines:
        if line == "end":
            if rest or next(lines, None) is not None:
                raise Unfit("goes on after the line 'end'")
            return potential
        kind, name, last = [*line.split(" ", 2), "", ""][:3]
        if line.count(" ") < 2 or not name or kind not in ("word", "numbers"):
            raise Unfit(f"has the line {shown(line)}, which is neither a word nor numbers")
        if name in potential.words or name in potential.numbers:
            raise Unfit(f"has {shown(name)} twice")
        if kind == "word":
            potential.words[name] = last
        else:
            potential.numbers[name] = _values(name, last, lines)
    raise Unfit("ends without the line 'end'")


def _values(name: str, count: str, lines: Iterator[str]) -> np.ndarray:
    """The numbers of the next lines, as many as the count says."""
    if not COUNT.fullmatch(count):
        raise Unfit(f"has {shown(count)} numbers {shown(name)}, which is not a count")
    values: list[float] = []
    while len(values) < int(count):
        line = next(lines, None)
        if line is None:
            raise Unfit(f"ends within the numbers {shown(name)}")
        for token in line.split(" "):
            value = float(token) if REAL.fullmatch(token) else np.nan
            if not np.isfinite(value):
                raise Unfit(
                    f"has {shown(token)} among the numbers {shown(name)}, which is not a finite "
                    "number",
                )
            values.append(value)
    if len(values) > int(count):
        raise Unfit(f"has more than {int(count)} numbers {shown(name)}")
    return np.array(values)


def _checksum(body: bytes) -> str:
    return f"{zlib.crc32(body):08x}"
