"""Tracks, or the truth of a simulation, to a trajectory in physical units."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)

import json

import h5py

from pipeline import h5md, tables
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble, from_truth

settings = snakemake.params.settings
name = snakemake.wildcards.name
with open(snakemake.input.tuning) as file:
    diameter = json.load(file)["parameters"]["diameter"]["value"]
with h5py.File(snakemake.input.frames) as file:
    shape = file["images"].shape[1:]
view = View(
    shape=shape,
    margin=(diameter + 1) / 2,
    cutoff=settings["graph"]["cutoff"],
    edge_band=settings["trajectory"]["edge_band"],
)
scale = Scale(settings["video"]["mpp"], settings["video"]["fps"])
if truth := snakemake.input.get("truth"):
    data = from_truth(h5md.read(truth), view, scale, name)
else:
    tracks = tables.read(snakemake.input[0], tables.TRACKS)
    data = assemble(tracks, view, scale, {"dataset": name, "synthetic": snakemake.params.synthetic})
h5md.write(snakemake.output.trajectory, data)
