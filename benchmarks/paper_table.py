"""The numbers beside the paper, kept in docs/paper/table.csv, and the README's table of them.

    ./setup python -m benchmarks.paper_table [results/paper/table.csv ...]

takes the rows of each file into the kept table, in place of those that it has of the same data set,
size, model and seed, and prints the README's table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from pipeline.files import whole
from pipeline.report.paper.measured import COLUMNS
from pipeline.report.paper.numbers import TITLES, Collection
from pipeline.report.paper.tables import overview

KEPT = Path(__file__).resolve().parents[1] / "docs" / "paper" / "table.csv"
SAME = ["dataset", "size", "model", "seed"]
SIZES = ["full", "small"]


def merged(kept: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """The kept rows with those of one run in place of the same trainings, in the paper's order."""
    again = pd.MultiIndex.from_frame(made[SAME])
    left = kept[~pd.MultiIndex.from_frame(kept[SAME]).isin(again)]
    every = pd.concat([part for part in (left, made[COLUMNS]) if len(part)], ignore_index=True)
    datasets = [*TITLES, *every["dataset"]]
    order = {"dataset": datasets.index, "size": SIZES.index}
    return every.sort_values(
        ["dataset", "size"], kind="stable", key=lambda column: column.map(order[str(column.name)])
    )


def markdown(found: pd.DataFrame) -> str:
    """The overview of the page, for the README."""
    table = overview(Collection(Path(), found))
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(paths: list[str]) -> None:
    kept = pd.read_csv(KEPT) if KEPT.exists() else pd.DataFrame(columns=COLUMNS)
    for path in paths:
        kept = merged(kept, pd.read_csv(path))
    if paths:
        with whole(KEPT) as partial:
            kept.to_csv(partial, index=False, float_format="%.5g")
    print(markdown(kept))


if __name__ == "__main__":
    main(sys.argv[1:])
