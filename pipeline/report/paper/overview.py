"""Every data set and model at a glance: a row per statistic, a column per model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.report.paper.collection import Collection, title
from pipeline.report.paper.standing import JUDGED
from pipeline.report.paper.tables import WORDS, short
from pipeline.report.records import Absent
from pipeline.report.tables import Table

HEADINGS = {
    "metriplectic": "Ours",
    "metriplectic_paper": "As printed",
    "metriplectic_no_udev": "Not elastic",
    "gns": "GNS",
    "gns_sde": "GNS-SDE",
    "dpd": "DPD",
}
STOPPED = "†"


def overview(found: Collection) -> Table:
    """The errors to judge by, medians over the seeds, of all models there are."""
    kept = found.table[found.table["metric"].isin((*JUDGED, "positions"))]
    models = [model for model in HEADINGS if model in set(kept["model"])]
    order = {metric: k for k, metric in enumerate(WORDS)}
    kept = kept.sort_values("metric", kind="stable", key=lambda metric: metric.map(order))
    datasets = {dataset: k for k, dataset in enumerate(found.datasets)}
    kept = kept.sort_values("dataset", kind="stable", key=lambda dataset: dataset.map(datasets))
    rows = []
    for (dataset, metric), part in kept.groupby(["dataset", "metric"], sort=False):
        if part["value"].notna().any():
            cells = [_cell(part[part["model"] == model]) for model in models]
            first = part.iloc[0]
            ours = part[part["model"] == "metriplectic"]["paper"]
            paper = short(ours.iloc[0]) if ours.notna().any() else "–"
            head = [title(str(dataset)), WORDS[str(metric)], paper]
            rows.append([*head, *cells, short(first["noise_floor"])])
    if not rows:
        raise Absent("No error was measured.")
    columns = ["Data set", "Statistic", "Paper", *(HEADINGS[model] for model in models), "Floor"]
    caption = (
        "Relative L2 errors over all time origins. Paper: its own model, by its window. As "
        f"printed: that model, trained here. {STOPPED}: rollouts left what training saw and were "
        "stopped; the error is of the steps before, often few. Floor: between two replicas of the "
        "truth."
    )
    return Table("overview", columns, rows, caption, kept)


def _cell(rows: pd.DataFrame) -> str:
    """Median over the seeds; empty where there is no such training."""
    if rows.empty:
        return ""
    value = float(rows["value"].median())
    stopped = rows["note"].astype(str).str.startswith("diverged").any()
    return f"{short(value) if np.isfinite(value) else '–'}{' ' + STOPPED if stopped else ''}"
