"""Wall time and peak memory of every stage, as snakemake measured them."""

from __future__ import annotations

import csv
from pathlib import Path


def stages(folder: Path) -> list[tuple[str, float, float, float]]:
    """(stage, wall seconds, CPU seconds, peak memory in MB) of each file, slowest first."""
    found = []
    for path in folder.glob("*.tsv"):
        with open(path) as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        # A stage shorter than snakemake's sampling interval has no figures but its wall time.
        cpu, memory = (
            float(row[key]) if row[key] not in ("", "NA", "-") else float("nan")
            for key in ("cpu_time", "max_rss")
        )
        found.append((path.stem, float(row["s"]), cpu, memory))
    return sorted(found, key=lambda stage: -stage[1])


def table(results: Path) -> str:
    """One block per data set that has been run."""
    blocks = []
    for folder in sorted(results.glob("*/benchmarks")):
        title = f"stages of results/{folder.parent.name}"
        lines = [f"{title:<52} {'wall s':>10} {'CPU s':>8} {'peak MB':>8}"]
        for name, wall, cpu, memory in stages(folder):
            lines.append(f"  {name:<50} {wall:10.1f} {cpu:8.1f} {memory:8.0f}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) or f"no stage has been run yet: nothing under {results}/*/benchmarks"
