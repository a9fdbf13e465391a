"""Simulates the sheared monolayer whose truth is known."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate.systems import system

film = system(snakemake.params.settings["simulate"])
video = snakemake.params.settings["video"]
scale = {key: video[key] for key in ("mpp", "fps") if video[key] is not None}
truth = film.replace(**scale).simulate(film.seed, snakemake.wildcards.name)
h5md.write(snakemake.output.truth, truth)
