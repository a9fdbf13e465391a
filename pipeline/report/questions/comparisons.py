"""Questions 2 and 5: other architectures, and models on what they were not trained on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.learn.settings import VARIANTS
from pipeline.report import style
from pipeline.report.html import number
from pipeline.report.paper.measured import NAMES
from pipeline.report.paper.numbers import title
from pipeline.report.paper.tables import JUDGED, WORDS, short
from pipeline.report.questions.asked import Asked
from pipeline.report.results import Absent
from pipeline.report.tables import Table
from pipeline.report.verdict import Light

TRANSFERS = "Does a law hold where it was not learned?"
RULE = (
    "Yes: on every data set the errors of a model trained elsewhere are within 1.5 noise floors. "
    "With care: within 3."
)
FLOORS, FAR = 1.5, 3.0
SHOWN = {"vacf": "VACF", "vacf_normalised": "VACF, shape", "rdf": "g(r)", "msd": "MSD"}


def errors(asked: Asked, dataset: str, metrics: tuple[str, ...] = JUDGED) -> pd.DataFrame:
    """Rows of comparison.csv, by default those that are judged; VACF with its amplitude where that
    was compared, then ``vacf_normalised`` without."""
    found = asked.results(dataset).csv("comparison.csv").copy()
    if "vacf_raw" in set(found["metric"]):
        found["metric"] = found["metric"].replace(NAMES)
    return found[found["metric"].isin(metrics)]


def architectures(asked: Asked) -> Table:
    """Likelihood, errors, parameters and time of our model with other closures."""
    rows, numbers = [], []
    for dataset in asked.questions.architecture:
        results = asked.results(dataset)
        try:
            found = errors(asked, dataset)
        except Absent:
            continue
        first, *others = asked.models(dataset)
        others = [model for model in others if "closures" in VARIANTS[model].changes]
        for model in (first, *others) if others else ():
            run = next(run for run in results.runs if run.model == model)
            record = results.yaml(f"{run.folder}/model.yaml")
            training = record["training"]
            of = found[found["model"] == model].groupby("metric")["value"].median()
            own = [float(training["validation_nll"]), record["parameters"], training["seconds"]]
            cells = [f"{own[0]:.4f}".replace("-", "−"), number(own[1]), number(float(own[2]))]
            told = [short(float(of.get(metric, np.nan))) for metric in JUDGED]
            rows.append([title(dataset), style.name(model), *cells, *told])
            numbers.append((dataset, model, *own, *(of.get(metric) for metric in JUDGED)))
    if not rows:
        raise Absent("No data set was learned by more than one architecture.")
    heads = ["Data set", "Model", "Validation −ln p", "Parameters", "Training (s)"]
    names = ["dataset", "model", "validation_nll", "parameters", "seconds", *JUDGED]
    caption = (
        "The same law with other closures: splines of one variable, volumes of many bodies, the "
        "paper's networks as printed. Minus "
        "the log likelihood of a held-out step per component, smaller is better where the error of "
        "the positions is treated alike; errors as everywhere, medians over seeds."
    )
    made = pd.DataFrame(numbers, columns=names)
    return Table("architectures", [*heads, *(WORDS[m] for m in JUDGED)], rows, caption, made)


def transfers(asked: Asked) -> Table:
    """Errors of our model on data sets that it was not trained on, beside their floors."""
    rows, tables = [], []
    for dataset, found in asked.each("transfer", transferred).items():
        origin = asked.settings[dataset].models_of
        cells = [_against(part) for _, part in found.groupby("metric", sort=False)]
        rows.append([title(str(origin)), title(dataset), *cells])
        tables.append(found.assign(origin=origin))
    names = [SHOWN[str(m)] for m in dict.fromkeys(tables[0]["metric"])]
    caption = (
        "Relative L2 errors of our model, learned on one data set and rolled out on another, with "
        "their 95 % intervals and the noise floor of the latter; medians over seeds. Shape: of "
        "the VACF without its amplitude."
    )
    columns = ["Learned on", "Rolled out on", *names]
    return Table("transfers", columns, rows, caption, pd.concat(tables))


def _against(part: pd.DataFrame) -> str:
    """ "2.4 % (1.3 % to 3.9 %), floor 4.1 %" of the rows of one statistic."""
    value, low, high = (float(part[name].median()) for name in ("value", "low", "high"))
    told = f" ({short(low)} to {short(high)})" if np.isfinite(low) else ""
    return f"{short(value)}{told}, floor {short(float(part['noise_floor'].iloc[0]))}"


def transferred(asked: Asked, dataset: str) -> pd.DataFrame:
    """The errors of our model where it was not trained. Raises Absent where there are none."""
    found = errors(asked, dataset, tuple(SHOWN))
    found = found[(found["model"] == "metriplectic") & found["value"].notna()]
    if found.empty or not asked.settings[dataset].models_of:
        raise Absent(f"No model that was trained elsewhere was rolled out on {title(dataset)}.")
    order = found["metric"].map({m: k for k, m in enumerate(SHOWN)})
    return found.assign(order=order).sort_values("order", kind="stable")


def light(asked: Asked) -> Light:
    """Judged on the worst row."""
    try:
        made = asked.each("transfer", transferred)
    except Absent as absent:
        return Light(TRANSFERS, "unknown", str(absent), RULE)
    each = {
        name: float((found["value"] / found["noise_floor"]).max()) for name, found in made.items()
    }
    worst = max(each.values())
    state = "good" if worst <= FLOORS else "fair" if worst <= FAR else "poor"
    said = "; ".join(f"{title(name)}: {floors:.1f}" for name, floors in each.items())
    return Light(TRANSFERS, state, f"Worst error in noise floors: {said}.", RULE)
