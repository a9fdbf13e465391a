"""Tracks, true positions, a simulation or imported files to what everything later reads."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
import os
from pathlib import Path

import h5py

from pipeline import h5md, tables
from pipeline.imported.assembly import load
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble, from_truth


def view() -> View:
    with open(snakemake.input.tuning) as file:
        diameter = json.load(file)["parameters"]["diameter"]["value"]
    with h5py.File(snakemake.input.frames) as file:
        shape = file["images"].shape[1:]
    return View(
        shape=shape,
        margin=(diameter + 1) / 2,
        cutoff=settings["graph"]["cutoff"],
        edge_band=settings["trajectory"]["edge_band"],
        edge=settings["trajectory"]["edge"],
    )


settings = snakemake.params.settings
name, written = snakemake.wildcards.name, snakemake.output.trajectory
scale = Scale(settings["video"]["mpp"], settings["video"]["fps"])
if simulated := snakemake.input.get("simulated"):
    os.link(simulated, written)
elif recorded := snakemake.input.get("recorded"):
    edge = settings["trajectory"]
    # Their particles never change in number, which tells nothing of the faces.
    width = (settings["graph"]["cutoff"], edge["edge_band"] if edge["edge"] != "closed" else 0.0)
    h5md.write(written, load([Path(path) for path in recorded], settings["imported"], width, name))
elif truth := snakemake.input.get("truth"):
    h5md.write(written, from_truth(h5md.read(truth), view(), scale, name))
else:
    note = {"dataset": name, "synthetic": snakemake.params.synthetic}
    tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
    h5md.write(written, assemble(tracks, view(), scale, note))
