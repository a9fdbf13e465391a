"""How far each model is from the experiment, with intervals and the noise floor beside it.

    eps = |y_experiment - y_model|_2 / |y_experiment|_2

The noise floor is what separates the experiment from itself, which no model can be asked to beat:
of one experiment the error between two halves of it, of one with several independent replicas that
between two of them. A rollout is one more run of the same system, held against each replica, so
that a perfect model shows the floor on average.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from pipeline.analysis.metric import Metric, drawn, identity, sums
from pipeline.analysis.statistics import ERRORS, SHAPES
from pipeline.analysis.uncertainty import (
    draws,
    percentiles,
    ratio,
    relative_error,
    resampled,
)
from pipeline.errors import InputError

TOP = 0.05


def shared(one: Metric, other: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (n,) of two maps (groups d2min_map) on their common particles, and patches (n,)."""
    _, a, b = np.intersect1d(one.data["particle"], other.data["particle"], return_indices=True)
    patch = np.unique(one.data["patch"][a], return_inverse=True)[1]
    return one.data["value"][a], other.data["value"][b], patch


def spearman(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rank correlations (B,) of two maps (n,), particles counted ``weight`` (B, n) times."""
    total = weight.sum(axis=1)
    a, b = rankdata(one) / len(one), rankdata(other) / len(one)
    mean_a, mean_b = weight @ a / total, weight @ b / total
    product = weight @ (a * b) / total - mean_a * mean_b
    spread = (weight @ a**2 / total - mean_a**2) * (weight @ b**2 / total - mean_b**2)
    return ratio(product, np.sqrt(np.maximum(spread, 0.0)))


def top_overlap(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Share (B,) of the top 5 % of one map that is in the top 5 % of the other.

    Particles (n,) are counted ``weight`` (B, n) times; the tops are those of the whole maps.
    """
    count = max(round(TOP * len(one)), 1)
    first, second = np.zeros((2, len(one)), bool)
    first[np.argsort(one)[-count:]] = True
    second[np.argsort(other)[-count:]] = True
    return ratio(weight @ (first & second).astype(float), weight @ first.astype(float))


OVERLAPS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "d2min_map_spearman": spearman,
    "d2min_map_top5": top_overlap,
}


class Score(NamedTuple):
    """A metric of a model with its 95 % interval, NaN where it has none and the note says why."""

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    note: str = ""


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
    rows = []
    for (model, seed), runs in grouped(sources).items():
        found = {
            name: _curve_error(name, experiment[name], [run.found[name] for run in runs])
            for name in ERRORS
        }
        found |= _map_overlap(experiment["d2min_map"], runs[0].found["d2min_map"])
        for name, score in found.items():
            note, floor = diverged(runs, score.note), floors.get(name, np.nan)
            rows.append((dataset, model, seed, name, *score[:3], floor, note))
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
        raise InputError(
            f"{name} has {len(truth)} points in the experiment and {len(value)} in the model: "
            f"measure both with the same settings."
        )


def _curve_error(name: str, experiment: Metric, models: list[Metric]) -> Score:
    sides = [("experiment", experiment), *(("model", model) for model in models)]
    for side, metric in sides:
        if metric.missing:
            return Score(note=f"{side}: {metric.missing}")
    errors, samples = zip(*(_error(name, experiment, model) for model in models), strict=True)
    # Over patches, and over rollouts where there are several.
    low, high = percentiles((draws(len(models)) / len(models) * np.stack(samples, 1)).sum(axis=1))
    told = min(int(np.isfinite(drawn(m, SHAPES[name])).sum()) for m in (experiment, *models))
    asked = int(np.isfinite(drawn(experiment, SHAPES[name])).sum())
    note = "" if told == asked else f"over {told} of {asked} points"
    return Score(float(np.mean(errors)), float(low), float(high), note)


def _error(name: str, experiment: Metric, model: Metric) -> tuple[float, np.ndarray]:
    """The error of one rollout, and its bootstrap samples over patches."""
    truth, value = (drawn(metric, SHAPES[name]) for metric in (experiment, model))
    checked_pair(name, truth, value)
    # The same seed draws the same patches on both sides where they have the same particles.
    samples = relative_error(*(SHAPES[name](resampled(*sums(m))) for m in (experiment, model)))
    return float(relative_error(truth, value)), samples


def _map_overlap(experiment: Metric, model: Metric) -> dict[str, Score]:
    for side, metric in (("experiment", experiment), ("model", model)):
        if metric.missing:
            return dict.fromkeys(OVERLAPS, Score(note=f"{side}: {metric.missing}"))
    truth, value, patch = shared(experiment, model)
    if len(truth) < 3:
        reason = f"The two maps share {len(truth)} particles and the comparison needs 3."
        return dict.fromkeys(OVERLAPS, Score(note=reason))
    weights = draws(int(patch.max()) + 1)[:, patch]
    found = {}
    for name, overlap in OVERLAPS.items():
        low, high = percentiles(overlap(truth, value, weights))
        whole = float(overlap(truth, value, np.ones((1, len(truth))))[0])
        found[name] = Score(whole, float(low), float(high))
    return found


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
    floors = {name: _error_between_replicas(name, truths) for name in GROUPS}
    rows = []
    for (model, seed), runs in grouped(sources).items():
        for name in GROUPS:
            score = _replicate_error(name, truths, [run.found for run in runs])
            note = diverged(runs, score.note)
            rows.append((dataset, model, seed, name, *score[:3], floors[name], note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _replicate_error(
    name: str, truths: list[dict[str, Metric]], rollouts: list[dict[str, Metric]]
) -> Score:
    sides = {"experiment": truths, "model": rollouts}
    for side, all_found in sides.items():
        for found in all_found:
            metric = found.get(GROUPS[name])
            if metric is None or metric.missing:
                why = metric.missing if metric else "not measured"
                return Score(note=f"{side}: {why}")
    shape, group = SHAPES.get(name, identity), GROUPS[name]
    curves = [[drawn(found[group], shape) for found in side] for side in (truths, rollouts)]
    errors = np.array([[_gap(name, truth, value) for truth in curves[0]] for value in curves[1]])
    one, other = (draws(n, seed) / n for seed, n in enumerate(errors.shape))
    low, high = percentiles(np.einsum("bi,ij,bj->b", one, errors, other))
    return Score(float(errors.mean()), float(low), float(high))


def _gap(name: str, truth: np.ndarray, value: np.ndarray) -> float:
    checked_pair(name, truth, value)
    return float(relative_error(truth, value))


def _error_between_replicas(name: str, truths: list[dict[str, Metric]]) -> float:
    """Mean error between two replicas."""
    found = [truth.get(GROUPS[name]) for truth in truths]
    if any(metric is None or metric.missing for metric in found):
        return np.nan
    shape = SHAPES.get(name, identity)
    curves = [drawn(metric, shape) for metric in found if metric is not None]
    return float(np.mean([_gap(name, one, other) for one, other in permutations(curves, 2)]))
