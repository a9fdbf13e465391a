"""Files: written whole or not at all, read with a word on what they are, walked, and recognised."""

from __future__ import annotations

import filecmp
import hashlib
import itertools
import json
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

# What packers and file managers leave behind.
OF_SYSTEMS = {"__MACOSX", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "@eaDir"}
# Files in one folder of data: beyond, a link to a whole disk is likelier than a film.
MOST_FILES = 200_000
# What people lay beside their data; it decides nothing.
NOTES = {".md", ".rst", ".pdf", ".doc", ".docx", ".odt", ".rtf", ".html"}
NOTED = ("readme", "licence", "license", "sha256sums", "md5sums")
CACHE = Path(".snakemake/checksums.json")  # in the working directory, like all of its bookkeeping
SUM = "checksum"  # key of a JSON file
MAKE_AGAIN = "delete it and run the same command again, which makes it anew"


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A name beside ``path`` to write under; it becomes ``path`` when the block ends well."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:  # also when interrupted: a full disk would stay full
        partial.unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Writes plain values as JSON, with their checksum: `read_json` notices every change."""
    with whole(path) as partial:
        partial.write_text(json.dumps(sealed(content)))


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with their checksum, for a file that `unsealed` checks when it is read."""
    kept = json.loads(json.dumps(content))
    return {**kept, SUM: _sum(kept)}


def unsealed(content: Any) -> dict[str, Any]:
    """What `sealed` was given; values without a checksum pass as they are.

    Raises:
        InputError: if they are not those that the checksum was of.
    """
    found = dict(content)
    if found.pop(SUM, None) not in (None, _sum(found)):
        raise InputError("it was changed since it was written; settings belong into config")
    return found


def _sum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_json(path: str | os.PathLike[str], what: str, *keys: str) -> dict[str, Any]:
    """The keys that `write_json` wrote, and ``keys`` among them.

    Raises:
        InputError: naming the file and ``what`` it should be, if it is damaged or was changed.
    """
    with reading(path, what):
        found = unsealed(json.loads(Path(path).read_text(encoding="utf-8")))
        return {**found, **{key: found[key] for key in keys}}


@contextmanager
def reading(path: str | os.PathLike[str], what: str, remedy: str = MAKE_AGAIN) -> Iterator[None]:
    """Around the reading of ``path``: what a library raises there becomes a sentence on the file.

    Args:
        path: the file being read.
        what: what it should be, such as "a neighbour graph".
        remedy: what the user can do about a file that is damaged.

    Raises:
        InputError: for anything that goes wrong in the block but want of memory; one that names
            the file passes as it is.
    """
    try:
        yield
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}, {what}, does not exist.") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read by you: change its permissions.") from error
    except Exception as error:  # every library fails in its own way
        reason = " ".join(str(error).split()).rstrip(".")
        if isinstance(error, InputError):
            if str(path) in reason:
                raise
        elif isinstance(error, KeyError):
            reason = f"it lacks {reason}"
        else:
            reason = f"{type(error).__name__}: {reason}"
        raise InputError(f"{path} is not {what}, or is damaged ({reason}): {remedy}.") from error


def natural(name: str) -> list[str | int]:
    """Sort key that puts frame_10 after frame_9."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if k % 2 else part.lower() for k, part in enumerate(parts)]


def walk(folder: str | os.PathLike[str]) -> list[Path]:
    """Every file below a folder once, those of a folder before those of the folders in it.

    Hidden files and folders are left out, and those of archives and of systems. Links are followed;
    a file or folder that can be reached in several ways is taken where it lies, or by the first
    link to it, so links in a circle end.

    Args:
        folder: of one data set; a file stands for itself.

    Returns:
        Paths that begin with ``folder``, in natural order.

    Raises:
        InputError: for a link that leads nowhere, a folder that cannot be opened, a name that is
            no text, something that is neither file nor folder, and more than MOST_FILES files.
    """
    root = Path(folder)
    if not root.is_dir():
        return [root] if root.is_file() else []
    files: dict[tuple[int, int], Path] = {}
    met: set[tuple[int, int]] = set()
    folders, linked = [root], list[Path]()
    while folders or linked:
        # Folders that lie here come before those that are only linked.
        here = folders.pop() if folders else linked.pop(0)
        if _identity(here.stat()) in met:
            continue
        met.add(_identity(here.stat()))
        for entry in _entries(here):
            path, state = here / entry.name, _state(here, entry)
            if stat.S_ISDIR(state.st_mode):
                (linked if entry.is_symlink() else folders).append(path)
            elif not stat.S_ISREG(state.st_mode):
                raise InputError(f"{path} is neither a file nor a folder: take it out of there.")
            elif (mark := _identity(state)) not in files or files[mark].is_symlink():
                files[mark] = path
        if len(files) > MOST_FILES:
            raise InputError(
                f"{root} holds more than {MOST_FILES} files: one data set has fewer; does a link "
                f"in it lead to a whole disk?"
            )
    return sorted(files.values(), key=lambda path: _place(path.relative_to(root)))


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (e for e in entries if e.name[0] != "." and e.name not in OF_SYSTEMS),
                key=lambda e: e.name,
            )
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be opened ({error.strerror}).") from error


def _state(folder: Path, entry: os.DirEntry[str]) -> os.stat_result:
    """Of what a name leads to."""
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{folder} holds the name {entry.name!r}, no text: rename it.") from error
    try:
        return entry.stat()
    except OSError as error:
        where = os.readlink(entry.path) if entry.is_symlink() else error.strerror
        raise InputError(
            f"{folder / entry.name} leads nowhere ({where}): mend the link or take it away."
        ) from error


def _place(path: Path) -> list[tuple[int, list[str | int], str]]:
    *folders, name = path.parts
    return [*((1, natural(part), part) for part in folders), (0, natural(name), name)]


def noted(path: Path) -> bool:
    """Whether a file is a note beside the data (a licence, a readme), which decides nothing."""
    return path.suffix.lower() in NOTES or path.name.lower().startswith(NOTED)


def twins(paths: Iterable[Path]) -> tuple[Path, Path] | None:
    """Two files of the same content, the first such pair; None where all differ."""
    heads: dict[tuple[int, bytes], list[Path]] = {}
    for path in paths:
        with open(path, "rb") as file:
            head = hashlib.sha256(file.read(1 << 16)).digest()
        heads.setdefault((path.stat().st_size, head), []).append(path)
    for alike in heads.values():
        for first, second in itertools.combinations(alike, 2):
            if filecmp.cmp(first, second, shallow=False):
                return first, second
    return None


def sha256(path: str | os.PathLike[str]) -> str:
    """Checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files by path.

    A file is read again only where its size, its times or its place on disk changed since; ctime
    is among them, which no `touch` and no `cp -p` sets back. What is known is kept in CACHE.

    Raises:
        InputError: for a file that cannot be read.
    """
    known = _cached()
    fresh, found = dict(known), {}
    for path in paths:
        with reading(path, "a file of your data", "copy it again"):
            state = path.stat()
            mark = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
            kept = known.get(str(path.absolute()))
            if kept is None or kept[:-1] != mark:
                kept = [*mark, sha256(path)]
                fresh.pop(str(path.absolute()), None)
                # Written a moment ago, it may be written again within the same tick of the clock.
                if time.time() - max(state.st_mtime, state.st_ctime) > 2.0:
                    fresh[str(path.absolute())] = kept
        found[str(path)] = kept[-1]
    if fresh != known:
        with suppress(OSError):  # a folder one may not write to is slower, not worse
            CACHE.parent.mkdir(exist_ok=True)
            write_json(CACHE, fresh)
    return found


def _cached() -> dict[str, list[Any]]:
    """What CACHE holds; nothing where it is not there or was damaged."""
    try:
        found = json.loads(CACHE.read_bytes())
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {k: v for k, v in entries if isinstance(v, list) and len(v) == 5}


def content_mark(sums: Mapping[str, str]) -> str:
    """One checksum for all files of a data set: their paths and contents, not their times."""
    return hashlib.sha256(json.dumps(sorted(sums.items())).encode()).hexdigest()


def data_files(folder: str | os.PathLike[str]) -> list[Path]:
    """What `walk` finds, without the notes beside the data."""
    return [path for path in walk(folder) if not noted(path)]


@contextmanager
def unchanged(folder: str | os.PathLike[str], mark: str | None) -> Iterator[dict[str, str]]:
    """The checksums of the files in ``folder``, which must be the same when the block ends.

    Args:
        folder: of one data set, or one file.
        mark: `content_mark` when the work was planned; None where the workflow made the file.

    Raises:
        InputError: if a file is another than the one that was planned with, or changes meanwhile.
    """
    before = checksums(data_files(folder))
    if mark is not None and content_mark(before) != mark:
        raise InputError(
            f"The files in {folder} changed since this run was planned: run the same command again."
        )
    yield before
    after = checksums(data_files(folder))
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            raise InputError(
                f"{path} changed while it was read: leave the files alone until the run has ended, "
                f"and run the same command again."
            )
