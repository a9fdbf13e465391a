"""How far each model is from the truth where the truth has several independent replicas.

eps = |y_truth - y_model|_2 / |y_truth|_2 of every rollout against every replica of the truth. A
rollout is one more run of the same system, so the error between two replicas, the noise floor, is
what a perfect model would show on average.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import (
    COLUMNS,
    Source,
    absent,
    checked_pair,
    diverged,
    grouped,
)
from pipeline.analysis.curves import SHAPES, Metric, drawn
from pipeline.analysis.uncertainty import draws, percentiles, relative_error

# Metrics and the groups of the statistics file that they are taken from.
GROUPS = {name: name for name in SHAPES} | {"vacf_raw": "vacf"}


def replicated(
    dataset: str, truths: list[dict[str, Metric]], sources: list[Source]
) -> pd.DataFrame:
    """One row per model, seed and metric: means over rollouts and truths.

    Args:
        dataset: its name.
        truths: metrics of each replica, measured with the same settings.
        sources: every rollout of every model and seed.

    Returns:
        the columns of `comparison.comparison`. ``value`` is the mean error of all pairs of a
        rollout and a replica, ``low`` to ``high`` its 95 % bootstrap interval over both;
        ``noise_floor`` the mean error between two replicas.
    """
    floors = {name: _floor(name, truths) for name in GROUPS}
    rows: list[dict[str, Any]] = []
    for (model, seed), runs in grouped(sources).items():
        head = {"dataset": dataset, "model": model, "seed": seed}
        for name in GROUPS:
            row = _error(name, truths, [run.found for run in runs])
            row |= {"metric": name, "noise_floor": floors[name]}
            rows.append(head | row | {"note": diverged(runs, row["note"])})
    return pd.DataFrame(rows, columns=COLUMNS)


def _error(
    name: str, truths: list[dict[str, Metric]], rollouts: list[dict[str, Metric]]
) -> dict[str, Any]:
    sides = {"experiment": truths, "model": rollouts}
    for side, all_found in sides.items():
        for found in all_found:
            metric = found.get(GROUPS[name])
            if metric is None or metric.missing:
                return absent(f"{side}: {metric.missing if metric else 'not measured'}")
    curves = [[drawn(name, found[GROUPS[name]]) for found in side] for side in (truths, rollouts)]
    errors = np.array([[_gap(name, truth, value) for truth in curves[0]] for value in curves[1]])
    one, other = (draws(n, seed) / n for seed, n in enumerate(errors.shape))
    low, high = percentiles(np.einsum("bi,ij,bj->b", one, errors, other))
    return {"value": float(errors.mean()), "low": float(low), "high": float(high), "note": ""}


def _gap(name: str, truth: np.ndarray, value: np.ndarray) -> float:
    checked_pair(name, truth, value)
    return float(relative_error(truth, value))


def _floor(name: str, truths: list[dict[str, Metric]]) -> float:
    """Mean error between two replicas."""
    found = [truth.get(GROUPS[name]) for truth in truths]
    if any(metric is None or metric.missing for metric in found):
        return np.nan
    curves = [drawn(name, truth[GROUPS[name]]) for truth in truths]
    return float(np.mean([_gap(name, one, other) for one, other in permutations(curves, 2)]))
