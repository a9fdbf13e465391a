"""Tables of numbers in the report: errors, agreement of maps, the models themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.statistics import ERRORS
from pipeline.report import claims, style
from pipeline.report.figure import table_uri
from pipeline.report.html import number, percent
from pipeline.report.results import Absent, Results, Run

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
        found = results.observables(run)
    except Absent as absent:
        return str(absent)
    stopped = str(found.attrs.get("stopped", ""))
    return stopped or f"All {len(found.get('time'))} snapshots."


def moduli(results: Results) -> Table:
    """Shear and bulk modulus of a solid as each training learned them, beside the true ones."""
    true = results.trajectory().attributes.get("moduli", {})
    rows: list[list[str]] = []
    for run in results.runs:
        try:
            group = results.group(f"{run.folder}/learned.h5", "strain")
            units = results.yaml(f"{run.folder}/model.yaml")["units"]
        except Absent:
            continue
        scale = float(units["length"]) ** (2 - results.trajectory().dimension)
        scale /= float(units["time"]) ** 2
        for name, words in (("shear", "Shear modulus"), ("bulk", "Bulk modulus")):
            key = f"{name}_modulus"
            learned, *ends = (
                number(scale * float(group.data[k][0]))
                for k in (key, f"low_{key}", f"high_{key}")
                if k in group.data
            )
            said = f"{learned} ({' to '.join(ends)})" if ends else learned
            known = true.get(name)
            off = scale * float(group.get(key)[0]) / known - 1 if known else None
            against = ("–", "–") if off is None else (number(known), percent(off))
            rows.append([words, style.name(run.model), str(run.seed), said, *against])
    if not rows:
        raise Absent("No model of a solid has moduli.")
    columns = ["Modulus", "Model", "Seed", "Learned (95 % band)", "True", "Difference"]
    text = (
        "Second derivatives of the learned energy under even strain, pressure and strain energy "
        "together, in masses of a particle per time² (in three dimensions per length and time²)."
    )
    return Table("moduli", columns, rows, text, pd.DataFrame(rows, columns=columns))


RELAXING = {
    "shear": "Shear modulus that decays",
    "bulk": "Bulk modulus that decays",
    "time": "Time in which they do",
}


def relaxation(results: Results) -> Table:
    """Moduli of a solid that decay, and their times, as bonds that remember have them."""
    true = results.trajectory().attributes.get("relaxing_moduli", [])
    rows: list[list[str]] = []
    for run in results.runs:
        try:
            record = results.yaml(f"{run.folder}/model.yaml")
        except Absent:
            continue
        found = record.get("bond_memory")
        if found and found["modes"]:
            rows += _modes(results, run, record, true)
        elif found:
            held = number(float(sum(mode["shear"] for mode in true))) if true else "–"
            said = f"not looked for: {found['why']}" if found.get("why") else "none"
            rows.append([RELAXING["shear"], style.name(run.model), str(run.seed), said, held, "–"])
    if not rows:
        raise Absent("No memory of bonds was looked for.")
    columns = ["Modulus", "Model", "Seed", "Learned (95 % interval)", "True", "Difference"]
    text = (
        "G(t) = G + sum G_k exp(-t / tau_k) beside the moduli above, which are those of slow "
        "strain, and so for growth; of Maxwell elements along the bonds of the undeformed body, "
        "found after training in what it leaves unexplained. Rollouts have them."
    )
    return Table("relaxation", columns, rows, text, pd.DataFrame(rows, columns=columns))


def _modes(
    results: Results, run: Run, record: dict[str, Any], true: list[dict[str, float]]
) -> list[list[str]]:
    """Rows of every mode of a training, those that decay first at the top."""
    found, units = record["bond_memory"], record["units"]
    time = float(units["time"])
    scale = float(units["length"]) ** (2 - results.trajectory().dimension) / time**2
    known = sorted(true, key=lambda mode: mode["time"]) if len(true) == found["modes"] else []
    rows = []
    for place, k in enumerate(np.argsort(found["time"]["value"])):
        for name, words in RELAXING.items():
            unit = time if name == "time" else scale
            value, low, high = (unit * found[name][end][k] for end in ("value", "low", "high"))
            against = ["–", "–"]
            if known:
                exact = known[place][name]
                against = [number(exact), percent(value / exact - 1)]
            said = f"{number(value)} ({number(low)} to {number(high)})"
            rows.append([words, style.name(run.model), str(run.seed), said, *against])
    return rows


# What the agreements (1 is best) of comparison.csv are called; its errors are in the register.
AGREEMENTS = {
    "d2min_map_spearman": ("Rank correlation of the D²min maps", "0"),
    "d2min_map_top5": ("Share of the 5 % most active particles in common", "0.05"),
}


class Table(NamedTuple):
    """A table as the template shows it; cells are text, `data` is what the CSV holds."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    caption: str
    data: pd.DataFrame

    @property
    def csv(self) -> str:
        """Data URI of the table as CSV."""
        return table_uri(self.data)


def seeds(results: Results) -> pd.DataFrame:
    """comparison.csv with one row per model and metric: median over seeds, and how many.

    With one seed low and high are its bootstrap interval, with several the range of the seeds.
    """
    table = results.csv("comparison.csv")
    if table.empty:
        raise Absent("The comparison is empty: no model was compared with the experiment.")
    order = {run.model: k for k, run in reversed(list(enumerate(results.runs)))}
    rows = []
    for (model, metric), group in table.groupby(["model", "metric"], sort=False):
        row = group.iloc[0].to_dict()
        row |= {"model": model, "metric": metric, "count": len(group)}
        if len(group) > 1:
            row |= {"value": group["value"].median()}
            row |= {"low": group["value"].min(), "high": group["value"].max()}
        rows.append(row)
    made = pd.DataFrame(rows)
    return made.sort_values("model", key=lambda column: column.map(order), kind="stable")


def _interval(row: pd.Series, write: Any) -> str:
    return f"{write(row['low'])} to {write(row['high'])}" if pd.notna(row["low"]) else "–"


def _what(table: pd.DataFrame) -> str:
    if table["count"].max() > 1:
        return "Values are medians over seeds, intervals their range."
    return (
        "Values are means over the rollouts of a training, intervals 95 % of a bootstrap over them "
        "and over patches of the sample, or over replicas of a simulation."
    )


def comparison(results: Results) -> Table:
    """Errors of every model and statistic with interval and noise floor."""
    table = seeds(results)
    models = list(dict.fromkeys(table["model"]))
    still = {run.model for run in results.runs if results.rollout(run.source)[0] == 1}
    rows, alone = [], claims.independent(results)
    for metric, words in ERRORS.items():
        if alone and metric.startswith("d2min"):
            continue
        here = table[table["metric"] == metric].set_index("model")
        if here.empty:
            continue
        known = set(here.index) - still
        cells = [_error(here.loc[model]) if model in known else "–" for model in models]
        rows.append([words, *cells, percent(here["noise_floor"].max())])
    if not rows:
        raise Absent("The comparison holds no errors of curves.")
    return Table(
        "comparison",
        ["Error of", *map(style.name, models), "Noise floor"],
        rows,
        f"Errors are relative L2 distances from the experiment, with their intervals. "
        f"{_what(table)}{_notes(table)}{_meaning(results, alone)}",
        results.csv("comparison.csv"),
    )


def _meaning(results: Results, alone: bool) -> str:
    """What the errors cannot say; ``alone``: neighbours move independently."""
    text = " D²min is left out: neighbours move independently of each other." if alone else ""
    if not claims.is_resolved(results):
        text += (
            " The velocity is not resolved, so small errors do not speak for the model, nor large "
            "ones against it."
        )
    return text


def _notes(table: pd.DataFrame) -> str:
    """The notes of the comparison, each once; a rollout that stopped explains all it lacks."""
    said: dict[str, None] = {}
    for _, row in table[table["metric"].isin(ERRORS)].iterrows():
        note = row.get("note")
        if isinstance(note, str) and note:
            name = style.name(row["model"])
            stopped = note.startswith("diverged")
            text = note.split("; ")[0] if stopped else f"{ERRORS[row['metric']]}, {note}"
            said[f" {name}: {text.rstrip('.')}."] = None
    return "".join(said)


def _error(row: pd.Series) -> str:
    """ "2.6 % (2.2 % to 3.8 %)"."""
    interval = f" ({_interval(row, percent)})" if pd.notna(row["low"]) else ""
    return f"{percent(row['value'])}{interval}"


def agreement(results: Results) -> Table:
    """Whether the model rearranges in the same places: rank correlation and shared hot spots."""
    table = seeds(results)
    rows = []
    for metric, (words, chance) in AGREEMENTS.items():
        for _, row in table[(table["metric"] == metric) & table["value"].notna()].iterrows():
            cells = [words, style.name(row["model"]), number(float(row["value"]))]
            rows.append([*cells, _interval(row, lambda v: number(float(v))), chance])
    if not rows:
        raise Absent("Experiment and models have no D²min maps of the same particles to compare.")
    columns = ["Agreement", "Model", "Value", "Interval", "By chance"]
    data = pd.DataFrame(rows, columns=columns)
    text = "One would be perfect: the model rearranges where the experiment does."
    return Table("agreement", columns, rows, f"{text} {_what(table)}", data)
