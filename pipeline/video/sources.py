"""Finding the videos of a folder, and what the names of images say of their order and time.

Each film or TIFF stack is a run (an OME set of several files is one); the numbered single images of
a folder are a run for each way in which they are named; subfolders are searched the same way.
Other files (licences, tables, notes) are ignored.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tifffile import TiffFile

from pipeline.errors import InputError
from pipeline.files import twins, walk
from pipeline.video.name_times import seconds
from pipeline.video.signatures import by_content, hint
from pipeline.video.tiff import AskedFor, TiffReader
from pipeline.video.tiff_description import members

TIFF = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
IMAGE = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".jp2"}
FILM = {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"} | {
    ".ts",
    ".mts",
    ".m2ts",
    ".vob",
    ".flv",
    ".3gp",
    ".asf",
    ".ogv",
    ".mxf",
    ".y4m",
    ".m2v",
    ".h264",
    ".264",
    ".h265",
    ".hevc",
    ".mjpeg",
    ".mjpg",
    ".f4v",
    ".3g2",
    ".qt",
    ".divx",
    ".apng",
}
OTHER = {".cine", ".seq", ".spe"}
ACCEPTED = TIFF | IMAGE | FILM | OTHER | {".nd2"}
SAME = {".jpeg": ".jpg", ".tiff": ".tif"}  # endings that say the same

NUMBER = re.compile(r"\d+(?:\.\d+)?")
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


def runs(folder: Path | str) -> list[Source]:
    """The runs in a folder (or the one run of a single file), in natural order.

    Raises:
        InputError: if there is no video, a TIFF that cannot be opened (named), images whose names
            leave open which of them follow each other, or files of which it is not clear whether
            they are one run: see `check`.
    """
    root = Path(folder)
    files = [path for path in walk(root) if ending(path) in ACCEPTED]
    check(files)
    if empty := next((path for path in files if path.stat().st_size == 0), None):
        raise InputError(f"{empty} is empty: copy it again, or take it away.")
    _check_contents(files)
    found: list[Source] = []
    for home, inside in itertools.groupby(files, key=lambda path: path.parent):
        found += _beside(list(inside), home.name)
    if pair := twins(source.paths[0] for source in found if source.kind == "tiff"):
        raise InputError(_same_film(*pair))
    if not found:
        raise InputError(
            f"no video found in {folder}: put one there (TIFF stack, numbered images, avi, mp4, "
            f"mov, mkv, gif, nd2, ...).{hint(list(walk(root)))}"
        )
    return found


def _beside(files: list[Path], name: str) -> list[Source]:
    """The runs of one folder, without those of the folders in it."""
    found, images = [], []
    elsewhere: set[str] = set()
    for path in files:
        suffix = ending(path)
        if suffix in TIFF:
            single, others = _examined(path)
            if single:
                images.append(path)
            elif path.name not in elsewhere:
                found.append(Source(path.stem, "tiff", (path,)))
                elsewhere |= others
        elif suffix in IMAGE:
            images.append(path)
        else:
            kind = "nd2" if suffix == ".nd2" else "film" if suffix in FILM else "other"
            found.append(Source(path.stem, kind, (path,)))
    if images:
        found += sequences(images, name)
    return found


def ending(path: Path) -> str:
    return path.suffix.lower()


def check(files: Iterable[Path]) -> None:
    """Refuses videos of which one cannot tell what is a run; asks names and sizes, opens little.

    Raises:
        InputError: for images of two formats in one folder, images in a folder and in a folder
            below it, and the same film or the same images twice.
    """
    films, folders = [], dict[Path, list[Path]]()
    for path in files:
        if ending(path) in IMAGE:
            folders.setdefault(path.parent, []).append(path)
        elif ending(path) in ACCEPTED - TIFF:  # whether a TIFF is a film only its reader can say
            films.append(path)
    if pair := twins(films):
        raise InputError(_same_film(*pair))
    for folder, images in folders.items():
        _refuse_copies(images)
        _check_formats(folder, images)
        above = next((other for other in folder.parents if other in folders), None)
        if above is not None:
            raise InputError(
                f"{above} holds images and so does {folder} in it: which are the run? Put the "
                f"images of every run into a folder of its own, beside each other."
            )
    for (one, images), (other, more) in itertools.combinations(folders.items(), 2):
        if len(images) == len(more) and all(
            twins(pair) is not None for pair in zip(images, more, strict=True)
        ):
            raise InputError(f"{one} and {other} hold the same images: take one of them away.")


def _check_contents(files: Sequence[Path]) -> None:
    """Refuses what is something else than its ending says, where that would not be read.

    Films are known by their contents, whatever they are called, and so are single images; of the
    images of a folder the first is asked.
    """
    met: set[Path] = set()
    for path in files:
        called = _family(ending(path))
        if called == "image" and path.parent in met:
            continue
        met |= {path.parent} if called == "image" else set()
        what, right = by_content(path) or ("", ending(path))
        inside = _family(right)
        read = inside == called or (called, inside) == ("film", "image")  # as .apng, .mjpeg
        single = (called, inside) == ("image", "tiff") and len(TiffFile(path).pages) == 1
        if called and not read and not single:
            raise InputError(
                f"{path} is {what} by its first bytes and not what its ending says: name it "
                f"{path.stem}{right} if it is, else copy it again."
            )


def _family(suffix: str) -> str:
    kinds = {"tiff": TIFF, "image": IMAGE, "film": FILM}
    return next((name for name, endings in kinds.items() if suffix in endings), "")


def _same_film(first: Path, second: Path) -> str:
    return f"{first} and {second} are the same film: take one of them away."


def _check_formats(folder: Path, images: list[Path]) -> None:
    counts: dict[str, int] = {}
    for path in images:
        suffix = SAME.get(ending(path), ending(path))
        counts[suffix] = counts.get(suffix, 0) + 1
    if len(counts) > 1:
        told = " and ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
        raise InputError(
            f"{folder} holds images of several formats ({told}), perhaps the same frames twice: "
            f"keep those of one format."
        )


def _examined(path: Path) -> tuple[bool, set[str]]:
    """Whether a TIFF is one image of a sequence, and the files that it says belong to it.

    One that only looks like a single image, cut short, is refused.
    """
    try:
        reader = TiffReader(path)
    except AskedFor:
        return False, set()
    single = reader.length * reader.channels == 1
    others = members(reader.file)
    if single:
        reader.verify()
    reader.close()
    return single, others


def sequences(images: Sequence[Path], name: str) -> list[Source]:
    """Runs out of single images, told apart and ordered by their names.

    Args:
        images: in natural order.
        name: of the run if there is only one.

    Raises:
        InputError: copies of images, an image beside a series, channels, or names that can be
            ordered in two ways.
    """
    _refuse_copies(images)
    groups: dict[str, list[Path]] = {}
    for path in images:
        pattern = NUMBER.sub("#", path.stem.lower()) + path.suffix.lower()
        groups.setdefault(pattern, []).append(path)
    alone = [paths[0] for paths in groups.values() if len(paths) == 1]
    if len(alone) == len(images):
        return [Source(name if len(images) > 1 else images[0].stem, "sequence", tuple(images))]
    if alone:
        series = max(groups.values(), key=len)
        raise InputError(
            f"{alone[0]} is not named as the {len(series)} images beside it ({series[0].name} ...) "
            "are: put it elsewhere, or name it as they are"
        )
    _refuse_words(groups)
    found = [run for paths in groups.values() for run in _numbered(paths)]
    if len(found) == 1:
        return [found[0]._replace(name=name)]
    return found


def _refuse_words(groups: dict[str, list[Path]]) -> None:
    """Images that are numbered alike and differ in a word after the number: one time, two channels.

    Another word before the number is another run.
    """
    for pattern in groups:
        if "-#" in pattern and (other := pattern.replace("-#", "#")) in groups:
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
            raise InputError(
                f"{first} and {second.name} differ in what follows their number, as channels of "
                "one picture do: keep the images of one of them in the folder"
            )


def _refuse_copies(images: Sequence[Path]) -> None:
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
    tokens = np.array([NUMBER.findall(path.stem) for path in paths])
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
        if len(set(column)) == len(column) and all((np.diff(c[order]) >= 0).all() for c in columns):
            return [_ordered(paths, column)]
    first, last = len(set(tokens[:, 0])), len(set(tokens[:, -1]))
    if tokens.shape[1] > 2 or (last <= FEW and first > last) or len(paths) < 2 * first:
        raise InputError(
            f"the names of the images in {paths[0].parent} ({paths[0].name} to {paths[-1].name}) "
            f"differ in {tokens.shape[1]} numbers, and none of them tells the order of all: keep "
            "one series (one channel, one focal plane) in a folder"
        )
    return _by_value(paths, tokens[:, 0])


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
