"""What the known truth says about tracking and about the models."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import h5py
import numpy as np

from pipeline import h5md, tables
from pipeline.analysis.pair_force import pair_curves
from pipeline.analysis.truth import tracking
from pipeline.files import write_json

truth = h5md.read(snakemake.input.truth)
tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
with h5py.File(snakemake.input.frames) as file:
    view = file["images"].shape[1:]
found = tracking(tracks, truth, view)
# One curve can describe one species only.
if len(np.unique(truth.species)) == 1:
    cutoff = snakemake.params.settings["graph"]["cutoff"]
    tracked = h5md.read(snakemake.input.trajectory)
    found["pair"] = pair_curves(truth, tracked, cutoff)
write_json(snakemake.output.truth, found)
