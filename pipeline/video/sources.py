"""Finding the videos of a folder, and which of its files are one run.

Each film or TIFF stack is a run (an OME set of several files is one); the numbered single images of
a folder are a run for each way in which they are named; subfolders are searched the same way.
Other files (licences, tables, notes) are ignored.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from tifffile import TiffFile

from pipeline.errors import InputError
from pipeline.files import twins, walk
from pipeline.video.sequences import SAME, Source, refuse_copies, sequences
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
    if len(found) > 1 and all(
        source.kind == "sequence" and len(source.paths) == 1 for source in found
    ):
        raise InputError(
            f"{folder} holds {len(found)} folders of one image each ({found[0].paths[0]}, ...): "
            f"put the images into one folder, named in their order."
        )
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
        refuse_copies(images)
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
        if not right:
            raise InputError(f"{path} is {what}.")
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
