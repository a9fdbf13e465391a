"""Each statistic as it stands in a statistics file: curve, interval, and the sums behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.analysis.curves import Metric, curve, missing
from pipeline.analysis.msd import squared_displacements
from pipeline.analysis.nonaffine import NonAffine, correlation, histogram, sums
from pipeline.analysis.rdf import rdf
from pipeline.analysis.runs import Run, wrapped
from pipeline.analysis.settings import Settings
from pipeline.analysis.streamlines import displacements, grid
from pipeline.analysis.uncertainty import gather, interval
from pipeline.analysis.vacf import velocity_products

FEWEST_PAIRS = 100


def structure(parts: Sequence[Run], settings: Settings, label: np.ndarray) -> Metric:
    """Group rdf."""
    edges = settings.r_edges
    found, expected = rdf(parts, settings.window, edges, label, settings.snapshots)
    if found.sum() < FEWEST_PAIRS:
        return missing(
            f"g(r) rests on {found.sum():.0f} pairs below {edges[-1]:.3g}, fewer than "
            f"{FEWEST_PAIRS}: more particles or more frames are needed."
        )
    return curve("rdf", found, expected, r=(edges[1:] + edges[:-1]) / 2)


def mobility(parts: Sequence[Run], settings: Settings, label: np.ndarray) -> Metric:
    """Group msd."""
    total, origins = squared_displacements(parts, settings.lag)
    if not origins.any():
        return missing("No free particle is present at two times: there is no displacement.")
    units = int(label.max()) + 1
    total, origins = gather(total, label, units), gather(origins, label, units)
    return curve("msd", total, origins, lag=settings.lag)


def velocities(parts: Sequence[Run], settings: Settings, label: np.ndarray) -> Metric:
    """Group vacf: the normalised curve, and the plain one as ``raw``."""
    lag = np.concatenate([[0], settings.lag])
    total, origins = velocity_products(parts, lag)
    if not total[:, 0].sum() > 0:
        return missing("No free particle moves: there is no velocity to correlate.")
    units = int(label.max()) + 1
    total, origins = gather(total, label, units), gather(origins, label, units)
    raw = interval(total, origins)
    return curve("vacf", total, origins, lag=lag, raw=raw.value, raw_low=raw.low, raw_high=raw.high)


def nonaffinity(measured: NonAffine, settings: Settings, label: np.ndarray) -> Metric:
    """Group d2min: mean, spread, median and fraction of rearrangements against lag."""

    def rearranged(values: np.ndarray) -> float:
        return float((values > settings.threshold).mean())

    total, number = sums(measured.value, label)
    drawn = curve("d2min", total, number, lag=measured.lag)
    data = dict(drawn.data)
    data["mean"] = data.pop("value")
    flat = [column[np.isfinite(column)] for column in np.moveaxis(measured.value, 1, 0)]
    spread: dict[str, Callable[[np.ndarray], Any]]
    spread = {"std": np.std, "median": np.median, "fraction": rearranged}
    for name, of in spread.items():
        data[name] = np.array([of(values) if len(values) else np.nan for values in flat])
    return Metric(data, {"origins": len(measured.origin)})


def distribution(measured: NonAffine, settings: Settings, label: np.ndarray) -> Metric:
    """Group d2min_histogram: share of particles in each of the logarithmic bins."""
    k = int(np.searchsorted(measured.lag, settings.map_lag))
    number = histogram(measured.value[:, k], settings.d2min_edges, label)
    drawn = curve("d2min_histogram", number, np.ones_like(number), edges=settings.d2min_edges)
    decades = np.diff(np.log10(settings.d2min_edges))
    data = drawn.data | {name: drawn.data[name] / decades for name in ("low", "high")}
    data["density"] = data.pop("value") / decades
    return Metric(data, {"lag": settings.map_lag, "density": "per decade of D2min"})


def snapshot_map(parts: Sequence[Run], measured: NonAffine, settings: Settings) -> Metric:
    """Group d2min_map: the field from the first origin on."""
    k = int(np.searchsorted(measured.lag, settings.map_lag))
    defined = np.isfinite(measured.value[:, k])
    row = int(defined.any(axis=1).argmax())
    part, origin = parts[measured.run[row]], measured.origin[row]
    who = np.flatnonzero(defined[row])
    place = wrapped(part.position[origin], part.box)[who] + part.box.origin
    data = {"position": place, "value": measured.value[row, k, who], "particle": who}
    return Metric(data, {"lag": settings.map_lag, "time": float(part.time[origin])})


def spatial_correlation(parts: Sequence[Run], measured: NonAffine, settings: Settings) -> Metric:
    """Group d2min_correlation: figure 13B of the paper, and the correlation coefficient."""
    edges = settings.r_edges[::4]
    if len(edges) < 2:
        return missing("The window is too narrow for a correlation over distance.")
    k = int(np.searchsorted(measured.lag, settings.map_lag))
    weighted, pearson = correlation(parts, measured, k, edges)
    data = {"r": (edges[1:] + edges[:-1]) / 2, "value": weighted, "pearson": pearson}
    return Metric(data, {"lag": settings.map_lag})


def flow(parts: Sequence[Run], settings: Settings) -> Metric:
    """Group streamlines: smoothed displacements of the particles, and in 2D on a grid."""
    lag = settings.map_lag
    for part in parts:
        both = part.free[: max(len(part.time) - lag, 0)] & part.free[lag:]
        if both.any():
            break
    else:
        return missing(f"No free particle is present at two times {lag} intervals apart.")
    origin = int(both.any(axis=1).argmax())
    place, move, _ = displacements(part, origin, lag, settings.spacing)
    data = {"position": place, "displacement": move}
    if place.shape[1] == 2:
        x, y, field = grid(place, move, settings.window, settings.spacing)
        data |= {"x": x, "y": y, "grid": field}
    return Metric(data, {"lag": lag, "time": float(part.time[origin])})
