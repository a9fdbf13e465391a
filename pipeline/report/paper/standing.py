"""Where our model stands: against the paper's, against the noise, and against the baselines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

JUDGED = ("vacf", "rdf", "msd")
BASELINES = ("gns", "gns_sde", "dpd")


def above(found: pd.DataFrame) -> Iterator[tuple[str, str, float, float]]:
    """(dataset, metric, value, bound) where ours exceeds both the paper and 1.5 noise floors."""
    ours = found[(found["model"] == "metriplectic") & found["metric"].isin(JUDGED)]
    for (dataset, metric), rows in ours.groupby(["dataset", "metric"], sort=False):
        value, most = float(rows["value"].median()), bound(rows)
        if not value <= most and np.isfinite(most):
            yield str(dataset), str(metric), value, most


def bound(rows: pd.DataFrame) -> float:
    """The larger of the paper's error and 1.5 noise floors; NaN where neither is known."""
    known = np.array([rows["paper"].iloc[0], 1.5 * rows["noise_floor"].iloc[0]], float)
    return float(np.nanmax(known)) if np.isfinite(known).any() else float("nan")


def contested(found: pd.DataFrame) -> Iterator[tuple[str, str, str, float, float]]:
    """(dataset, metric, baseline, its error, ours) where ours is not shown to be the better.

    It is where the intervals lie apart, where both are within 1.5 noise floors, and where the
    baseline made no rollout that can be measured.
    """
    kept = found[found["metric"].isin(JUDGED)]
    for (dataset, metric), rows in kept.groupby(["dataset", "metric"], sort=False):
        ours = rows[(rows["model"] == "metriplectic") & rows["value"].notna()]
        for model in BASELINES:
            theirs = rows[(rows["model"] == model) & rows["value"].notna()]
            if theirs.empty or (not ours.empty and _settled(ours, theirs)):
                continue
            mine = float(ours["value"].median()) if len(ours) else float("nan")
            yield str(dataset), str(metric), model, float(theirs["value"].median()), mine


def _settled(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    most = 1.5 * float(ours["noise_floor"].iloc[0])
    both = max(ours["value"].median(), theirs["value"].median()) <= most
    return bool(both or ours["high"].max() < theirs["low"].min())
