"""What each model is made of, how it was trained and how far its rollout came."""

from __future__ import annotations

import pandas as pd

from pipeline.report import style
from pipeline.report.records import Absent, Run
from pipeline.report.results import Results
from pipeline.report.tables import Table
from pipeline.report.words import number

SAME = (
    "All were trained on the same snapshots within the same time, and rolled out from the same "
    "first snapshot. "
)
COLUMNS = ["Model", "Seed", "Parameters", "Checkpoint", "Training", "Rollout"]


def compared(results: Results) -> Table:
    """One row per training: parameters, step of the checkpoint, time, end of the rollout."""
    rows = []
    for run in results.runs:
        try:
            rows.append(_row(results, run))
        except Absent:
            continue
    if not rows:
        raise Absent("No model left a record of its training.")
    return Table(
        "models",
        COLUMNS,
        rows,
        f"{SAME if len(rows) > 1 else ''}Parameters leave out the numbers that single particles "
        "carry. The statistics of a rollout that stopped early are those of the snapshots it has.",
        pd.DataFrame(rows, columns=COLUMNS),
    )


def _row(results: Results, run: Run) -> list[str]:
    record = results.yaml(f"{run.folder}/model.yaml")
    training = record.get("training", {})
    step, seconds = training.get("best_step"), training.get("seconds")
    return [
        style.name(run.model),
        str(run.seed),
        number(record.get("parameters")),
        f"step {step}" if step is not None else "–",
        f"{number(float(seconds))} s" if seconds is not None else "–",
        _end(results, run),
    ]


def _end(results: Results, run: Run) -> str:
    try:
        found = results.group(f"{run.folder}/rollout.h5", "observables")
    except Absent as absent:
        return str(absent)
    stopped = str(found.attrs.get("stopped", ""))
    return stopped or f"All {len(found.get('time'))} snapshots."
