"""Question 4: does friction remember, and does the model?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.memory_kernel import Memory, memory, remembered
from pipeline.analysis.metric import Metric, sums
from pipeline.learn.settings import VARIANTS
from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.html import number
from pipeline.report.paper.numbers import title
from pipeline.report.paper.tables import WORDS, short
from pipeline.report.questions.asked import Asked, spread
from pipeline.report.questions.comparisons import errors
from pipeline.report.results import Absent, Results, Run
from pipeline.report.tables import Table
from pipeline.report.verdict import Light

QUESTION = "Is the memory of the data within the model?"
RULE = (
    "Yes: the share of the friction that comes later than a step of the model is the same in data "
    "and rollouts, within the intervals. With care: more of it comes late in rollouts, whose noise "
    "does not last. No: the data have memory beyond a step that rollouts lack."
)

ERRORS = ("vacf", "msd")
WORST = ("unknown", "good", "fair", "poor")
NOTHING = (float("nan"),) * 3


class Kernels(NamedTuple):
    """Of one model of a data set: the memory of the data, of its rollouts, and what its residuals
    remember."""

    data: Memory
    model: Memory | None
    stride: int
    residual: tuple[float, float] | None  # correlation with the step before, and its error
    run: Run  # the first training


def _memory(found: list[Metric], stride: int) -> Memory | None:
    """Of one or more rollouts: their sums are added up."""
    parts = [sums(one) for one in found]
    top, bottom = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return memory(top, bottom, found[0].data["lag"], stride)


def of(asked: Asked, dataset: str) -> dict[str, Kernels]:
    """By model. Raises Absent where velocities are forgotten too soon for a kernel, or are not
    exact: the error of positions is forgotten at once, and its differences would be read as
    friction."""
    results = asked.results(dataset)
    if results.trajectory().attributes["localisation_error"] > 0:
        raise Absent(
            f"Velocities of {title(dataset)} are differences of measured positions, whose errors "
            f"would be read as friction."
        )
    made, experiment = {}, asked.experiment(dataset, "vacf")
    for model in asked.models(dataset):
        run = asked.trainings(dataset, model)[0]
        stride = _stride(results.yaml(f"{run.folder}/model.yaml"))
        data = _memory([experiment], stride)
        if data is None:
            continue
        found = [one for some in asked.rollouts(dataset, "vacf", model).values() for one in some]
        rolled = _memory(found, stride) if found else None
        made[model] = Kernels(data, rolled, stride, _left(results, run), run)
    if not made:
        raise Absent(f"Velocities of {title(dataset)} are forgotten within four steps.")
    return made


def _stride(record: dict[str, Any]) -> int:
    return int(record["training"].get("stride") or 1)


def _left(results: Results, run: Run) -> tuple[float, float] | None:
    """What residuals remember, with its error; None where it was not tested."""
    with suppress(Absent):
        found = results.group(f"{run.folder}/learned.h5", "residuals").data
        value, error = (float(x) for x in found.get("memory", (np.nan, np.nan)))
        return (value, error) if np.isfinite(value) else None
    return None


def figure(asked: Asked) -> Figure:
    """Friction grown to after a time, data and rollouts."""
    made = asked.each("memory", of)
    drawing, axes = style.panels(len(made), height=3.3)
    tables = []
    for panel, (dataset, models) in zip(axes, made.items(), strict=True):
        first = next(iter(models.values()))
        shown = (first, min(models.values(), key=lambda one: one.stride))
        rolled = {one.run.source: one.model for one in shown}
        sources = {"experiment": first.data, **rolled}
        for source, kernel in sources.items():
            if kernel is None:
                continue
            look = style.line(source)
            panel.plot(kernel.time, kernel.value, label=style.name(source), **look)
            panel.fill_between(
                kernel.time, kernel.low, kernel.high, color=look["color"], alpha=0.15, lw=0
            )
            tables.append(pd.DataFrame({"dataset": dataset, "source": source, **_columns(kernel)}))
        panel.axvline(first.stride, color=style.COLOURS["truth"], lw=1.0)
        panel.set(
            title=title(dataset),
            xlabel="Time (intervals)",
            ylabel="Friction grown to (1 / interval)",
        )
        panel.set_ylim(bottom=0.0)
        panel.legend()
    return Figure(
        "memory",
        drawing,
        pd.concat(tables),
        "The integral of the memory kernel of the velocity autocorrelation: what friction on a "
        "particle has grown to after a time, its neighbours and its own. It begins at once where "
        "nothing remembers; the grey line is the step of the first model, beside which that of the "
        "shortest step is drawn.",
        "Integrated memory kernels of data and rollouts against time, for each data set.",
        wide=len(made) > 1,
    )


def _columns(kernel: Memory) -> dict[str, np.ndarray]:
    return {name: getattr(kernel, name) for name in ("time", "value", "low", "high")}


def table(asked: Asked) -> Table:
    """Share of the friction that comes later than a step, of every model of a data set."""
    rows, numbers = [], []
    for dataset, models in asked.each("memory", of).items():
        for model, one in models.items():
            late, end = (one.model.late, one.model.end) if one.model else (NOTHING, NOTHING)
            shares = (one.data.late, late)
            rows.append(
                [
                    title(dataset),
                    style.name(model),
                    number(one.stride),
                    *(spread(x) if np.isfinite(x[0]) else "–" for x in shares),
                    _over(one.data.end, end),
                ]
            )
            numbers.append((dataset, model, one.stride, *one.data.late, *late, *one.data.end, *end))
    columns = ["Data set", "Model", "Step (intervals)", "Later than a step, data", "rollouts"]
    columns += ["Friction in the end, rollouts to data"]
    names = ["dataset", "model", "stride"]
    names += [
        f"{a} {b}"
        for what in ("late", "end")
        for a in ("data", "model")
        for b in (what, f"{what} low", f"{what} high")
    ]
    caption = (
        "Share of the friction that is not yet there after one step of the model, with its 95 % "
        "interval: negative where neighbours push back. Friction in the end: what the kernel of "
        "the rollouts has grown to, over that of the data, with the errors of both; how much "
        "simulations differ is not among them."
    )
    return Table("memory", columns, rows, caption, pd.DataFrame(numbers, columns=names))


def _over(data: tuple[float, ...], model: tuple[float, ...]) -> str:
    """ "0.97 ± 0.02": a ratio with the standard error of both, from their 95 % intervals."""
    if not np.isfinite(model[0]):
        return "–"
    off = [(high - low) / (2 * 1.96 * value) for value, low, high in (data, model)]
    value = model[0] / data[0]
    return f"{value:.2f} ± {value * float(np.hypot(off[0], off[1])):.2f}"


def strides(asked: Asked) -> Table:
    """What residuals remember against the step of the model, beside what they would if the model
    explained nothing, and the errors of rollouts.

    Raises Absent where no data set was learned with several steps.
    """
    rows, numbers = [], []
    for dataset, models in asked.each("memory", of).items():
        # Of models that differ in nothing else.
        models = {m: one for m, one in models.items() if "closures" not in VARIANTS[m].changes}
        if len({one.stride for one in models.values()}) < 2:
            continue
        found = errors(asked, dataset)
        for model, one in sorted(models.items(), key=lambda item: item[1].stride):
            mine = found[found["model"] == model].groupby("metric")["value"].median()
            off = [float(mine.get(metric, np.nan)) for metric in ERRORS]
            bare = remembered(one.data, one.stride)
            left = one.residual or (np.nan, np.nan)
            cells = [title(dataset), style.name(model), number(one.stride), f"{bare:.2f}"]
            cells += [_with_error(left), *(short(x) if np.isfinite(x) else "–" for x in off)]
            rows.append(cells)
            numbers.append((dataset, model, one.stride, bare, *left, *off))
    if not rows:
        raise Absent(
            "No data set was learned with several steps: ask with metriplectic_stride1 and others "
            "among its models."
        )
    columns = ["Data set", "Model", "Step (intervals)", "Impulses remember", "Residuals remember"]
    caption = (
        "Correlation of successive steps. Impulses: of all that happens to a particle in a step, "
        "neighbours included, as the memory kernel of the data says. Residuals: of what the model "
        "leaves unexplained, with its standard error, zero where nothing is remembered. A force "
        "that lasts is shared by the end of one step and the beginning of the next, the less the "
        "longer steps are."
    )
    names = ["dataset", "model", "stride", "impulses", "residual", "error", *ERRORS]
    made = pd.DataFrame(numbers, columns=names)
    return Table("strides", [*columns, *(WORDS[m] for m in ERRORS)], rows, caption, made)


def _with_error(left: tuple[float, float]) -> str:
    return f"{left[0]:.2f} ± {left[1]:.2f}".replace("-", "−") if np.isfinite(left[0]) else "–"


def modes(asked: Asked) -> Table:
    """What modes of memory bring: likelihood, residuals and errors with them and without."""
    rows, numbers = [], []
    for dataset in asked.questions.memory:
        results = asked.results(dataset)
        records = {
            run: results.yaml(f"{run.folder}/model.yaml")
            for run in results.runs
            if run.model.startswith("metriplectic") and "stride" not in VARIANTS[run.model].changes
        }
        if not any("memory" in record for record in records.values()):
            continue
        with suppress(Absent):
            found = errors(asked, dataset)
            for run, record in records.items():
                of = found[(found["model"] == run.model) & (found["seed"] == run.seed)]
                values = [of.loc[of["metric"] == m, "value"] for m in ERRORS]
                off = [float(x.iloc[0]) if len(x) else np.nan for x in values]
                one = _of_model(record, _left(results, run))
                cells = [f"{x.replace('-', '−')}" for x in one.words]
                rows.append(
                    [
                        title(dataset),
                        f"{style.name(run.source)}, seed {run.seed}",
                        *cells,
                        *(short(x) if np.isfinite(x) else "–" for x in off),
                    ]
                )
                numbers.append((dataset, run.source, *one.numbers, *off))
    if not rows:
        raise Absent(
            "No model was trained with train.memory, or metriplectic_memory among its models."
        )
    columns = ["Data set", "Model", "Modes", "Last (steps)", "Likelier by", "Residuals remember"]
    names = ["dataset", "source", "modes", "time", "gain", "gain error", "residual", "error"]
    caption = (
        "Modes of memory: forces of the medium that decay, one or two for each particle, of which "
        "friction that comes late and its noise are made. Likelier: gain of the log likelihood of "
        "a held-out step of a particle, with its standard error. Errors as everywhere."
    )
    made = pd.DataFrame(numbers, columns=[*names, *ERRORS])
    return Table("modes", [*columns, *(WORDS[m] for m in ERRORS)], rows, caption, made)


class Modes(NamedTuple):
    """The modes of one model, in words and in numbers."""

    words: list[str]
    numbers: tuple[float, ...]


def _of_model(record: dict[str, Any], left: tuple[float, float] | None) -> Modes:
    memory = record.get("memory", {})
    count = int(memory.get("modes", 0))
    kept = [x for x in memory.get("trials", []) if x["value"].endswith("after 0 none")]
    gain, error = (float(kept[0][k]) for k in ("gain", "error")) if count else (np.nan, np.nan)
    time = memory["time"]["value"] if count else []
    value, off = left or (np.nan, np.nan)
    words = [
        f"{count} {memory['kind']}" if count else "none",
        " and ".join(map(number, time)) or "–",
        f"{gain:.3f} ± {error:.3f}" if count else "–",
        _with_error((value, off)),
    ]
    return Modes(words, (count, max(time, default=np.nan), gain, error, value, off))


def _state(one: Kernels) -> str:
    """Of one data set, where there are rollouts."""
    if one.model is None:
        return "unknown"
    data, model = one.data.late, one.model.late
    if data[1] > model[2]:
        return "poor"
    return "fair" if data[2] < model[1] else "good"


def light(asked: Asked) -> Light:
    """Judged on the first model of the worst data set."""
    try:
        made = asked.each("memory", of)
    except Absent as absent:
        return Light(QUESTION, "unknown", str(absent), RULE)
    firsts = {name: next(iter(models.values())) for name, models in made.items()}
    state = max(map(_state, firsts.values()), key=WORST.index)
    said = "; ".join(
        f"{title(n)}: {spread(one.data.late)} in the data"
        + (f", {spread(one.model.late)} in rollouts" if one.model else "")
        for n, one in firsts.items()
    )
    return Light(QUESTION, state, f"Share of friction later than a step. {said}.", RULE)
