"""Tracks, true positions, a simulation or imported files to what everything later reads."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import json
import os
from pathlib import Path

import numpy as np

from pipeline import h5md, tables
from pipeline.files import data_files, reading, unchanged
from pipeline.imported.assembly import load
from pipeline.imported.sources import recorded as trajectories
from pipeline.settings import sections
from pipeline.units import Scale
from pipeline.video import survey
from pipeline.video.assembly import View, assemble, from_truth
from pipeline.video.frames import example_shape
from pipeline.video.tune import checksums, parameters


def record(name: str) -> dict:
    with reading(snakemake.input[name], "a file of this workflow"):
        return json.loads(Path(snakemake.input[name]).read_text())


def moved() -> tuple:
    """Least and greatest (x, y) by which pictures were moved, by registration and by linking."""
    pairs = [run["moved"] for run in record("summary")["runs"]]
    drifts = [*record("linking")["moved"].values(), [[0.0, 0.0], [0.0, 0.0]]]
    low = np.min(np.array(pairs)[:, 0], axis=0) + np.min(np.array(drifts)[:, 0], axis=0)
    high = np.max(np.array(pairs)[:, 1], axis=0) + np.max(np.array(drifts)[:, 1], axis=0)
    return tuple(low), tuple(high)


def view(reach: dict | None = None) -> View:
    """What the camera saw; what particles reached, where a table came without a film."""
    if reach is None:
        shape = example_shape(snakemake.input.frames)
        margin = (parameters(snakemake.input.tuning)["diameter"] + 1) / 2
    else:
        shape, margin = tuple(reach["shape"]), reach["margin"]
    return View(
        shape=shape,
        margin=margin,
        cutoff=asked.graph.cutoff,
        edge_band=asked.trajectory.edge_band,
        edge=asked.trajectory.edge,
        corner=(0.0, 0.0) if reach is None else tuple(reach["corner"]),
    )


def with_inputs(trajectory, inputs):
    """A trajectory that says of which files it was made: the report prints their checksums."""
    return trajectory._replace(attributes={**trajectory.attributes, "inputs": inputs})


settings = snakemake.params.settings
asked = sections(settings)
name, written = snakemake.wildcards.name, snakemake.output.trajectory
scale = Scale(asked.video.mpp, asked.video.fps)
if simulated := snakemake.input.get("simulated"):
    os.link(simulated, written)
elif recorded := snakemake.input.get("recorded"):
    edge = asked.trajectory
    # Their particles never change in number, which tells nothing of the faces.
    width = (asked.graph.cutoff, edge.edge_band if edge.edge != "closed" else 0.0)
    with unchanged(recorded, snakemake.params.content) as inputs:
        paths = trajectories(data_files(recorded))
        h5md.write(written, with_inputs(load(paths, settings["imported"], width, name), inputs))
elif truth := snakemake.input.get("truth"):
    inputs = checksums(snakemake.input.tuning)
    h5md.write(written, with_inputs(from_truth(h5md.read(truth), view(), scale, name), inputs))
elif table := snakemake.input.get("table"):
    tuning = record("tuning")
    note = {"dataset": name, "synthetic": False, "tables": tuning["tables"]}
    kept = snakemake.input.get("survey")
    made = assemble(
        tables.read(table, tables.PLACED),
        view(tuning["view"]),
        Scale(**tuning["scale"]),
        note,
        survey.ticks(kept) if kept else None,
    )
    h5md.write(written, with_inputs(made, tuning["inputs"]))
else:
    note = {"dataset": name, "synthetic": snakemake.params.synthetic}
    tracks = tables.read(snakemake.input.tracks, tables.PLACED)
    scale = Scale(asked.video.mpp, record("summary")["fps"])
    seen = view()._replace(moved=moved())
    ticks = survey.ticks(snakemake.input.survey)
    inputs = checksums(snakemake.input.tuning)
    h5md.write(written, with_inputs(assemble(tracks, seen, scale, note, ticks), inputs))
