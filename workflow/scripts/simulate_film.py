"""Simulates the sample of a film, whose truth is known."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.simulate import films

chosen = snakemake.params.settings
truth = films.simulate(chosen["simulate"], chosen["video"], snakemake.wildcards.name)
h5md.write(snakemake.output.truth, truth)
