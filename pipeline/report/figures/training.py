"""Training and validation loss against time."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Results, Run


def history(results: Results, run: Run) -> pd.DataFrame:
    """training.csv of a run: step, epoch, seconds, train_nll, validation_nll, loss terms."""
    table = results.csv(f"{run.folder}/training.csv")
    lost = {"step", "train_nll", "validation_nll"} - set(table.columns)
    if table.empty or lost:
        raise Absent(f"The training log of {style.name(run.model)} is empty or incomplete.")
    return table


def kept(table: pd.DataFrame) -> Any:
    """Row label of the checkpoint kept: best validation score, which asks for a stable rollout."""
    score = "validation_score" if "validation_score" in table else "validation_nll"
    return table[score].idxmin()


def curves(results: Results) -> Figure:
    """One panel per model; training thin, validation bold, the chosen checkpoint marked."""
    found = []
    for run in results.runs:
        try:
            found.append((run, history(results, run)))
        except Absent:
            continue
    if not found:
        raise Absent("No training log was found, so there is nothing to judge training by.")
    models = list(dict.fromkeys(run.model for run, _ in found))
    drawing, panels = style.panels(len(models), height=3.2)
    sources = [run.source for run, _ in found]
    for run, table in found:
        axes = panels[models.index(run.model)]
        look = style.line(run.source)
        step = table["step"].to_numpy()
        train = table["train_nll"].to_numpy()
        axes.plot(step, train, **(look | {"linewidth": 0.8, "linestyle": "-", "alpha": 0.55}))
        valid = table.dropna(subset="validation_nll")
        axes.plot(
            valid["step"],
            valid["validation_nll"],
            label=style.label(run.source, sources),
            **(look | {"linestyle": "-"}),
        )
        if len(valid):
            best = valid.loc[kept(valid)]
            axes.plot(
                best["step"],
                best["validation_nll"],
                "o",
                color=look["color"],
                ms=7,
                markerfacecolor="white",
                markeredgewidth=1.8,
            )
        axes.set(title=style.name(run.model), xlabel="Step")
        if sum(other == run.model for other in (r.model for r, _ in found)) > 1:
            axes.legend()
    for model, axes in zip(models, panels, strict=True):
        _clip(axes, [table for run, table in found if run.model == model])
    panels[0].set_ylabel("Negative log-likelihood\nper particle")
    table = pd.concat([t.assign(model=r.model, seed=r.seed) for r, t in found])
    return Figure(
        "training",
        drawing,
        table,
        "Thin lines are training, bold lines validation on later frames, rings the checkpoints "
        "kept; the bold line should have gone flat without turning up.",
        "Training and validation loss against step for " + ", ".join(map(style.name, models)) + ".",
        wide=len(models) > 1,
    )


def _clip(axes: Axes, tables: list[pd.DataFrame]) -> None:
    """Leave the first steep fall out of the picture, where it would flatten all the rest."""
    values = pd.concat([t[c] for t in tables for c in ("train_nll", "validation_nll")]).dropna()
    low, high = values.min(), values.quantile(0.97)
    if high > low:
        axes.set_ylim(low - 0.06 * (high - low), high + 0.1 * (high - low))
