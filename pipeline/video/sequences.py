"""Runs of single images: which of them follow each other, as their names tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.video.name_times import seconds

NUMBER = re.compile(r"\d+(?:[.,]\d+)?")  # with the decimal mark of either language
SAME = {".jpeg": ".jpg", ".tiff": ".tif"}  # endings that say the same
COPY = re.compile(r"(?: - copy| copy|~)(?: ?\(?\d+\)?)?$|^copy (?:\(\d+\) )?of | \(\d+\)$", re.I)
# What stands before a number of an image and says that it is no time.
LABELS = {
    "channels": {"c", "ch", "chan", "channel", "w", "wavelength"},
    "focal planes": {"z", "plane", "focus", "slice", "depth"},
    "positions": {
        "p",
        "pos",
        "position",
        "xy",
        "s",
        "series",
        "site",
        "field",
        "fov",
        "run",
        "exp",
    },
}
FEW = 4  # values of a second number that look like channels or planes of one time


class Source(NamedTuple):
    """One run on disk: `kind` is tiff, sequence, film, nd2 or other.

    `numbers` are those that the names of a sequence hold, increasing; None where they hold none.
    """

    name: str
    kind: str
    paths: tuple[Path, ...]
    numbers: tuple[float, ...] | None = None


def sequences(images: Sequence[Path], name: str) -> list[Source]:
    """Runs out of single images, told apart and ordered by their names.

    Args:
        images: in natural order.
        name: of the run if there is only one.

    Raises:
        InputError: copies of images, an image beside a series, channels, or names that can be
            ordered in two ways.
    """
    refuse_copies(images)
    _refuse_sixteens(images)
    groups: dict[str, list[Path]] = {}
    for path in images:
        ending = path.suffix.lower()
        pattern = NUMBER.sub("#", path.stem.lower()) + SAME.get(ending, ending)
        groups.setdefault(pattern, []).append(path)
    alone = [paths[0] for paths in groups.values() if len(paths) == 1]
    if len(alone) == len(images):
        return [Source(name if len(images) > 1 else images[0].stem, "sequence", tuple(images))]
    if alone:
        series = max(groups.values(), key=len)
        _refuse_bare(alone, series)
        raise InputError(
            f"{alone[0]} is not named as the {len(series)} images beside it ({series[0].name} ...) "
            "are: put it elsewhere, or name it as they are"
        )
    _refuse_words(groups)
    found = [run for paths in groups.values() for run in _numbered(paths)]
    if len(found) == 1:
        return [found[0]._replace(name=name)]
    return found


def _refuse_sixteens(images: Sequence[Path]) -> None:
    """Refuses numbers that count on from 9 to a: their digits alone would be other numbers."""
    stems = [path.stem.lower() for path in images]
    letters = zip(min(stems), max(stems), strict=False)
    same = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], letters))
    ends = [stem[len(same.rstrip("0123456789abcdef")) :] for stem in stems]
    varying = [stem[len(same) :] for stem in stems]
    lettered = [k for k, end in enumerate(varying) if re.search("[a-f]", end)]
    if not lettered or len(lettered) == len(images):
        return
    if all(re.fullmatch("[0-9a-f]{1,12}", end) for end in ends):
        values = np.sort([int(end, 16) for end in ends])
        if (np.diff(values) == 1).all():
            raise InputError(
                f"{images[0]} to {images[-1].name} are numbered in hexadecimal "
                f"({images[lettered[0]].name}): number them in decimal digits"
            )


def _refuse_bare(alone: list[Path], series: list[Path]) -> None:
    """Refuses an image without a number beside others of its name: the first of them, or none?"""
    bare = NUMBER.sub("#", series[0].stem.lower())
    head = re.sub(r"[\W_]*#$", "", bare)
    for path in alone:
        if path.stem.lower() == head:
            raise InputError(
                f"{path} has no number, and the {len(series)} images beside it ({series[0].name} "
                "...) have one: give it the number that it has among them, or put it elsewhere"
            )


def _refuse_words(groups: dict[str, list[Path]]) -> None:
    """Images that are numbered alike and differ in a word after the number: one time, two channels.

    Another word before the number is another run.
    """
    for pattern in groups:
        others = (pattern.replace("-#", sign) for sign in ("#", "+#")) if "-#" in pattern else ()
        if (other := next((other for other in others if other in groups), None)) is not None:
            first, second = groups[pattern][0], groups[other][0]
            raise InputError(
                f"{first} and {second.name} differ in a minus before their number: if it is one, "
                "number the images from 0, else name all of them alike"
            )
    heads: dict[str, list[str]] = {}
    for pattern in groups:
        heads.setdefault(pattern.rpartition("#")[0], []).append(pattern)
    for alike in heads.values():
        if len(alike) > 1:
            first, second = (groups[pattern][0] for pattern in alike[:2])
            ends = {Path(pattern.rpartition("#")[2]).stem.lstrip(" _-") for pattern in alike}
            if ends == {"a", "b"}:
                raise InputError(
                    f"{first} and {second.name} end in a and b, as the two exposures of a pair for "
                    "particle image velocimetry do: two instants are no tracks; give a film of "
                    "equal intervals, or keep the images of one exposure if they are one"
                )
            raise InputError(
                f"{first} and {second.name} differ in what follows their number, as channels of "
                "one picture do: keep the images of one of them in the folder"
            )


def refuse_copies(images: Sequence[Path]) -> None:
    stems: dict[str, Path] = {}
    for path in images:
        stem = path.stem.lower()
        if stem in stems:
            raise InputError(
                f"{stems[stem]} and {path.name} are one image in two formats: keep one of them"
            )
        stems[stem] = path
    for stem, path in stems.items():
        original = COPY.sub("", stem)
        if original != stem and original in stems:
            raise InputError(
                f"{path} looks like a copy of {stems[original].name}: put one of them elsewhere"
            )


def _numbered(paths: list[Path]) -> list[Source]:
    """The runs among images whose names differ in numbers only."""
    if (times := seconds([path.stem for path in paths])) is not None:
        return [_ordered(paths, np.array(times) - min(times))]
    tokens = np.array([NUMBER.findall(path.stem.replace(",", ".")) for path in paths])
    labels = [
        re.search(r"[a-z]*$", part)[0]  # type: ignore[index]
        for part in NUMBER.split(paths[0].stem.lower())[:-1]
    ]
    varying = [k for k in range(tokens.shape[1]) if len(set(tokens[:, k])) > 1]
    by_label = {k: kind for kind, names in LABELS.items() for k in varying if labels[k] in names}
    if len(varying) > 1:
        for k, kind in by_label.items():
            if kind == "positions":
                return _by_value(paths, tokens[:, k])
            raise InputError(
                f"{paths[0].name} to {paths[-1].name} in {paths[0].parent} hold "
                f"{len(set(tokens[:, k]))} {kind} ({labels[k]}{tokens[0, k]}, ...): keep the "
                "images of one of them in the folder"
            )
    if len(varying) == 1:
        return [_ordered(paths, _values(paths, tokens[:, varying[0]]))]
    return _two_numbers(paths, tokens[:, varying])


def _two_numbers(paths: list[Path], tokens: np.ndarray) -> list[Source]:
    """Images with several numbers: one tells the order of all, or the first tells runs apart."""
    columns = [np.array([float(x) for x in column]) for column in tokens.T]
    for column in reversed(columns):
        order = np.argsort(column, kind="stable")
        others = [c[order] for c in columns]
        if len(set(column)) == len(column) and all((np.diff(c) >= 0).all() for c in others):
            return [_ordered(paths, column)]
        # A count of all of them beside readings, of a thermometer, say; channels take turns.
        if np.ptp(column) == len(column) - 1 and not any(map(_take_turns, others)):
            return [_ordered(paths, column)]
    first, last = len(set(tokens[:, 0])), len(set(tokens[:, -1]))
    if tokens.shape[1] > 2 or (last <= FEW and first > last) or len(paths) < 2 * first:
        raise InputError(
            f"the names of the images in {paths[0].parent} ({paths[0].name} to {paths[-1].name}) "
            f"differ in {tokens.shape[1]} numbers, and none of them tells the order of all: keep "
            "one series (one channel, one focal plane) in a folder"
        )
    return _by_value(paths, tokens[:, 0])


def _take_turns(values: np.ndarray) -> bool:
    """Whether values come again and again in one order, or stay for whole stretches of it, which
    are of several images: one alone is a reading."""
    often = np.unique(values, return_counts=True)[1]
    count = len(often)
    blocks = often.min() > 1 and count - 1 == int((np.diff(values) != 0).sum())
    return count < len(values) and (blocks or bool((values[count:] == values[:-count]).all()))


def _by_value(paths: list[Path], values: np.ndarray) -> list[Source]:
    """A run for each value of a number, named by it."""
    found = []
    for value in sorted(set(values), key=float):
        chosen = [path for path, v in zip(paths, values, strict=True) if v == value]
        several = _numbered(chosen) if len(chosen) > 1 else [_alone(chosen[0])]
        found += [run._replace(name=f"{run.name} {value}") for run in several]
    return found


def _alone(path: Path) -> Source:
    return Source(path.stem, "sequence", (path,))


def _values(paths: list[Path], tokens: np.ndarray) -> np.ndarray:
    """The numbers in the names: decimals, whole numbers, or a time of day hhmmss."""
    values = np.array([float(token) for token in tokens])
    fractions = {len(token.partition(".")[2]) for token in tokens}
    if len(fractions) > 1 and 0 not in fractions:
        # 0.9 and 0.10: a tenth, or the tenth after the ninth?
        pairs = [tuple(map(int, token.split("."))) for token in tokens]
        if len({major for major, _ in pairs}) == 1:
            counted = np.array([minor for _, minor in pairs], float)
            if len(set(values)) < len(values) or not _even(values):
                return counted
            if _even(counted):
                raise InputError(
                    f"the numbers in the names of {paths[0].name} to {paths[-1].name} in "
                    f"{paths[0].parent} can be read as decimals or as counts: give all of them the "
                    "same number of digits"
                )
    if all(re.fullmatch(r"[0-2]\d[0-5]\d[0-5]\d", token) for token in tokens):
        seconds = np.array([3600 * int(t[:2]) + 60 * int(t[2:4]) + int(t[4:]) for t in tokens])
        if not _even(values) and _even(seconds.astype(float)):
            return seconds.astype(float)
    return values


def _even(values: np.ndarray) -> bool:
    """Whether the differences of the sorted values are one and the same."""
    step = np.diff(np.sort(values))
    return bool(len(step) and np.allclose(step, step[0], rtol=1e-6))


def _ordered(paths: list[Path], values: np.ndarray) -> Source:
    order = np.argsort(values, kind="stable")
    same = np.flatnonzero(np.diff(values[order]) == 0)
    if len(same):
        first, second = (paths[order[same[0] + k]] for k in (0, 1))
        raise InputError(
            f"{first} and {second.name} have the same number in their names: which comes first? "
            "Put one of them elsewhere"
        )
    stem = re.sub(r"[\W_]*$", "", NUMBER.split(paths[0].stem)[0]) or paths[0].parent.name
    return Source(
        stem, "sequence", tuple(paths[k] for k in order), tuple(float(v) for v in values[order])
    )
