"""Do two maps of D2min show the same particles rearranging?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from pipeline.analysis.curves import Metric
from pipeline.analysis.uncertainty import ratio

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
