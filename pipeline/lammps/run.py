"""Runs LAMMPS, as a program of its own in a directory of its own, and reads what it wrote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

LOOP = r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms"


def run(
    folder: str | os.PathLike[str], script: str, ranks: int = 1, log: str = "log.lammps"
) -> Path:
    """Runs an input script in ``folder`` with the LAMMPS of this environment; path of its log.

    Raises:
        RuntimeError: if LAMMPS stops with an error, with its message.
    """
    home = Path(sys.prefix) / "bin"
    launcher = [] if ranks == 1 else [str(home / "mpirun"), "-n", str(ranks)]
    command = [*launcher, str(home / "lmp"), "-log", log, "-screen", "none", "-in", script]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if ranks > (os.cpu_count() or 1):
        # Ranks that wait for a core must let go of it, or a step takes a second.
        environment["MPIR_CVAR_ENABLE_HEAVY_YIELD"] = "1"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    path = Path(folder) / log
    if done.returncode:
        text = (path.read_text() if path.exists() else "") + done.stdout + done.stderr
        found = [line for line in text.splitlines() if line.startswith("ERROR")]
        raise RuntimeError(found[0] if found else f"LAMMPS failed: {text[-2000:]}")
    return path


def thermo(log: str | os.PathLike[str]) -> pd.DataFrame:
    """The table of totals in a log, one row per printed step; of the last run in it."""
    lines = Path(log).read_text().splitlines()
    starts = [k for k, line in enumerate(lines) if line.split()[:1] == ["Step"]]
    if not starts:
        raise ValueError(f"{log} holds no table of totals: the run did not start.")
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
        ValueError: if no run in it came to its end.
    """
    text = Path(log).read_text()
    found = re.findall(LOOP, text)
    if not found:
        raise ValueError(f"{log} does not say how long its run took: the run did not end.")
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
        r"Per MPI rank memory allocation .* = \S+ \| \S+ \| (\S+) Mbytes", Path(log).read_text()
    )
    if not found:
        raise ValueError(
            f"{log} does not say how much memory was allocated: the run did not start."
        )
    return float(found[-1])


def snapshots(dump: str | os.PathLike[str]) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Steps (T,), names of the columns and values (T, N, columns) of a dump sorted by tag."""
    steps, frames, names = [], [], []
    with open(dump) as file:
        while file.readline():  # ITEM: TIMESTEP
            steps.append(int(file.readline()))
            file.readline()
            count = int(file.readline())
            for _ in range(4):
                file.readline()
            names = file.readline().split()[2:]
            rows = np.loadtxt(file, max_rows=count, ndmin=2)
            frames.append(rows)
    return np.array(steps), names, np.stack(frames)
