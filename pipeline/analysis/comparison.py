"""How far each model is from the experiment, with intervals and the noise floor beside it.

eps = |y_experiment - y_model|_2 / |y_experiment|_2
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.curves import CURVES, Metric
from pipeline.analysis.overlap import OVERLAPS, shared
from pipeline.analysis.uncertainty import draws, percentiles, ratio, relative_error, resampled

COLUMNS = ["dataset", "model", "seed", "metric", "value", "low", "high", "noise_floor", "note"]


class Source(NamedTuple):
    """The statistics of one model and seed."""

    model: str
    seed: int
    found: dict[str, Metric]
    stopped: str = ""  # why its rollout ended early, if it did


def comparison(dataset: str, experiment: dict[str, Metric], sources: list[Source]) -> pd.DataFrame:
    """One row per model, seed and metric.

    Args:
        dataset: its name.
        experiment: metrics by group name, with ``noise_floor``.
        sources: models measured with the same settings.

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
    for source in sources:
        first = len(rows)
        head = {"dataset": dataset, "model": source.model, "seed": source.seed}
        for name in CURVES:
            row = _curve_error(name, experiment[name], source.found[name])
            rows.append(head | row | {"metric": name, "noise_floor": floors.get(name, np.nan)})
        for row in _map_overlap(experiment["d2min_map"], source.found["d2min_map"]):
            rows.append(head | row | {"noise_floor": floors.get(row["metric"], np.nan)})
        if source.stopped:
            for row in rows[first:]:
                row["note"] = diverged(f"diverged: {source.stopped}", row["note"])
    return pd.DataFrame(rows, columns=COLUMNS)


def diverged(how: str, note: str) -> str:
    """The note of a row whose rollout stopped: how far it came; the reason stands with it."""
    first = ":".join(how.split(":")[:2])
    return "; ".join(filter(None, (first, note)))


def checked_pair(name: str, truth: np.ndarray, value: np.ndarray) -> None:
    """Raises ValueError where two curves were not measured at the same points."""
    if truth.shape != value.shape:
        raise ValueError(
            f"{name} has {len(truth)} points in the experiment and {len(value)} in the model: "
            f"measure both with the same settings."
        )


def absent(reason: str) -> dict[str, Any]:
    return {"value": np.nan, "low": np.nan, "high": np.nan, "note": reason}


def _curve_error(name: str, experiment: Metric, model: Metric) -> dict[str, Any]:
    for side, metric in (("experiment", experiment), ("model", model)):
        if metric.missing:
            return absent(f"{side}: {metric.missing}")
    curve = CURVES[name]
    pair = [(m.data["numerator"], m.data["denominator"]) for m in (experiment, model)]
    truth, value = (curve(ratio(a.sum(axis=0), b.sum(axis=0))) for a, b in pair)
    checked_pair(name, truth, value)
    # The same seed draws the same patches on both sides where they have the same particles.
    samples = relative_error(*(curve(resampled(a, b)) for a, b in pair))
    low, high = percentiles(samples)
    told, asked = np.isfinite(value) & np.isfinite(truth), np.isfinite(truth)
    note = "" if told.sum() == asked.sum() else f"over {told.sum()} of {asked.sum()} points"
    return {
        "value": float(relative_error(truth, value)),
        "low": float(low),
        "high": float(high),
        "note": note,
    }


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
