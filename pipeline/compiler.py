"""C++ of this project, compiled for this machine and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fopenmp-simd",  # vectors; the next two allow square roots and divisions in them
    "-fno-math-errno",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
)


class NotCompiled(RuntimeError):
    """There is no C++ compiler on this machine, or it fails."""


def cache() -> Path:
    """Where what is compiled is kept: $XDG_CACHE_HOME/metriplex, else ~/.cache/metriplex."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "metriplex"


def build(
    made: Path, sources: Sequence[Path], flags: Sequence[str], what: str = "This program"
) -> Path:
    """Path of a shared object, compiled unless that was done before.

    Of several processes that ask at once one compiles, and the others wait for it.

    Args:
        made: where it is to be; a folder is put between, for these sources, flags, this compiler
            and this machine.
        sources: C++ files; headers beside them are watched, too.
        flags: of the compiler.
        what: it is, for messages.

    Raises:
        NotCompiled: if there is no compiler or it fails.
        OSError: if nothing can be kept or locked there.
    """
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise NotCompiled(f"{what} needs a C++17 compiler: install g++ or set CXX.")
    mark = _fingerprint([compiler, *flags], {source.parent for source in sources})
    made = made.parent / mark / made.name
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    with open(made.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _compile(made, [compiler, *flags, *map(str, sources)], what)
    return made


def _compile(made: Path, command: list[str], what: str) -> None:
    partial = made.with_suffix(f".{os.getpid()}.partial")
    done = subprocess.run([*command, "-o", str(partial)], capture_output=True, text=True)
    if done.returncode:
        raise NotCompiled(f"{what} did not compile:\n{done.stderr[-4000:]}")
    os.replace(partial, made)


def _fingerprint(command: list[str], folders: set[Path]) -> str:
    """Short hash of everything a shared object depends on."""
    digest = hashlib.sha256(" ".join(command).encode())
    for folder in sorted(folders):
        for source in sorted(folder.glob("*.[ch]*")):
            digest.update(source.read_bytes())
    digest.update(_processor().encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """What -march=native depends on."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    return next((x for x in info.read_text().splitlines() if x.startswith("flags")), "")
