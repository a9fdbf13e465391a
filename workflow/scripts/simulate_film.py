"""Simulates the sample of a film, whose truth is known."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.settings import sections

chosen = sections(snakemake.params.settings)
film = chosen.simulate.scaled(chosen.video.mpp, chosen.video.fps)
made = film.simulate(film.seed).noting(dataset=snakemake.wildcards.name, source="truth")
h5md.write(snakemake.output.truth, made)
