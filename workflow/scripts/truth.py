"""What the known truth says about tracking and about the models."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)

import json
from pathlib import Path

import h5py

from pipeline import tables, trajectory
from pipeline.analysis.truth import tracking

truth = trajectory.read(snakemake.input.truth)
tracks = tables.read(snakemake.input.tracks, tables.TRACKS)
with h5py.File(snakemake.input.frames) as file:
    view = file["images"].shape[1:]
Path(snakemake.output.truth).write_text(json.dumps(tracking(tracks, truth, view)))
