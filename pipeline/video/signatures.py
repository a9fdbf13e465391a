"""What a file is by its first bytes, where its name says otherwise or nothing that is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# First bytes, where they stand, what they are of, and the ending of such files.
SIGNATURES = (
    (0, b"\x89PNG", "a PNG image", ".png"),
    (0, b"\xff\xd8\xff", "a JPEG image", ".jpg"),
    (0, b"II*\0", "a TIFF", ".tif"),
    (0, b"MM\0*", "a TIFF", ".tif"),
    (0, b"II+\0", "a TIFF", ".tif"),
    (0, b"MM\0+", "a TIFF", ".tif"),
    (0, b"GIF8", "a GIF", ".gif"),
    (8, b"AVI ", "an AVI film", ".avi"),
    (4, b"ftyphei", "a HEIC image", ".heic"),
    (4, b"ftypmif1", "a HEIC image", ".heic"),
    (4, b"ftypavif", "an AVIF image", ".avif"),
    (4, b"ftyp", "an MP4 or MOV film", ".mp4"),
    (0, b"\x1aE\xdf\xa3", "a Matroska film", ".mkv"),
    (8, b"WEBP", "a WebP picture or animation", ".webp"),
    (0, b"PK\x03\x04", "a ZIP archive", ".zip"),
    (0, b"\x1f\x8b", "packed with gzip", ".gz"),
    (0, b"\x89HDF\r\n", "an HDF5 file", ".h5"),
    (0, b"<!DOCTYPE", "a web page", ".html"),
    (0, b"<html", "a web page", ".html"),
    (0, b"version https://", "the note of Git LFS in place of a file: git lfs pull brings it", ""),
)
PACKED = {".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".zst"}
UNFINISHED = {".part", ".partial", ".crdownload", ".download", ".tmp"}
OF_TRACKS = {".mat", ".xlsx", ".xls", ".ods", ".pkl", ".pickle", ".feather", ".json", ".rds"}
OF_TRACKS |= {".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".xml"}
READ = {".png", ".jpg", ".tif", ".gif", ".avi", ".mp4", ".mkv"}
SHOWN = 3  # names of files in a sentence


def by_content(path: Path) -> tuple[str, str] | None:
    """What a file is by its first bytes, and the ending of such files; None where unknown."""
    with open(path, "rb") as file:
        head = file.read(16)
    return next(
        (
            (what, ending)
            for start, mark, what, ending in SIGNATURES
            if head[start : start + len(mark)].upper() == mark.upper()
        ),
        None,
    )


def hint(paths: Sequence[Path]) -> str:
    """What files in which no video is found are, and what can be done with them; "" for none."""
    if not paths:
        return ""
    stores = [home for path in paths for home in path.parents if home.suffix == ".zarr"]
    names = list(dict.fromkeys(path.name for path in [*stores, *paths]))
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f" It holds {shown}: {_remedy(paths[0])}."


def _remedy(path: Path) -> str:
    ending = path.suffix.lower()
    if path.stat().st_size == 0:
        return "copy it again, for it is empty"
    if ending in PACKED:
        return "unpack it"
    if ending in UNFINISHED:
        return "wait for the end of its download"
    if ending in OF_TRACKS:
        return "tracks are read as CSV or parquet with columns particle, frame, x and y"
    found = by_content(path)
    if found and not found[1]:
        return f"it is {found[0]}"
    if found and found[1] == ".webp":
        return (
            f"it is {found[0]}, which is not read: turn it into single PNG images or a TIFF stack"
        )
    if found and found[1] in READ:
        return f"by its first bytes it is {found[0]}; name it {path.name}{found[1]} if it is"
    return "save it as a TIFF stack, or its tracks as CSV (Fiji opens most microscope formats)"
