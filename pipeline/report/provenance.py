"""Where a result comes from: inputs, versions, commit, machine, settings of the tracking."""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.report.html import number
from pipeline.report.results import Absent, Results
from pipeline.report.tables import Table

SOURCES = {"estimated": "estimated", "table": "from the table"}


def parameters(results: Results) -> Table:
    """Tracking parameters: value, estimated or from the config, and why."""
    found = results.json("tuning.json").get("parameters", {})
    if not found:
        raise Absent("The tuning stored no parameters.")
    rows = [
        [
            name.replace("_", " "),
            number(entry.get("value")),
            SOURCES.get(str(entry.get("source")), "from the config"),
            str(entry.get("why", "")),
        ]
        for name, entry in found.items()
    ]
    columns = ["Parameter", "Value", "Source", "Why"]
    return Table(
        "parameters",
        columns,
        rows,
        "Lengths in pixels, times in frames. Any of them can be fixed in the config.",
        pd.DataFrame(rows, columns=columns),
    )


def noticed(results: Results) -> list[str]:
    """What makes these data doubtful: warnings of the look through the videos, of tuning, linking
    and velocities, which part of the view was seen all along, how tables of tracks were read, and
    where imported trajectories contradict themselves."""
    found: list[str] = []
    for name in ("survey.json", "tuning.json", "linking.json"):
        with suppress(Absent):
            found += map(str, results.json(name).get("warnings", []))
    with suppress(Absent):
        attributes = results.trajectory().attributes
        found += map(str, [*attributes.get("noticed", []), *attributes.get("warnings", [])])
    return [s[:1].upper() + s[1:] for s in dict.fromkeys(found)]


PACKAGES = (
    "metriplex",
    "numpy",
    "scipy",
    "pandas",
    "h5py",
    "trackpy",
    "pims",
    "scikit-image",
    "freud-analysis",
    "torch",
    "lightning",
    "numba",
    "matplotlib",
    "snakemake",
)


def commit(folder: str | os.PathLike[str]) -> str:
    """The git commit of `folder`, with a note where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", os.fspath(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        return done.stdout.strip()

    try:
        number = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "not a git checkout"
    return f"{number} with uncommitted changes" if changed else number


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GB."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {"processor": model, "cores": cores, "memory (GB)": round(memory, 1)}


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on; "not installed" where absent."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def collect(
    inputs: Mapping[str, str],
    repository: str | os.PathLike[str] = ".",
    **facts: Any,
) -> dict[str, Any]:
    """Everything needed to say how a result was made, as plain values.

    Args:
        inputs: checksums of the files that were analysed, by path, as taken when they were read.
        repository: the git checkout that the code runs from.
        facts: anything else, shown as given (seeds, wall times, the command).
    """
    return {
        "commit": commit(repository),
        "operating_system": platform.platform(),
        **hardware(),
        "command": facts.pop("command", " ".join(sys.argv)),
        **facts,
        "inputs": dict(inputs),
        "versions": versions(),
    }


def stages(folder: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """Wall and processor time [s] and peak memory [MB] of each stage, as snakemake noted them.

    Args:
        folder: holds one <rule>.tsv per stage; an absent folder gives nothing, and what is no
            number there is shown as unknown.
    """
    found: dict[str, dict[str, float]] = {}
    for path in sorted(Path(folder).glob("*.tsv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        if rows:
            found[path.stem] = {
                "wall time (s)": _number(rows[-1].get("s")),
                "cpu time (s)": _number(rows[-1].get("cpu_time")),
                "peak memory (MB)": _number(rows[-1].get("max_rss")),
            }
    return found


def _number(text: str | None) -> float:
    """snakemake writes "-" or "NA" for a job too short to be measured; anything may stand there."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
