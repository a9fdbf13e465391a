"""results/paper/table.csv: every number of the comparison with the paper, one per row."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.report.figures import laws as balances
from pipeline.report.paper.published import printed
from pipeline.report.records import Absent, Group, Run
from pipeline.report.results import Results

COLUMNS = ["dataset", "model", "seed", "metric", "value", "low", "high", "noise_floor", "paper"]
COLUMNS += ["note"]
# The paper's VACF is not normalised, so that a wrong temperature counts.
NAMES = {"vacf_raw": "vacf", "vacf": "vacf_normalised"}


def table(root: Path, origins: dict[str, str]) -> pd.DataFrame:
    """Errors, temperature, drift of energy, parameters and cost of every model and data set.

    Args:
        root: the folder results/.
        origins: data set -> the data set whose models it was rolled out with.

    Returns:
        one row per data set, model, seed and metric, with the paper's number where it has one.
    """
    rows: list[dict[str, Any]] = []
    for dataset, origin in origins.items():
        errors = pd.read_csv(root / dataset / "comparison.csv")
        if "vacf_raw" in set(errors["metric"]):
            errors["metric"] = errors["metric"].replace(NAMES)
        rows += [{str(k): v for k, v in row.items()} for row in errors.to_dict("records")]
        for model, seed in dict.fromkeys(zip(errors["model"], errors["seed"], strict=True)):
            head = {"dataset": dataset, "model": model, "seed": seed}
            made = {**_record(root / origin, f"{model}/seed{seed}"), **_run(root, head)}
            rows += [head | {"metric": name, "value": value} for name, value in made.items()]
        if (cost := full_order(root, dataset)) is not None:
            head = {"dataset": dataset, "model": "full_order", "seed": 0, "metric": "ms_per_step"}
            rows.append(head | {"value": cost})
    for row in rows:
        row["paper"] = printed(row["dataset"], row["model"], row["metric"])
    return pd.DataFrame(rows, columns=COLUMNS)


def _record(origin: Path, folder: str) -> dict[str, float]:
    """Parameters and time of a training, and whether its latent entropies are the true ones."""
    results = Results(origin)
    record = results.yaml(f"{folder}/model.yaml")
    training = record["training"]
    found = {
        "parameters": record["parameters"],
        "training_seconds": training["seconds"],
        "validation_nll": training["validation_nll"],
    }
    with suppress(Absent):
        entropy = results.group(f"{folder}/learned.h5", "entropy").data
        if "correlation_entropy" in entropy:
            found["entropy_correlation"] = float(entropy["correlation_entropy"])
    return found


def _run(root: Path, head: dict[str, Any]) -> dict[str, float]:
    """Temperature, drift of the energy and cost along the first rollout of one training."""
    results = Results(root / head["dataset"])
    run = Run(head["model"], head["seed"], f"{head['model']}/seed{head['seed']}")
    log = balances.observables(results, run)
    found = {"ms_per_step": float(log.attrs["ms_per_step"])}
    with suppress(Absent):  # a baseline keeps no energy, resting particles have no velocity
        found["energy_drift"] = balances.drift(balances.residuals(log))
    with suppress(Absent):
        ours, theirs = (results.statistic(s, "vacf") for s in (run.source, "experiment"))
        found["temperature"] = abs(_mean_square(ours) / _mean_square(theirs) - 1)
    return found


def _mean_square(vacf: Group) -> float:
    """< v . v >: the first point of the curve that is not normalised."""
    total, number = (vacf.get(key).sum(axis=0) for key in ("numerator", "denominator"))
    return float(total[0] / number[0])


def full_order(root: Path, dataset: str) -> float | None:
    """Milliseconds that the fully resolved simulation took per snapshot; None where it was none."""
    attributes = Results(root / dataset).trajectory().attributes
    value = attributes.get("full_order_ms_per_step")
    return None if value is None else float(value)
