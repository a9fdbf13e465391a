"""Tracks, true positions, a simulation or imported files to what everything later reads."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
import os
from pathlib import Path

import h5py
import numpy as np

from pipeline import h5md, tables
from pipeline.imported.assembly import load
from pipeline.units import Scale
from pipeline.video import survey
from pipeline.video.assembly import View, assemble, from_truth


def record(name: str) -> dict:
    with open(snakemake.input[name]) as file:
        return json.load(file)


def moved() -> tuple:
    """Least and greatest (x, y) by which pictures were moved, by registration and by linking."""
    pairs = [run["moved"] for run in record("summary")["runs"]]
    drifts = [*record("linking")["moved"].values(), [[0.0, 0.0], [0.0, 0.0]]]
    low = np.min(np.array(pairs)[:, 0], axis=0) + np.min(np.array(drifts)[:, 0], axis=0)
    high = np.max(np.array(pairs)[:, 1], axis=0) + np.max(np.array(drifts)[:, 1], axis=0)
    return tuple(low), tuple(high)


def view() -> View:
    diameter = record("tuning")["parameters"]["diameter"]["value"]
    with h5py.File(snakemake.input.frames) as file:
        shape = file["images"].shape[1:]
    return View(
        shape=shape,
        margin=(diameter + 1) / 2,
        cutoff=settings["graph"]["cutoff"],
        edge_band=settings["trajectory"]["edge_band"],
    )


settings = snakemake.params.settings
name, written = snakemake.wildcards.name, snakemake.output.trajectory
scale = Scale(settings["video"]["mpp"], settings["video"]["fps"])
if simulated := snakemake.input.get("simulated"):
    os.link(simulated, written)
elif recorded := snakemake.input.get("recorded"):
    width = (settings["graph"]["cutoff"], settings["trajectory"]["edge_band"])
    h5md.write(written, load([Path(path) for path in recorded], settings["imported"], width, name))
elif truth := snakemake.input.get("truth"):
    h5md.write(written, from_truth(h5md.read(truth), view(), scale, name))
else:
    note = {"dataset": name, "synthetic": snakemake.params.synthetic}
    tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
    scale = Scale(settings["video"]["mpp"], record("summary")["fps"])
    seen = view()._replace(moved=moved())
    ticks = survey.ticks(snakemake.input.survey)
    h5md.write(written, assemble(tracks, seen, scale, note, ticks))
