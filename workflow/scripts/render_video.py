"""Renders the simulated monolayer to a noisy TIFF."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate.render import Camera, render
from pipeline.simulate.systems import system

film = system(snakemake.params.settings["simulate"])
truth = h5md.read(snakemake.input.truth)
camera = Camera(view=film.view, mpp=truth.attributes["mpp"], fps=truth.attributes["fps"])
render(snakemake.output.video, truth, camera, film.seed)
