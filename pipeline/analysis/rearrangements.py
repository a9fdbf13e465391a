"""Rearrangements as a statistic: D2min against lag, as a distribution, in space and over the film.

Figures 7B, 7C, 7D and 13 of the paper. Without neighbours that move together D2min has no meaning.
It asks how far the motion of a neighbourhood is from a smooth strain. Where every particle goes its
own way, in a dilute suspension or in a record of nothing but localisation error, there is no
neighbourhood that moves: D2min is then the mean squared displacement over again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.analysis.correlations import together
from pipeline.analysis.d2min import (
    NORMALISATION,
    NonAffine,
    against_lag,
    correlation,
    field,
    histogram,
    sums,
)
from pipeline.analysis.metric import (
    Compared,
    Counting,
    Metric,
    Sample,
    Statistic,
    curve,
    listed,
    missing,
)
from pipeline.analysis.uncertainty import ratio
from pipeline.trajectory import evenly

REFERENCE = "configuration at the time origin"
GROUPS = ("d2min", "d2min_histogram", "d2min_map", "d2min_correlation", "d2min_film")
FILM = 96  # snapshots of a film
SLIDING = "Rearrangements are not measured in a box whose images slide (Lees-Edwards)."
UNASKED = "Rearrangements were not asked for (statistics: rearrangements)."


def per_decade(curve: np.ndarray) -> np.ndarray:
    """(..., K) numbers in logarithmic bins as a density that adds up to one."""
    return ratio(curve, np.nansum(curve, axis=-1, keepdims=True))


def unwanted(sample: Sample) -> str:
    """Why rearrangements are not measured, "" where they are."""
    if any(part.space.rate for part in sample.parts):
        return SLIDING
    return "" if sample.settings.rearrangements else UNASKED


def count(sample: Sample) -> dict[str, np.ndarray]:
    """Of a source, the fields of `NonAffine` but the lags; nothing where it is not measured."""
    if unwanted(sample):
        return {}
    plan = sample.settings
    found = against_lag(sample.parts, plan.d2min_lag, plan.cutoff, plan.origins, sample.share)
    return {"run": found.run, "origin": found.origin, "value": found.value}


COUNTING = Counting("d2min", count, listed)


def measure(sample: Sample) -> dict[str, Metric]:
    """Groups d2min, d2min_histogram, d2min_map, d2min_correlation and d2min_film."""
    if reason := unwanted(sample):
        return {name: missing(reason) for name in GROUPS}
    parts, settings = sample.parts, sample.settings
    measured = NonAffine(settings.d2min_lag, **COUNTING.of(sample))
    if not np.isfinite(measured.value).any():
        reason = (
            f"D2min needs more than {sample.trajectory.dimension} neighbours within "
            f"{settings.cutoff:.3g} that stay in view, and no free particle has them: the sample "
            f"is too dilute or the tracks too short."
        )
        return {name: missing(reason) for name in GROUPS}
    k = int(np.searchsorted(measured.lag, settings.map_lag))
    found = [nonaffinity(sample, measured)]
    if np.isfinite(measured.value[:, k]).any():
        found += [make(sample, measured, k) for make in (distribution, field_map, in_space)]
    else:
        reason = f"No particle keeps its neighbours in view over the lag {settings.map_lag}."
        found += [missing(reason) for _ in GROUPS[1:-1]]
    found.append(film(sample))
    note = {
        "cutoff": settings.cutoff,
        "normalisation": f"{NORMALISATION} over neighbours",
        "reference": REFERENCE,
        "threshold": settings.threshold,
        "together": together(parts, settings.map_lag, settings.cutoff),
        "together_lag": settings.map_lag,
    }
    for metric in found:
        metric.attributes.update(note)
    return dict(zip(GROUPS, found, strict=True))


def nonaffinity(sample: Sample, measured: NonAffine) -> Metric:
    """Group d2min: mean, spread, median and fraction of rearrangements against lag."""

    def rearranged(values: np.ndarray) -> float:
        return float((values > sample.settings.threshold).mean())

    total, number = sums(measured.value, sample.label)
    data = dict(curve(total, number, lag=measured.lag).data)
    data["mean"] = data.pop("value")
    spread: dict[str, Callable[[np.ndarray], Any]]
    spread = {"std": np.std, "median": np.median, "fraction": rearranged}
    data |= {name: np.full(len(measured.lag), np.nan) for name in spread}
    for k, column in enumerate(np.moveaxis(measured.value, 1, 0)):
        values = column[np.isfinite(column)]
        for name, of in spread.items():
            data[name][k] = of(values) if len(values) else np.nan
    return Metric(data, {"origins": len(measured.origin)})


def distribution(sample: Sample, measured: NonAffine, k: int) -> Metric:
    """Group d2min_histogram: share of particles in each of the logarithmic bins, at lag k."""
    edges = sample.settings.d2min_edges
    number = histogram(measured.value[:, k], edges, sample.label)
    data = dict(curve(number, np.ones_like(number), per_decade, edges=edges).data)
    decades = np.diff(np.log10(edges))
    data |= {name: data[name] / decades for name in ("low", "high")}
    data["density"] = data.pop("value") / decades
    lag = sample.settings.map_lag
    return Metric(data, {"lag": lag, "density": "per decade of D2min"})


def field_map(sample: Sample, measured: NonAffine, k: int) -> Metric:
    """Group d2min_map: the field from the first origin on, at lag k."""
    defined = np.isfinite(measured.value[:, k])
    row = int(defined.any(axis=1).argmax())
    part, origin = sample.parts[measured.run[row]], measured.origin[row]
    who = np.flatnonzero(defined[row])
    data = {
        "position": part.placed(origin)[who],
        "value": measured.value[row, k, who],
        "particle": sample.trajectory.particle[who],
        "patch": sample.label[who],
    }
    return Metric(data, {"lag": sample.settings.map_lag, "time": float(part.time[origin])})


def in_space(sample: Sample, measured: NonAffine, k: int) -> Metric:
    """Group d2min_correlation: figure 13B of the paper, and the correlation coefficient."""
    edges = sample.settings.r_edges[::4]
    if len(edges) < 2:
        return missing("The window is too narrow for a correlation over distance.")
    weighted, pearson = correlation(sample.parts, measured, k, edges)
    data = {"r": (edges[1:] + edges[:-1]) / 2, "value": weighted, "pearson": pearson}
    return Metric(data, {"lag": sample.settings.map_lag})


def film(sample: Sample) -> Metric:
    """Group d2min_film: from the first snapshot on, at those of the experiment's first run."""
    part, settings = sample.parts[0], sample.settings
    rows = evenly(np.arange(settings.first_run), FILM)
    rows = rows[(rows > 0) & (rows < len(part.time))]
    value = field(part, 0, rows, settings.cutoff, NORMALISATION)
    if not np.isfinite(value).any():
        return missing("No particle has enough neighbours in the first snapshot.")
    data = {"row": rows, "value": value.astype(np.float32)}
    return Metric(data | {"particle": sample.trajectory.particle}, {"time": float(part.time[0])})


D2MIN = Statistic(
    measure,
    {
        "d2min": Compared("Mean D²min against lag"),
        "d2min_histogram": Compared("Distribution of D²min", per_decade),
    },
    counting=COUNTING,
)
