"""The README's table beside the paper: ./setup python -m benchmarks.paper_table [table.csv]."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from pipeline.report.paper.numbers import Collection
from pipeline.report.paper.tables import overview


def markdown(path: Path) -> str:
    """The overview of the page, for the README."""
    table = overview(Collection(path.parent.parent, pd.read_csv(path)))
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(markdown(Path(sys.argv[1] if len(sys.argv) > 1 else "results/paper/table.csv")))
