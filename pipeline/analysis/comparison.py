"""How far each model is from the experiment, with intervals and the noise floor beside it.

eps = |y_experiment - y_model|_2 / |y_experiment|_2
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.curves import CURVES, Metric, drawn
from pipeline.analysis.overlap import OVERLAPS, shared
from pipeline.analysis.uncertainty import draws, percentiles, relative_error, resampled

COLUMNS = ["dataset", "model", "seed", "metric", "value", "low", "high", "noise_floor", "note"]


class Source(NamedTuple):
    """The statistics of one rollout of a model trained with a seed."""

    model: str
    seed: int
    found: dict[str, Metric]
    stopped: str = ""  # why the rollout ended early, if it did


def comparison(dataset: str, experiment: dict[str, Metric], sources: list[Source]) -> pd.DataFrame:
    """One row per model, seed and metric.

    Args:
        dataset: its name.
        experiment: metrics by group name, with ``noise_floor``.
        sources: rollouts measured with the same settings; errors of several of one model and seed
            are averaged, their maps are compared for the first.

    Returns:
        columns dataset, model, seed, metric, value, low, high, noise_floor, note. Metrics rdf,
        vacf, msd, d2min, d2min_histogram are relative L2 errors; d2min_map_spearman is the rank
        correlation of the two maps and d2min_map_top5 the share of the experiment's 5 % most
        rearranging particles that are the model's too (0.05 by chance). A metric that either
        side lacks has NaN and the reason as its note; that of a model whose rollout stopped early
        is measured on what there is and its note says so.
    """
    floors = experiment["noise_floor"].attributes
    rows: list[dict[str, Any]] = []
    for (model, seed), runs in grouped(sources).items():
        found = [
            _curve_error(name, experiment[name], [run.found[name] for run in runs])
            | {"metric": name}
            for name in CURVES
        ]
        found += _map_overlap(experiment["d2min_map"], runs[0].found["d2min_map"])
        for row in found:
            floor = floors.get(row["metric"], np.nan)
            head = {"dataset": dataset, "model": model, "seed": seed, "noise_floor": floor}
            rows.append(head | row | {"note": diverged(runs, row["note"])})
    return pd.DataFrame(rows, columns=COLUMNS)


def grouped(sources: list[Source]) -> dict[tuple[str, int], list[Source]]:
    """The rollouts of each model and seed, in order."""
    found: dict[tuple[str, int], list[Source]] = {}
    for source in sources:
        found.setdefault((source.model, source.seed), []).append(source)
    return found


def diverged(runs: list[Source], note: str) -> str:
    """The note of a row, with how far the first rollout came that stopped, if any did."""
    early = [run.stopped for run in runs if run.stopped]
    if not early:
        return note
    # The reason stands with the rollout; a row of numbers has room for how far it came.
    how = early[0].partition(":")[0]
    many = f" in {len(early)} of {len(runs)} rollouts" if len(runs) > 1 else ""
    return "; ".join(filter(None, (f"diverged{many}: {how}", note)))


def checked_pair(name: str, truth: np.ndarray, value: np.ndarray) -> None:
    """Raises ValueError where two curves were not measured at the same points."""
    if truth.shape != value.shape:
        raise ValueError(
            f"{name} has {len(truth)} points in the experiment and {len(value)} in the model: "
            f"measure both with the same settings."
        )


def absent(reason: str) -> dict[str, Any]:
    return {"value": np.nan, "low": np.nan, "high": np.nan, "note": reason}


def _curve_error(name: str, experiment: Metric, models: list[Metric]) -> dict[str, Any]:
    sides = [("experiment", experiment), *(("model", model) for model in models)]
    for side, metric in sides:
        if metric.missing:
            return absent(f"{side}: {metric.missing}")
    errors, samples = zip(*(_error(name, experiment, model) for model in models), strict=True)
    # Over patches, and over rollouts where there are several.
    low, high = percentiles((draws(len(models)) / len(models) * np.stack(samples, 1)).sum(axis=1))
    told = min(int(np.isfinite(drawn(name, m)).sum()) for m in (experiment, *models))
    asked = int(np.isfinite(drawn(name, experiment)).sum())
    return {
        "value": float(np.mean(errors)),
        "low": float(low),
        "high": float(high),
        "note": "" if told == asked else f"over {told} of {asked} points",
    }


def _error(name: str, experiment: Metric, model: Metric) -> tuple[float, np.ndarray]:
    """The error of one rollout, and its bootstrap samples over patches."""
    truth, value = (drawn(name, metric) for metric in (experiment, model))
    checked_pair(name, truth, value)
    # The same seed draws the same patches on both sides where they have the same particles.
    pair = [(m.data["numerator"], m.data["denominator"]) for m in (experiment, model)]
    samples = relative_error(*(CURVES[name](resampled(a, b)) for a, b in pair))
    return float(relative_error(truth, value)), samples


def _map_overlap(experiment: Metric, model: Metric) -> list[dict[str, Any]]:
    for side, metric in (("experiment", experiment), ("model", model)):
        if metric.missing:
            return [absent(f"{side}: {metric.missing}") | {"metric": name} for name in OVERLAPS]
    truth, value, patch = shared(experiment, model)
    if len(truth) < 3:
        reason = f"The two maps share {len(truth)} particles and the comparison needs 3."
        return [absent(reason) | {"metric": name} for name in OVERLAPS]
    weights = draws(int(patch.max()) + 1)[:, patch]
    rows = []
    for name, overlap in OVERLAPS.items():
        low, high = percentiles(overlap(truth, value, weights))
        whole = float(overlap(truth, value, np.ones((1, len(truth))))[0])
        row = {"metric": name, "value": whole, "low": float(low), "high": float(high), "note": ""}
        rows.append(row)
    return rows
