"""All statistics of one source (experiment, truth, a model's rollout), and their file.

Each statistic as it stands in a statistics file: curve, interval, and the sums behind them.

Every source is measured with the settings planned from the experiment, so that curves share lags
and bins: see `settings.plan`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import h5py
import numpy as np

from pipeline.analysis.comparison import OVERLAPS, shared
from pipeline.analysis.correlations import squared_displacements, velocity_products
from pipeline.analysis.cycles import cycles
from pipeline.analysis.d2min import NonAffine, against_lag, correlation, histogram, sums, together
from pipeline.analysis.metric import CURVES, Metric, curve, missing
from pipeline.analysis.paper_window import last_window
from pipeline.analysis.profiles import paths
from pipeline.analysis.rdf import rdf
from pipeline.analysis.runs import Run, runs, wrapped
from pipeline.analysis.settings import Settings
from pipeline.analysis.streamlines import displacements, grid
from pipeline.analysis.uncertainty import gather, interval, noise_floor, patches
from pipeline.files import whole
from pipeline.trajectory import Trajectory

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


NORMALISATION = "mean"
REFERENCE = "configuration at the time origin"
REARRANGEMENTS = ("d2min", "d2min_histogram", "d2min_map", "d2min_correlation", "cycles")
SLIDING = "Rearrangements are not measured in a box whose images slide (Lees-Edwards)."
UNASKED = "Rearrangements were not asked for (statistics: rearrangements)."


def measure(
    trajectory: Trajectory,
    settings: Settings,
    select: np.ndarray | None = None,
    rows: slice = slice(None),
) -> dict[str, Metric]:
    """Every statistic that the data support, the others with the reason why not.

    Args:
        trajectory: the source.
        settings: planned from the experiment.
        select: (N,) bool, the particles that statistics are about.
        rows: the snapshots that count.

    Returns:
        metrics by group name: rdf, vacf, msd, positions, displacements, d2min, d2min_histogram,
        d2min_map, d2min_correlation, cycles, streamlines; where the paper's window is asked for
        rdf_paper, vacf_paper, msd_paper.

    Raises:
        ValueError: if select does not fit, or the snapshots do not fall on a clock.
    """
    parts = runs(trajectory.window(rows), select)
    free = np.concatenate([part.free for part in parts])
    label = patches(np.concatenate([part.position for part in parts]), free, settings.patch)
    found = {
        "rdf": structure(parts, settings, label),
        "vacf": velocities(parts, settings, label),
        "msd": mobility(parts, settings, label),
    }
    chosen = np.ones(len(free[0]), bool) if select is None else select
    found |= paths(trajectory.window(rows), chosen, settings.frames)
    sliding = any(part.slide.any() for part in parts)
    if settings.rearrangements and not sliding:
        found |= {"streamlines": flow(parts, settings)}
        found |= _rearrangements(parts, settings, label)
        found["cycles"] = cycles(parts, settings.period, settings.cutoff, settings.threshold)
    else:
        reason = SLIDING if sliding else UNASKED
        found |= {name: missing(reason) for name in ("streamlines", *REARRANGEMENTS)}
    if settings.paper_window:
        found |= last_window(parts, settings, label, settings.paper_window)
    if "particle" in found["d2min_map"].data:
        who = found["d2min_map"].data["particle"]
        found["d2min_map"].data["particle"] = trajectory.particle[who]
        found["d2min_map"].data["patch"] = label[who]
    return found


def _rearrangements(parts: list[Run], settings: Settings, label: np.ndarray) -> dict[str, Metric]:
    names = REARRANGEMENTS[:4]
    measured = against_lag(
        parts, settings.d2min_lag, settings.cutoff, settings.origins, NORMALISATION
    )
    k = int(np.searchsorted(measured.lag, settings.map_lag))
    dimension = parts[0].position.shape[2]
    if not np.isfinite(measured.value).any():
        reason = (
            f"D2min needs more than {dimension} neighbours within {settings.cutoff:.3g} that stay "
            f"in view, and no free particle has them: the sample is too dilute or the tracks too "
            f"short."
        )
        return {name: missing(reason) for name in names}
    found = [nonaffinity(measured, settings, label)]
    if np.isfinite(measured.value[:, k]).any():
        found += [
            distribution(measured, settings, label),
            snapshot_map(parts, measured, settings),
            spatial_correlation(parts, measured, settings),
        ]
    else:
        reason = f"No particle keeps its neighbours in view over the lag {settings.map_lag}."
        found += [missing(reason) for _ in names[1:]]
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
    return dict(zip(names, found, strict=True))


def floor(found: dict[str, Metric], again: dict[str, Metric] | None = None) -> Metric:
    """Group noise_floor: what separates the experiment from itself.

    For curves the relative L2 error between two halves of the experiment. For the map its overlap
    with the map of the same experiment seen with its localisation error once more: no model can be
    asked for a larger one.

    Args:
        found: metrics of the experiment.
        again: the same, of the experiment blurred by its own localisation error.
    """
    errors = {
        name: noise_floor(found[name].data["numerator"], found[name].data["denominator"], curve)
        for name, curve in CURVES.items()
        if not found[name].missing
    }
    maps = found["d2min_map"], again["d2min_map"] if again else missing("Not measured.")
    if not (maps[0].missing or maps[1].missing):
        one, other, _ = shared(*maps)
        every = np.ones((1, len(one)))
        errors |= {name: float(overlap(one, other, every)[0]) for name, overlap in OVERLAPS.items()}
    return Metric({}, errors)


def write(
    path: str | os.PathLike[str], found: dict[str, Metric], attributes: dict[str, Any]
) -> None:
    """Writes metrics as groups of one HDF5 file, which appears whole or not at all.

    Args:
        path: statistics/<source>.h5
        found: metrics by group name.
        attributes: of the file, e.g. source, dataset, dt, length_unit, time_unit, settings.
    """
    with whole(path) as partial, h5py.File(partial, "w") as file:
        file.attrs.update(attributes)
        for name, metric in found.items():
            group = file.create_group(name)
            group.attrs.update(metric.attributes)
            for key, value in metric.data.items():
                group.create_dataset(key, data=value)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Metrics by group name and the attributes of the file, as `write` took them."""
    with h5py.File(path, "r") as file:
        found = {
            name: Metric({key: group[key][()] for key in group}, dict(group.attrs))
            for name, group in file.items()
        }
        return found, dict(file.attrs)
