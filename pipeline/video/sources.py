"""Finding the videos of a folder.

Each film or TIFF stack is a run; all single-page images of a folder together are one run, in
natural order of their names; subfolders are searched the same way. Other files (licences, tables,
notes) are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.video.tiff import TiffReader

TIFF = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"}
IMAGE = {".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".jp2"}
FILM = {".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif"}
OTHER = {".cine", ".seq", ".spe"}
ACCEPTED = TIFF | IMAGE | FILM | OTHER | {".nd2"}


class Source(NamedTuple):
    """One run on disk: `kind` is tiff, sequence, film, nd2 or other."""

    name: str
    kind: str
    paths: tuple[Path, ...]


def natural(path: Path) -> list:
    """Sort key that puts frame_10 after frame_9."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def runs(folder: Path | str) -> list[Source]:
    """The runs in a folder (or the one run of a single file), in natural order.

    Raises:
        ValueError: if there is no video, or a TIFF that cannot be opened (named).
    """
    root = Path(folder)
    inside = [root] if root.is_file() else _visible(root.glob("*"))
    found, images = [], []
    for path in filter(Path.is_file, inside):
        suffix = path.suffix.lower()
        if suffix in IMAGE or (suffix in TIFF and _single_page(path)):
            images.append(path)
        elif suffix in TIFF:
            found.append(Source(path.stem, "tiff", (path,)))
        elif suffix in FILM | OTHER | {".nd2"}:
            kind = "nd2" if suffix == ".nd2" else "film" if suffix in FILM else "other"
            found.append(Source(path.stem, kind, (path,)))
    if images:
        name = root.name if len(images) > 1 else images[0].stem
        found.append(Source(name, "sequence", tuple(images)))
    for inner in filter(Path.is_dir, inside):
        found += _nested(inner)
    if not found:
        accepted = " ".join(sorted(ACCEPTED))
        raise ValueError(f"no video found in {folder}: put one there ({accepted})")
    return found


def _nested(folder: Path) -> list[Source]:
    holds = any(p.suffix.lower() in ACCEPTED for p in _visible(folder.rglob("*")))
    return runs(folder) if holds else []


def _visible(paths: Iterable[Path]) -> list[Path]:
    """In natural order, without the hidden files that file managers leave."""
    return sorted((path for path in paths if not path.name.startswith(".")), key=natural)


def _single_page(path: Path) -> bool:
    """Whether a TIFF is one image of a sequence; one that only looks so, cut short, is refused."""
    reader = TiffReader(path)
    single = reader.length * reader.channels == 1
    if single:
        reader.verify()
    reader.close()
    return single
