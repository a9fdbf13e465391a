"""All statistics of one source (experiment, truth, a model's rollout), and their file.

Every source is measured with the settings planned from the experiment, so that curves share lags
and bins: see `pipeline.analysis.plan`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.analysis.correlations import MSD, VACF
from pipeline.analysis.cycles import CYCLES, FILM
from pipeline.analysis.metric import Counts, Metric, Sample
from pipeline.analysis.paper_window import PAPER
from pipeline.analysis.plan import Plan, described, restored
from pipeline.analysis.profiles import FLUID_PROFILES, SOLID
from pipeline.analysis.rdf import RDF
from pipeline.analysis.rearrangements import D2MIN
from pipeline.analysis.runs import WHOLE, Share, runs
from pipeline.analysis.streamlines import STREAMLINES
from pipeline.analysis.uncertainty import Curve, patches
from pipeline.arrays import store
from pipeline.errors import InputError
from pipeline.hdf5 import opened, require, written
from pipeline.trajectory import Trajectory

# All that is measured, in the order of tables and figures.
REGISTER = (RDF, VACF, MSD, D2MIN, CYCLES, PAPER, SOLID, FLUID_PROFILES, STREAMLINES)
COMPARED = {name: entry for one in REGISTER for name, entry in one.compared.items()}
SHAPES: dict[str, Curve] = {name: entry.shape for name, entry in COMPARED.items()}
ERRORS = {name: entry.words for name, entry in COMPARED.items() if entry.words}

COUNTINGS = {one.counting.name: one.counting for one in REGISTER if one.counting} | {
    FILM.name: FILM
}

PLOTS = {one.plot.name: one.plot for one in REGISTER if one.plot is not None}


def measure(
    trajectory: Trajectory,
    settings: Plan,
    select: np.ndarray | None = None,
    rows: slice = slice(None),
    counted: Mapping[str, Counts] | None = None,
) -> dict[str, Metric]:
    """Every statistic that the data support, the others with the reason why not.

    Args:
        trajectory: the source.
        settings: planned from the experiment.
        select: (N,) bool, the particles that statistics are about.
        rows: the snapshots that count.
        counted: what `count` gave of the same, of all blocks of time `joined`.

    Returns:
        metrics by group name: rdf, vacf, msd, positions, displacements, d2min, d2min_histogram,
        d2min_map, d2min_correlation, d2min_film, cycles, velocity_profile, mixing, streamlines;
        where the paper's window is asked for rdf_paper, vacf_paper, msd_paper.

    Raises:
        ValueError: if select does not fit, or particles share columns.
        InputError: if the snapshots do not fall on a clock.
    """
    trajectory.own_columns()
    source = sample(trajectory.window(rows), settings, select)._replace(counted=counted or {})
    found: dict[str, Metric] = {}
    for statistic in REGISTER:
        found |= statistic.measure(source)
    return found


def count(
    trajectory: Trajectory, settings: Plan, select: np.ndarray | None, share: Share = WHOLE
) -> dict[str, Counts]:
    """What takes long of `measure`, of the time origins in one block of time; by names."""
    trajectory.own_columns()
    source = sample(trajectory, settings, select)._replace(share=share)
    return {one.counting.name: one.counting.over(source) for one in REGISTER if one.counting}


def joined(blocks: Sequence[Mapping[str, Counts]]) -> dict[str, Counts]:
    """What all blocks of time count together.

    Args:
        blocks: in order of time.
    """
    names = blocks[0] if blocks else ()
    return {name: COUNTINGS[name].joined([block[name] for block in blocks]) for name in names}


def sample(part: Trajectory, settings: Plan, select: np.ndarray | None) -> Sample:
    """What `measure` hands to every statistic, of the snapshots that count."""
    parts = runs(part, select)
    free = np.concatenate([run.free for run in parts])
    label = patches(np.concatenate([run.position for run in parts]), free, settings.patch)
    chosen = np.ones(len(label), bool) if select is None else select
    return Sample(part, chosen, parts, label, settings)


DATASET = ("dataset", "dt", "length_unit", "time_unit", "localisation_error")


def attributes(data: Trajectory, settings: Plan) -> dict[str, Any]:
    """What a file of statistics says of the data set and of how it was measured."""
    known = {key: data.attributes[key] for key in DATASET}
    return known | {"neighbour_distance": settings.spacing, "settings": described(settings)}


def planned(path: str | os.PathLike[str], **expected: str) -> tuple[Plan, dict[str, Any]]:
    """How the source of a file was measured, and the `attributes` of the data set.

    Args:
        expected: attributes that it must have, such as dataset and source.

    Raises:
        InputError: naming the file, if it is damaged, or of something else than was expected.
    """
    with opened(path, "a file of statistics") as file:
        require(file.attrs, expected)
        names = (*DATASET, "neighbour_distance", "settings")
        known = {name: file.attrs[name] for name in names}
        return restored(known["settings"]), known


def write(
    path: str | os.PathLike[str], found: dict[str, Metric], attributes: dict[str, Any]
) -> None:
    """Writes metrics as groups of one HDF5 file, which appears whole or not at all.

    Args:
        path: statistics/<source>.h5
        found: metrics by group name.
        attributes: of the file, e.g. source, dataset, dt, length_unit, time_unit, settings.
    """
    with written(path) as file:
        file.attrs.update(attributes)
        for name, metric in found.items():
            group = file.create_group(name)
            group.attrs.update(metric.attributes)
            for key, value in metric.data.items():
                store(group, key, value)


def write_counts(
    path: str | os.PathLike[str], counted: Mapping[str, Counts], attributes: dict[str, Any]
) -> None:
    """Writes what `count` gave of one block of time, with attributes as of `write`."""
    write(path, {name: Metric(counts, {}) for name, counts in counted.items()}, attributes)


def read_counts(paths: Sequence[str | os.PathLike[str]], **expected: str) -> dict[str, Counts]:
    """What all blocks of time count together, nothing where there are none.

    Args:
        paths: of `write_counts`, in order of time.
        expected: attributes that each must have, such as dataset and source.

    Raises:
        InputError: naming the file, if it is damaged, or of something else than was expected.
    """
    blocks = [read(path, **expected)[0] for path in paths]
    return joined([{name: one.data for name, one in block.items()} for block in blocks])


def read(path: str | os.PathLike[str], **expected: str) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Metrics by group name and the attributes of the file, as `write` took them.

    Args:
        expected: attributes that it must have, such as dataset and source.

    Raises:
        InputError: naming the file, if it is damaged, or of something else than was expected.
    """
    with opened(path, "a file of statistics") as file:
        found = {
            name: Metric({key: node[()] for key, node in group.items()}, dict(group.attrs))
            for name, group in file.items()
        }
        if not found:
            raise InputError("it holds no metric")
        require(file.attrs, expected)
        return found, dict(file.attrs)
