"""Renders the simulated monolayer to a noisy TIFF."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate.monolayer import COLLOIDS
from pipeline.simulate.render import Camera, render

view = snakemake.params.settings["simulate"].get("view", COLLOIDS.view)
seed = snakemake.params.settings["simulate"].get("seed", 0)
truth = h5md.read(snakemake.input.truth)
camera = Camera(view=tuple(view), mpp=truth.attributes["mpp"], fps=truth.attributes["fps"])
render(snakemake.output.video, truth, camera, seed)
