"""Which files of a folder are trajectories; light enough to be asked before any work."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError
from pipeline.files import natural, twins

KINDS = {
    "lammps": {".lammpstrj", ".lammpsdump", ".dump"},
    "extxyz": {".xyz", ".extxyz"},
    "gsd": {".gsd"},
    # What MDAnalysis opens by itself, without a topology.
    "universe": {".dcd", ".xtc", ".trr", ".nc", ".ncdf", ".trz", ".h5md", ".tng", ".dms"},
    "structure": {".gro", ".pdb"},
}
PACKED = {".gz", ".bz2"}
ACCEPTED = sorted(set().union(*KINDS.values()))


def kind(path: Path) -> str | None:
    """Key of KINDS that a file belongs to, or None where it is no trajectory.

    LAMMPS lets its dumps have any name: of files called so, the first word decides.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in PACKED]
    for name, endings in KINDS.items():
        if suffixes and suffixes[-1] in endings:
            return name
    named = not suffixes or any(word in path.name.lower() for word in ("dump", "lammps"))
    return "lammps" if named and _starts_like_a_dump(path) else None


def _starts_like_a_dump(path: Path) -> bool:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            return bool(file.read(5) == b"ITEM:")
    except OSError:  # not the archive its name says
        return False


def recorded(paths: Iterable[Path | str]) -> list[Path]:
    """The trajectories among some files, in natural order.

    A structure (gro, pdb) is one where nothing else is: beside a trajectory it is its topology.

    Raises:
        InputError: for the same trajectory twice.
    """
    found = {Path(path): kind(Path(path)) for path in paths}
    chosen = [path for path, name in found.items() if name and name != "structure"]
    chosen = chosen or [path for path, name in found.items() if name]
    if pair := twins(chosen):
        raise InputError(f"{pair[0]} and {pair[1]} are the same trajectory: take one away.")
    return sorted(chosen, key=lambda path: natural(str(path)))
