"""Finding the videos of a folder.

Each film or TIFF stack is a run; all single-page images of a folder together are one run, in
natural order of their names; subfolders are searched the same way. Other files (licences, tables,
notes) are ignored.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.files import twins, walk
from pipeline.video.tiff import TiffReader

TIFF = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
IMAGE = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".jp2"}
FILM = {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"}
OTHER = {".cine", ".seq", ".spe"}
ACCEPTED = TIFF | IMAGE | FILM | OTHER | {".nd2"}
SAME = {".jpeg": ".jpg", ".tiff": ".tif"}  # endings that say the same


class Source(NamedTuple):
    """One run on disk: `kind` is tiff, sequence, film, nd2 or other."""

    name: str
    kind: str
    paths: tuple[Path, ...]


def runs(folder: Path | str) -> list[Source]:
    """The runs in a folder (or the one run of a single file), in natural order.

    Raises:
        InputError: if there is no video, a TIFF that cannot be opened (named), or files of which
            it is not clear whether they are one run: see `check`.
    """
    root = Path(folder)
    files = [path for path in walk(root) if ending(path) in ACCEPTED]
    check(files)
    found = []
    for home, inside in itertools.groupby(files, key=lambda path: path.parent):
        found += _runs_beside_each_other(home, list(inside))
    if pair := twins(source.paths[0] for source in found if source.kind == "tiff"):
        raise InputError(_same_film(*pair))
    if not found:
        accepted = " ".join(sorted(ACCEPTED))
        raise InputError(f"no video found in {folder}: put one there ({accepted})")
    return found


def _runs_beside_each_other(home: Path, files: list[Path]) -> list[Source]:
    found, images = [], []
    for path in files:
        suffix = ending(path)
        if suffix in IMAGE or (suffix in TIFF and _single_page(path)):
            images.append(path)
        else:
            kinds = {"tiff": TIFF, "film": FILM, "nd2": {".nd2"}, "other": OTHER}
            kind = next(name for name, endings in kinds.items() if suffix in endings)
            found.append(Source(path.stem, kind, (path,)))
    _check_formats(home, images)
    if images:
        name = home.name if len(images) > 1 else images[0].stem
        found.append(Source(name, "sequence", tuple(images)))
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


def _single_page(path: Path) -> bool:
    """Whether a TIFF is one image of a sequence; one that only looks so, cut short, is refused."""
    reader = TiffReader(path)
    single = reader.length * reader.channels == 1
    if single:
        reader.verify()
    reader.close()
    return single
