"""The README's table beside the paper: ./setup python -m benchmarks.paper_table [table.csv]."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.paper.collection import title
from pipeline.report.paper.standing import JUDGED
from pipeline.report.paper.tables import WORDS, short

MODELS = ("metriplectic", "metriplectic_paper", "metriplectic_no_udev", "gns", "gns_sde", "dpd")


def cell(rows: pd.DataFrame) -> str:
    """Median over the seeds; a dash where there is no such training."""
    if rows.empty:
        return ""
    value = float(rows["value"].median())
    stopped = rows["note"].astype(str).str.startswith("diverged").any()
    return f"{short(value) if np.isfinite(value) else '–'}{', stopped' if stopped else ''}"


def markdown(found: pd.DataFrame) -> str:
    """One row per data set and statistic, one column per model of those there are."""
    kept = found[found["metric"].isin((*JUDGED, "positions"))]
    models = [model for model in MODELS if model in set(kept["model"])]
    names = [style.name(model) for model in models]
    columns = ["data set", "statistic", "paper", *names, "noise floor"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for (dataset, metric), rows in kept.groupby(["dataset", "metric"], sort=False):
        if rows["value"].isna().all():
            continue
        ours = rows[rows["model"] == "metriplectic"].iloc[0]
        paper = short(ours["paper"]) if pd.notna(ours["paper"]) else "–"
        cells = [cell(rows[rows["model"] == model]) for model in models]
        row = [title(str(dataset)), WORDS[str(metric)], paper, *cells, short(ours["noise_floor"])]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else "results/paper/table.csv"
    print(markdown(pd.read_csv(path)))
