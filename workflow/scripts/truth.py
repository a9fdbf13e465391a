"""What the known truth says about tracking and about the models."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import numpy as np

from pipeline import h5md, tables
from pipeline.analysis.pair_force import bare_law, pair_curves
from pipeline.analysis.tracking_errors import tracking
from pipeline.files import write_json
from pipeline.settings import sections
from pipeline.video.frames import example_shape

truth = h5md.read(snakemake.input.truth, source="truth")
tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
found = tracking(tracks, truth, example_shape(snakemake.input.frames))
name = snakemake.wildcards.name
tracked = h5md.read(snakemake.input.trajectory, dataset=name, source="trajectory")
if "law_force_kT" in truth.attributes:
    found["law"] = bare_law(truth, tracked)
# One curve can describe one species only.
elif len(np.unique(truth.species)) == 1:
    found["pair"] = pair_curves(truth, tracked, sections(snakemake.params.settings).graph.cutoff)
write_json(snakemake.output.truth, found)
