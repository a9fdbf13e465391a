"""Renders the simulated sample to a noisy TIFF."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate.films import camera
from pipeline.simulate.render import render

chosen = snakemake.params.settings
truth = h5md.read(snakemake.input.truth)
seed = chosen["simulate"].get("seed", 0)
render(snakemake.output.video, truth, camera(truth, chosen["video"]), seed)
