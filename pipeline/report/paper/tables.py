"""Our numbers beside the paper's, and the noise floor beside both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from pipeline.report import style
from pipeline.report.html import number, percent
from pipeline.report.paper.numbers import Collection, title
from pipeline.report.results import Absent
from pipeline.report.tables import Table

JUDGED = ("vacf", "rdf", "msd")
BASELINES = ("gns", "gns_sde", "dpd")


def above(found: pd.DataFrame) -> Iterator[tuple[str, str, float, float]]:
    """(dataset, metric, value, bound) where ours is not where it ought to be, see `excess`."""
    ours = found[(found["model"] == "metriplectic") & found["metric"].isin(JUDGED)]
    for (dataset, metric), rows in ours.groupby(["dataset", "metric"], sort=False):
        if not excess(rows) <= 1 and np.isfinite(most := bound(rows)):
            yield str(dataset), str(metric), float(rows["value"].median()), most


def excess(rows: pd.DataFrame) -> float:
    """An error over what is asked of it, at most 1 where it is met; NaN where nothing is known.

    Asked is half of the paper's own error, or 1.2 noise floors with an interval that reaches the
    floor, whichever is easier.
    """
    value, low = float(rows["value"].median()), float(rows["low"].min())
    paper, floor = np.array([rows["paper"].iloc[0], rows["noise_floor"].iloc[0]], float)
    near = value / (1.2 * floor) if np.isnan(low) else max(value / (1.2 * floor), low / floor)
    known = np.array([value / (0.5 * paper), near])
    return float(np.nanmin(known)) if np.isfinite(known).any() else float("nan")


def bound(rows: pd.DataFrame) -> float:
    """The larger of half the paper's error and 1.2 noise floors; NaN where neither is known."""
    known = np.array([0.5 * rows["paper"].iloc[0], 1.2 * rows["noise_floor"].iloc[0]], float)
    return float(np.nanmax(known)) if np.isfinite(known).any() else float("nan")


def contested(found: pd.DataFrame) -> Iterator[tuple[str, str, str, float, float]]:
    """(dataset, metric, baseline, its error, ours) where ours is not shown to be the better.

    It is where the intervals lie apart, where both are within 1.5 noise floors, and where the
    baseline made no rollout that can be measured.
    """
    kept = found[found["metric"].isin(JUDGED)]
    for (dataset, metric), rows in kept.groupby(["dataset", "metric"], sort=False):
        ours = rows[(rows["model"] == "metriplectic") & rows["value"].notna()]
        for model in BASELINES:
            theirs = rows[(rows["model"] == model) & rows["value"].notna()]
            if theirs.empty or (not ours.empty and _settled(ours, theirs)):
                continue
            mine = float(ours["value"].median()) if len(ours) else float("nan")
            yield str(dataset), str(metric), model, float(theirs["value"].median()), mine


def _settled(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    most = 1.5 * float(ours["noise_floor"].iloc[0])
    both = max(ours["value"].median(), theirs["value"].median()) <= most
    return bool(both or ours["high"].max() < theirs["low"].min())


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
    for (dataset, metric, size), part in kept.groupby(["dataset", "metric", "size"], sort=False):
        if part["value"].notna().any():
            cells = [_overview_cell(part[part["model"] == model]) for model in models]
            ours = part[part["model"] == "metriplectic"]
            paper = short(ours["paper"].iloc[0]) if ours["paper"].notna().any() else "–"
            head = [title(str(dataset)), WORDS[str(metric)], str(size), paper]
            # Baselines may have been run beside another truth.
            judge = ours if len(ours) else part
            rows.append([*head, *cells, short(judge["noise_floor"].iloc[0])])
    if not rows:
        raise Absent("No error was measured.")
    names = [HEADINGS[model] for model in models]
    columns = ["Data set", "Statistic", "Size", "Paper", *names, "Floor"]
    caption = (
        "Relative L2 errors over all time origins. Size: full is the paper's, small fewer "
        "particles and shorter rollouts. Paper: its own model, by its window. As "
        f"printed: that model, trained here. {STOPPED}: rollouts left what training saw and were "
        "stopped; the error is of the steps before, often few. Floor: between two replicas of the "
        "truth."
    )
    return Table("overview", columns, rows, caption, kept)


def _overview_cell(rows: pd.DataFrame) -> str:
    """Median over the seeds; empty where there is no such training."""
    if rows.empty:
        return ""
    value = float(rows["value"].median())
    stopped = rows["note"].astype(str).str.startswith("diverged").any()
    return f"{short(value) if np.isfinite(value) else '–'}{' ' + STOPPED if stopped else ''}"


WORDS = {"vacf": "VACF", "rdf": "g(r)", "msd": "MSD", "positions": "positions"}


def short(value: float) -> str:
    """An error in per cent, or as a factor where it is past all measure."""
    return percent(value) if not value >= 100 else f"{value:.1e} times".replace("e+0", "e")


def _cell(rows: pd.DataFrame) -> list[str]:
    """Paper, ours with its interval, noise floor."""
    value, printed = rows["value"].median(), rows["paper"].iloc[0]
    low, high = (
        (rows[["low", "high"]].iloc[0])
        if len(rows) == 1
        else (rows["value"].min(), rows["value"].max())
    )
    ours = short(value) if np.isfinite(value) else "–"
    if np.isfinite(low) and np.isfinite(value):
        ours += f" ({short(low)} to {short(high)})"
    if rows["note"].astype(str).str.startswith("diverged").any():
        ours += ", diverged"
    floor = rows["noise_floor"].iloc[0]
    return [short(printed) if pd.notna(printed) else "–", ours, percent(floor)]


def _table(found: Collection, metrics: tuple[str, ...], name: str, caption: str) -> Table:
    rows = []
    kept = found.table[found.table["metric"].isin(metrics)]
    order = kept["metric"].map({metric: k for k, metric in enumerate(metrics)})
    groups = kept.assign(order=order).sort_values("order", kind="stable")
    datasets = list(dict.fromkeys(kept["dataset"]))
    groups = groups.sort_values("dataset", kind="stable", key=lambda d: d.map(datasets.index))
    for (dataset, metric, model), part in groups.groupby(
        ["dataset", "metric", "model"], sort=False
    ):
        if part["value"].notna().any() or part["paper"].notna().any():
            words = WORDS[str(metric).removesuffix("_paper")]
            rows.append([title(str(dataset)), words, style.name(str(model)), *_cell(part)])
    if not rows:
        raise Absent("No error was measured.")
    columns = ["Data set", "Statistic", "Model", "Paper", "Ours", "Noise floor"]
    return Table(name, columns, rows, caption, kept)


def judged(found: Collection) -> Table:
    """Errors over all time origins: the ones to judge by."""
    return _table(
        found,
        ("vacf", "rdf", "msd", "positions"),
        "errors",
        "Relative L2 error of each curve over all time origins, mean over rollouts and replicas of "
        "the truth with its 95 % interval (with several seeds: median and range). The noise floor "
        "is the error between two replicas of the truth: no model can be shown to do better. The "
        "paper's numbers are of one rollout and its last window.",
    )


def windowed(found: Collection) -> Table:
    """Errors by the paper's definition."""
    return _table(
        found,
        ("vacf_paper", "rdf_paper", "msd_paper"),
        "errors_paper",
        "The same by the paper's window: the last snapshots only, from one time origin. Its noise "
        "floor is as large as most errors, so it cannot rank good models.",
    )


def shortfalls(found: Collection) -> list[str]:
    """The rows on which our model is above both half the paper's error and 1.2 noise floors."""
    said = [
        f"{title(dataset)}, {WORDS[metric]}: {short(value)}, where {short(most)} would do"
        f"{', but with an interval above the floor.' if value <= most else '.'}"
        for dataset, metric, value, most in above(found.table)
    ]
    return said or [
        "On every row the error of our model is at most half of the paper's, or at most 1.2 noise "
        "floors with an interval that reaches the floor."
    ]


def rivals(found: Collection) -> list[str]:
    """The rows on which a baseline is not shown to be worse than ours."""
    said = [
        f"{title(dataset)}, {WORDS[metric]}: {style.name(model)} {short(theirs)}, ours "
        f"{short(ours) if np.isfinite(ours) else 'not measured'}."
        for dataset, metric, model, theirs, ours in contested(found.table)
    ]
    return said or [
        "Ours is ahead of every baseline by more than the intervals, or both are at the floor."
    ]


def _by_model(
    found: Collection, metric: str, write: Callable[[float], str], words: str, caption: str
) -> Table:
    kept = found.rows(metric=metric)
    rows = []
    for (dataset, model), part in kept.groupby(["dataset", "model"], sort=False):
        printed = part["paper"].iloc[0]
        name = "fully resolved" if model == "full_order" else style.name(str(model))
        cells = [write(float(printed)) if pd.notna(printed) else "–"]
        rows.append([title(str(dataset)), name, *cells, write(float(part["value"].median()))])
    columns = ["Data set", "Model", f"{words}, paper", f"{words}, ours"]
    return Table(metric, columns, rows, caption, kept)


def parameters(found: Collection) -> Table:
    """Parameter counts."""
    text = "Numbers that single particles carry are left out."
    return _by_model(found, "parameters", number, "Parameters", text)


def cost(found: Collection) -> Table:
    """Table 4: milliseconds per step."""
    return _by_model(
        found,
        "ms_per_step",
        number,
        "ms per step",
        "CPU time of a step of a rollout on one thread of this machine, in Python and float64; the "
        "paper's are of a GPU. Fully resolved: LAMMPS, for the same time.",
    )


def thermodynamics(found: Collection) -> Table:
    """Temperature, energy drift and entropy of the metriplectic models."""
    names = {
        "temperature": "Error of ⟨v²⟩",
        "energy_drift": "Energy drift / kinetic energy",
        "entropy_correlation": "Correlation of the learned entropy with the true one",
    }
    kept = found.table[found.table["metric"].isin(names)]
    rows = []
    for (dataset, model), part in kept.groupby(["dataset", "model"], sort=False):
        medians = part.groupby("metric")["value"].median()
        values = [medians.get(name, np.nan) for name in names]
        cells = [percent(values[0]), percent(values[1]), number(float(values[2]))]
        rows.append([title(str(dataset)), style.name(str(model)), *cells])
    if not rows:
        raise Absent("No rollout left a record of its energy.")
    text = "Over one rollout. A baseline without energy or entropy has none to show."
    return Table("thermodynamics", ["Data set", "Model", *names.values()], rows, text, kept)
