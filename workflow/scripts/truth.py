"""What the known truth says about tracking and about the models."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

import h5py
import numpy as np

from pipeline import h5md, tables
from pipeline.analysis.pair_force import bare_law, pair_curves
from pipeline.analysis.truth import tracking
from pipeline.files import write_json

truth = h5md.read(snakemake.input.truth)
tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
with h5py.File(snakemake.input.frames) as file:
    view = file["images"].shape[1:]
found = tracking(tracks, truth, view)
tracked = h5md.read(snakemake.input.trajectory)
if "law_force_kT" in truth.attributes:
    found["law"] = bare_law(truth, tracked)
# One curve can describe one species only.
elif len(np.unique(truth.species)) == 1:
    found["pair"] = pair_curves(truth, tracked, snakemake.params.settings["graph"]["cutoff"])
write_json(snakemake.output.truth, found)
