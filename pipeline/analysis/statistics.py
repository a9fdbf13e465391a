"""All statistics of one source (experiment, truth, a model's rollout), and their file.

Every source is measured with the settings planned from the experiment, so that curves share lags
and bins: see `settings.plan`.
"""

from __future__ import annotations

import os
from typing import Any

import h5py
import numpy as np

from pipeline.analysis import metrics
from pipeline.analysis.curves import CURVES, Metric, missing
from pipeline.analysis.lastwindow import last_window
from pipeline.analysis.nonaffine import against_lag
from pipeline.analysis.overlap import OVERLAPS, shared
from pipeline.analysis.paths import paths
from pipeline.analysis.runs import Run, runs
from pipeline.analysis.settings import Settings
from pipeline.analysis.together import together
from pipeline.analysis.uncertainty import noise_floor, patches
from pipeline.files import whole
from pipeline.trajectory import Trajectory

NORMALISATION = "mean"
REFERENCE = "configuration at the time origin"
REARRANGEMENTS = ("d2min", "d2min_histogram", "d2min_map", "d2min_correlation")
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
        d2min_map, d2min_correlation, streamlines; where the paper's window is asked for rdf_paper,
        vacf_paper, msd_paper.

    Raises:
        ValueError: if select does not fit, or the snapshots do not fall on a clock.
    """
    parts = runs(trajectory.window(rows), select)
    free = np.concatenate([part.free for part in parts])
    label = patches(np.concatenate([part.position for part in parts]), free, settings.patch)
    found = {
        "rdf": metrics.structure(parts, settings, label),
        "vacf": metrics.velocities(parts, settings, label),
        "msd": metrics.mobility(parts, settings, label),
    }
    chosen = np.ones(len(free[0]), bool) if select is None else select
    found |= paths(trajectory.window(rows), chosen, settings.frames)
    sliding = any(part.slide.any() for part in parts)
    if settings.rearrangements and not sliding:
        found |= {"streamlines": metrics.flow(parts, settings)}
        found |= _rearrangements(parts, settings, label)
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
    names = REARRANGEMENTS
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
    found = [metrics.nonaffinity(measured, settings, label)]
    if np.isfinite(measured.value[:, k]).any():
        found += [
            metrics.distribution(measured, settings, label),
            metrics.snapshot_map(parts, measured, settings),
            metrics.spatial_correlation(parts, measured, settings),
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
