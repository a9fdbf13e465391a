"""Every number of our own comparison with the paper: the rows of results/paper/table.csv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.figures import laws as balances
from pipeline.report.paper.numbers import printed
from pipeline.report.provenance import stages
from pipeline.report.results import Absent, Group, Results, Run

COLUMNS = ["dataset", "size", "model", "seed", "metric", "value", "low", "high", "noise_floor"]
COLUMNS += ["paper", "note", "commit"]
# The paper's VACF is not normalised, so that a wrong temperature counts.
NAMES = {"vacf_raw": "vacf", "vacf": "vacf_normalised"}
TRUTH = "truth"


def table(
    root: Path, origins: Mapping[str, str], sizes: Mapping[str, str], commit: str
) -> pd.DataFrame:
    """Errors, temperature, drift of energy, parameters and cost of every model and data set.

    Args:
        root: the folder results/.
        origins: data set -> the data set whose models it was rolled out with.
        sizes: data set -> "small" or "full", as simulated.
        commit: of the code, noted in every row.

    Returns:
        one row per data set, size, model, seed and metric, with the paper's number where it has
        one. Rows of the model "truth" hold the size of the simulation (particles, replicas, steps
        of the test block) and its processor time; cpu_seconds of a model are those of its training
        and of all its rollouts here.
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
            made["cpu_seconds"] = _spent(root / origin, f"train_{model}_seed{seed}") + _spent(
                root / dataset, f"rollout_{model}_seed{seed}"
            )
            rows += [head | {"metric": name, "value": value} for name, value in made.items()]
        rows += _simulated(root, dataset)
    for row in rows:
        row["paper"] = printed(row["dataset"], row["model"], row["metric"])
        row["size"], row["commit"] = sizes[row["dataset"]], commit
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
    log = results.observables(run)
    found = {"ms_per_step": float(log.attrs["ms_per_step"])}
    with suppress(Absent):  # a baseline keeps no energy, resting particles have no velocity
        found["energy_drift"] = balances.kept(results, run).drift
    with suppress(Absent):
        ours, theirs = (results.statistic(s, "vacf") for s in (run.source, "experiment"))
        found["temperature"] = abs(_mean_square(ours) / _mean_square(theirs) - 1)
    return found


def _mean_square(vacf: Group) -> float:
    """< v . v >: the first point of the curve that is not normalised."""
    total, number = (vacf.get(key).sum(axis=0) for key in ("numerator", "denominator"))
    return float(total[0] / number[0])


def _spent(folder: Path, stage: str) -> float:
    """Processor time [s] of a stage and its repetitions, as snakemake noted it; NaN if unknown."""
    taken = stages(folder / "benchmarks")
    times = [each["cpu time (s)"] for name, each in taken.items() if _of(name, stage)]
    return float(np.sum(times)) if times else float("nan")


def _of(name: str, stage: str) -> bool:
    """Whether a stage is ``stage`` or a numbered one of it: seed1 is not seed10."""
    return name == stage or name.startswith(f"{stage}_")


def _simulated(root: Path, dataset: str) -> Iterator[dict[str, Any]]:
    """Rows on the truth: its size and what it cost."""
    trajectory = Results(root / dataset).trajectory()
    replicas = len(list((root / dataset / "replicas").glob("*.h5")))
    made = {
        "particles": float(trajectory.present.shape[1]),
        "snapshots": float(len(trajectory.time)),
        "replicas": float(max(replicas, 1)),
        "cpu_seconds": _spent(root / dataset, "simulate"),
    }
    head = {"dataset": dataset, "model": TRUTH, "seed": 0}
    yield from (head | {"metric": name, "value": value} for name, value in made.items())
    cost = trajectory.attributes.get("full_order_ms_per_step")
    if cost is not None:
        row = {"dataset": dataset, "model": "full_order", "seed": 0, "metric": "ms_per_step"}
        yield row | {"value": float(cost)}
