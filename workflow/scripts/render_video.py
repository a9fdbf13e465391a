"""Renders the simulated sample to a noisy TIFF."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.settings import sections
from pipeline.simulate.render import render

chosen = sections(snakemake.params.settings)
camera = chosen.simulate.camera(chosen.video.mpp, chosen.video.fps)
truth = h5md.read(snakemake.input.truth, source="truth")
render(snakemake.output.video, truth, camera, chosen.simulate.seed)
